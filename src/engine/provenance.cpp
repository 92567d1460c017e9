// SPDX-License-Identifier: Apache-2.0
#include "provenance.hpp"
#include <algorithm>
#include <unordered_map>

namespace chaos {

std::string_view to_text(Saying::How how) {
    switch (how) {
        case Saying::How::first: return "first";
        case Saying::How::replaces: return "replaces";
        case Saying::How::adds: return "adds";
        case Saying::How::unites: return "unites";
        case Saying::How::removes: return "removes";
        case Saying::How::agrees: return "agrees";
        case Saying::How::forgotten: return "forgotten";
        case Saying::How::dropped: return "dropped";
        case Saying::How::off: return "off";
    }
    return {};
}

namespace {

/// A value that lies over another one.
Saying::How how_over(const Value& below, const Value& above) {
    if (above.is_null()) return Saying::How::removes;
    return below.is_map() && above.is_map() ? Saying::How::unites : Saying::How::replaces;
}

bool still_says(const Saying& saying) {
    return saying.how != Saying::How::dropped && saying.how != Saying::How::forgotten &&
           saying.how != Saying::How::removes && saying.how != Saying::How::off;
}

/// The name without the `+` that adds: of a variable where it is not quoted, of an attribute always.
std::string plain_name(const Value& key, bool& adds, bool of_attribute = false) {
    std::string name = key.text();
    adds = name.size() > 1 && name.ends_with('+') && (of_attribute || !key.quoted);
    if (adds) name.pop_back();
    return name;
}

/// Where it is said: an import puts a value of another file below a key of this one.
Place said_at(Place key, const Value* value) {
    return key && value && value->where && value->where.source != key.source ? value->where : key;
}

std::string there(bool absent) {
    return absent ? "absent" : "present";
}

}  // namespace

std::string whole_secret(const Value& written) {
    if (!written.is_text()) return {};
    if (written.tag == Value::Tag::secret) return written.text();
    std::string_view text = written.text();
    const auto take = [&](std::string_view words) {
        while (text.starts_with(' ')) text.remove_prefix(1);
        return text.starts_with(words) ? text.remove_prefix(words.size()), true : false;
    };
    if (!take("{{") || !take("secret") || !take("(")) return {};
    const bool single = take("'");
    if (!single && !take("\"")) return {};
    const auto end = text.find(single ? '\'' : '"');
    if (end == std::string_view::npos) return {};
    const std::string name(text.substr(0, end));
    text.remove_prefix(end + 1);
    return take(")") && take("}}") && text.empty() ? name : std::string();
}

std::vector<Saying> sayings_of(const Declaration& entry, const Value::Map& written, std::string note) {
    std::vector<Saying> said;
    said.push_back({Saying::How::first, "", entry.where, Value(there(entry.absent)), {}, std::move(note), ""});
    for (const auto& [key, value] : entry.body) {
        Saying saying{Saying::How::first, "", key.where ? key.where : value.where, value, {}, "", ""};
        bool adds = false;
        saying.what = plain_name(key, adds, true);
        if (adds) saying.how = Saying::How::adds;
        for (const auto& before : written)
            if (before.key == key)
                saying.secret = whole_secret(before.value), saying.where = said_at(saying.where, &before.value);
        said.push_back(std::move(saying));
    }
    return said;
}

void lay_sayings(const Schema& schema, std::vector<Saying>& below, std::vector<Saying> above, bool beside) {
    const auto last_of = [&](std::string_view what) -> const Saying* {
        for (auto one = below.rbegin(); one != below.rend(); ++one)
            if (one->what.empty() == what.empty() && said_by(schema, one->what) == said_by(schema, what)) return &*one;
        return nullptr;
    };
    const Saying* entry = last_of("");
    const bool turns = entry && !above.empty() && above.front().what.empty() &&
                       (entry->value == Value("absent") || above.front().value == Value("absent"));
    std::vector<Saying> dropped;
    const auto drop = [&](Saying::How how, Place by, bool names_it) {
        for (const Saying& one : below)
            if (!one.what.empty() && last_of(one.what) == &one && still_says(one))
                dropped.push_back({how, one.what, by, {}, names_it ? one.where : Place(), "", ""});
    };
    if (entry && (entry->how == Saying::How::forgotten || entry->how == Saying::How::dropped))
        drop(entry->how, entry->where, false);
    else if (turns && !beside)  // what is not there has no attributes to lay anything on
        drop(Saying::How::dropped, above.front().where, true);
    below.insert(below.end(), dropped.begin(), dropped.end());
    for (Saying& saying : above) {
        const Saying* held = last_of(saying.what);
        if (held && still_says(*held) && !saying.over) {
            saying.over = held->where;
            if (saying.how == Saying::How::first)
                saying.how = beside ? Saying::How::agrees : how_over(held->value, saying.value);
        }
    }
    below.insert(below.end(), std::make_move_iterator(above.begin()), std::make_move_iterator(above.end()));
}

namespace {

Provenance::Variable& variable(Provenance& provenance, const std::string& module, const std::string& name) {
    for (auto& held : provenance.variables)
        if (held.module == module && held.name == name) return held;
    return provenance.variables.emplace_back(Provenance::Variable{module, name, {}, {}, ""});
}

void note_variable(Provenance::Variable& variable, Saying saying) {
    if (!variable.said.empty() && still_says(variable.said.back())) {
        saying.over = variable.said.back().where;
        if (saying.how == Saying::How::first) saying.how = how_over(variable.said.back().value, saying.value);
    }
    variable.said.push_back(std::move(saying));
}

}  // namespace

void note_variables(Provenance& provenance, const std::string& module, const Value::Map& said) {
    std::unordered_map<std::string, std::size_t> numbers;
    for (std::size_t i = 0; i < provenance.variables.size(); ++i)
        if (provenance.variables[i].module == module) numbers.emplace(provenance.variables[i].name, i);
    for (const auto& [key, value] : said) {
        bool adds = false;
        const std::string name = plain_name(key, adds);
        Saying saying{adds ? Saying::How::adds : Saying::How::first,
                      name,
                      said_at(key.where, &value),
                      value,
                      {},
                      "",
                      whole_secret(value)};
        const auto [number, is_new] = numbers.try_emplace(name, provenance.variables.size());
        if (is_new) provenance.variables.push_back({module, name, {}, {}, ""});
        note_variable(provenance.variables[number->second], std::move(saying));
    }
}

void note_given(Provenance& provenance, const std::vector<std::pair<std::string, std::string>>& vars) {
    for (const auto& [name, text] : vars)
        note_variable(variable(provenance, "", name), {Saying::How::first, name, {}, Value(text), {}, "--var", ""});
}

void note_values(Provenance& provenance, const std::string& module, Scope& scope) {
    for (auto& variable : provenance.variables) {
        if (variable.module != module) continue;
        try {
            if (const Value* value = scope.member("vars", variable.name)) variable.value = *value;
        } catch (const Error& error) {
            variable.failed = error.what();
        }
    }
}

void note_file(Provenance& provenance, const Document& document, const std::string& module) {
    if (provenance.files.size() <= document.source) provenance.files.resize(document.source + std::size_t(1));
    using Came = Provenance::File::Word;
    const Came asked = module.empty() ? Came::asked : Came::module;
    const Came way = document.word.empty() ? asked : document.word == "overlay" ? Came::overlay : Came::include;
    provenance.files[document.source] = {way, document.from, module};
}

void renumber(Provenance& provenance, std::span<const ResourceId> before, const Catalog& after) {
    constexpr std::uint32_t left_out = ~0U;
    std::vector<std::uint32_t> number(before.size(), left_out);
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < before.size() && next < after.size(); ++i) {
        if (!(before[i] == after[next].id)) continue;
        provenance.resources[next] = std::move(provenance.resources[i]);
        provenance.metas[next] = std::move(provenance.metas[i]);
        number[i] = next++;
    }
    provenance.resources.resize(next), provenance.metas.resize(next);
    std::erase_if(provenance.links,
                  [&](const auto& link) { return number[link.from] == left_out || number[link.to] == left_out; });
    for (auto& link : provenance.links) link.from = number[link.from], link.to = number[link.to];
}

}  // namespace chaos
