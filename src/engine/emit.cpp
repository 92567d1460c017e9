// SPDX-License-Identifier: Apache-2.0
// A site as one manifest in which everything is resolved.
#include <fmt/format.h>
#include <algorithm>
#include <map>
#include "beside.hpp"
#include "filters.hpp"
#include "provenance.hpp"
#include "utf8.hpp"
#include "yaml_writer.hpp"

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;

Value text(std::string words) {
    Value value(std::move(words));
    value.quoted = true;
    return value;
}

struct Entry {
    Value key, body;
    std::string origin;
};
struct Section {
    const Schema* schema;
    std::vector<Entry> entries;
};

class Emitter {
public:
    Emitter(const Site& site, const Sources& sources, const Provenance& provenance, Diagnostics& problems)
        : site_(site), sources_(sources), provenance_(provenance), problems_(problems), needs_(site.catalog.size()) {
        for (const Graph::Edge& edge : site.edges) needs_[edge.to].push_back(edge.from);
    }

    Value::Map head() const {
        Value::Map map;
        if (!site_.name.empty()) map.push_back({text("name"), text(site_.name)});
        const bool asks =
            std::any_of(site_.checks.begin(), site_.checks.end(), [](const Check& c) { return c.secret; });
        if ((uses_secrets_ || asks) && !provenance_.secrets.is_null()) map.push_back({text("secrets"), secret_files()});
        const auto list = [&](const char* word, const std::vector<std::string>& items) {
            Value::List all;
            for (const std::string& item : items) all.push_back(text(item));
            if (!all.empty()) map.push_back({text(word), Value(std::move(all))});
        };
        std::vector<std::string> exclusive;
        for (const auto& one : site_.exclusive) exclusive.emplace_back(one.type->schema().section);
        list("protect", site_.protect), list("exclusive", exclusive);
        if (site_.confirm) map.push_back({text("confirm"), window_of(*site_.confirm)});
        Value::List checks;
        for (const Check& check : site_.checks) checks.push_back(check.written);
        if (!checks.empty()) map.push_back({text("checks"), Value(std::move(checks))});
        return map;
    }

    std::vector<Section> sections(const std::vector<const Schema*>& first) {
        std::vector<Section> all;
        std::map<const Schema*, std::size_t> numbers;
        for (const Schema* schema : first)
            if (numbers.try_emplace(schema, all.size()).second) all.push_back({schema, {}});
        for (std::uint32_t i = 0; i < site_.catalog.size(); ++i) {
            const Schema& schema = site_.catalog[i].type->schema();
            const auto [held, is_new] = numbers.try_emplace(&schema, all.size());
            if (is_new) all.push_back({&schema, {}});
            all[held->second].entries.push_back(entry(i));
        }
        return all;
    }

private:
    static Value window_of(std::int64_t seconds) {
        return seconds == 0 ? Value("false") : text(fmt::format("{}s", seconds));
    }

    Value secret_files() const {
        Value files = provenance_.secrets;
        const auto absolute = [&](Value& file) {
            if (file.is_text()) file = text(beside::join(sources_[file.where].directory, file.text()));
        };
        absolute(files);
        if (files.is_list())
            for (Value& file : std::get<Value::List>(files.data)) absolute(file);
        return files;
    }

    /// The last that says something of an attribute, or of another one that becomes it; null where nobody does.
    const Saying* said_of(std::uint32_t i, const Schema& schema, std::string_view attribute) const {
        const Saying* last = nullptr;
        for (const Saying& saying : provenance_.resources[i])
            if (!saying.what.empty() && saying.how != Saying::How::dropped &&
                said_by(schema, saying.what) == attribute && !is_names(schema, saying.what))
                last = &saying;
        return last;
    }
    static bool is_names(const Schema& schema, std::string_view attribute) {
        const Field* field = schema.find(attribute);
        return field && field->role == Field::Role::names;
    }

    Entry entry(std::uint32_t i) {
        const Resource& resource = site_.catalog[i];
        Value::Map body = attributes(i);
        if (resource.absent) body.push_back({text("absent"), Value("true")});
        if (!resource.doc.empty()) body.push_back({text("doc"), text(resource.doc)});
        if (!resource.tags.empty()) body.push_back({text("tags"), list_of(resource.tags)});
        for (const auto& meta : provenance_.metas[i]) body.push_back(meta);
        links(i, body);
        Entry entry{text(resource.id.key), protect_braces(text(resource.id.key), std::move(body)), origin_of(i)};
        if (needs_escape_) entry.key = escaped(std::move(entry.key));
        return entry;
    }

    static Value list_of(const std::vector<std::string>& items) {
        Value::List list;
        for (const std::string& item : items) list.push_back(text(item));
        return Value(std::move(list));
    }

    /// What is given, but what holds anyway where nothing is said.
    Value::Map attributes(std::uint32_t i) {
        const Resource& resource = site_.catalog[i];
        const Schema& schema = resource.type->schema();
        const auto otherwise = schema.make();
        Value::Map body;
        Value given = encode(schema, resource.wanted);
        for (auto& [name, value] : std::get<Value::Map>(given.data)) {
            const Field& field = *schema.find(name.text());
            if (field.role == Field::Role::key || field.role == Field::Role::seen) continue;
            if (resource.absent && field.role != Field::Role::option) continue;
            const bool optional = !field.given(otherwise.get());
            if (!optional && !field.required && field.get(otherwise.get()) == value) continue;
            if (field.name == "secret" && is_hidden_by_itself(i)) continue;
            if (value.secret)
                body.push_back(secret(i, field));
            else if (is_text(value))
                body.push_back({name, std::move(value)});
            else
                body.push_back(beside(i, field, value));
        }
        return body;
    }

    /// The option `secret` follows from a secret that is written.
    bool is_hidden_by_itself(std::uint32_t i) const {
        for (const Saying& saying : provenance_.resources[i])
            if (saying.what == "secret") return false;
        return true;
    }

    static bool is_text(const Value& value) {
        if (value.is_map() && value.find("digest")) return false;  // a content that is kept by reference
        return !value.is_text() || (first_invalid_utf8(value.text()) == npos && value.text().find('\0') == npos);
    }

    /// A file beside the manifest, by its whole path; nothing where the value is from none.
    std::optional<Value::Entry> file_of(std::uint32_t i, const Field& field) const {
        const Schema& schema = site_.catalog[i].type->schema();
        const Saying* said = said_of(i, schema, field.name);
        const Field* by = said ? schema.find(said->what) : nullptr;
        if (!by || by->role != Field::Role::source || !said->value.is_text()) return std::nullopt;
        const Value& path = said->value;
        return Value::Entry{text(std::string(by->name)),
                            text(beside::join(sources_[path.where].directory, path.text()))};
    }

    Value::Entry secret(std::uint32_t i, const Field& field) {
        const Schema& schema = site_.catalog[i].type->schema();
        const Saying* said = said_of(i, schema, field.name);
        if (const auto file = file_of(i, field)) return *file;
        if (said && !said->secret.empty() && schema.find(said->what) == &field) {
            Value value(said->secret);
            value.tag = Value::Tag::secret, uses_secrets_ = true;
            return {text(std::string(field.name)), std::move(value)};
        }
        refuse(i, field, said, "a secret is in it",
               "let it be the whole of the value, as in !secret NAME, or leave it out with --skip");
        return {text(std::string(field.name)), text("")};
    }

    Value::Entry beside(std::uint32_t i, const Field& field, const Value&) {
        if (const auto file = file_of(i, field)) return *file;
        refuse(i, field, said_of(i, site_.catalog[i].type->schema(), field.name), "it is no text",
               "name a file with source:");
        return {text(std::string(field.name)), text("")};
    }

    void refuse(std::uint32_t i, const Field& field, const Saying* said, std::string_view why, const char* hint) {
        const Resource& resource = site_.catalog[i];
        const Place at = said && said->where ? said->where : resource.where;
        problems_.add(Error(at, fmt::format("{} of {} can not be written: {}", field.name, to_text(resource.id), why))
                          .help(hint));
    }

    void links(std::uint32_t i, Value::Map& body) const {
        const auto& watches = site_.catalog[i].watches;
        std::vector<std::string> needs, watch;
        for (const std::uint32_t other : needs_[i]) {
            const bool listens = std::binary_search(watches.begin(), watches.end(), other);
            (listens ? watch : needs).push_back(to_text(site_.catalog[other].id));
        }
        for (auto* ids : {&needs, &watch}) {
            std::sort(ids->begin(), ids->end());
            if (!ids->empty()) body.push_back({text(ids == &needs ? "needs" : "watch"), list_of(*ids)});
        }
    }

    static bool any(const Value& value, const auto& is) {
        if (value.is_list())
            return std::any_of(value.list().begin(), value.list().end(),
                               [&](const Value& one) { return any(one, is); });
        if (value.is_map())
            return std::any_of(value.map().begin(), value.map().end(),
                               [&](const auto& one) { return any(one.key, is) || any(one.value, is); });
        return is(value);
    }

    static Value escaped(Value value) {
        if (value.is_list())
            for (Value& item : std::get<Value::List>(value.data)) item = escaped(std::move(item));
        if (value.is_map())
            for (auto& one : std::get<Value::Map>(value.data)) one.value = escaped(std::move(one.value));
        if (!value.is_text() || value.tag != Value::Tag::none) return value;
        std::string out;
        const std::string& words = value.text();
        for (std::size_t at = 0; at < words.size();) {
            const bool opens = words.compare(at, 2, "{{") == 0;
            out += opens ? "{{ '{{' }}" : std::string(1, words[at]);
            at += opens ? 2 : 1;
        }
        value.data = std::move(out);
        return value;
    }

    /// Braces in it are plain text; a secret beside them must still be one.
    Value protect_braces(const Value& key, Value::Map body) {
        const auto braces = [](const Value& one) {
            return one.is_text() && one.tag == Value::Tag::none && one.text().find("{{") != npos;
        };
        Value all(std::move(body));
        needs_escape_ = false;
        if (!braces(key) && !any(all, braces)) return all;
        needs_escape_ = any(all, [](const Value& one) { return one.tag == Value::Tag::secret; });
        if (needs_escape_) return escaped(std::move(all));
        std::get<Value::Map>(all.data).push_back({text("raw"), Value("true")});
        return all;
    }

    std::string origin_of(std::uint32_t i) const {
        const Resource& resource = site_.catalog[i];
        if (!resource.where) return {};
        std::string origin = fmt::format("{}:{}:{}", printable(sources_[resource.where].name), resource.where.line,
                                         resource.where.column);
        if (!resource.modules.empty()) origin += fmt::format(" (module {})", fmt::join(resource.modules, ", "));
        return origin;
    }

    const Site& site_;
    const Sources& sources_;
    const Provenance& provenance_;
    Diagnostics& problems_;
    std::vector<std::vector<std::uint32_t>> needs_;
    bool uses_secrets_ = false, needs_escape_ = false;
};

/// `key: TEXT` where the main attribute is all that is said.
Value short_body(const Schema& schema, const Value& body) {
    const auto& map = body.map();
    const bool main_alone = map.size() == 1 && !schema.main.empty() && map[0].key.text() == schema.main;
    const Field* main = schema.main.empty() ? nullptr : schema.find(schema.main);
    const bool is_mapping = main && main->merge == Merge::keys && !schema.key();  // its body is that and nothing else
    return main_alone && (map[0].value.is_text() || is_mapping) ? map[0].value : body;
}

/// As `- nginx` and `- {name: jq, hold: true}`, where most say no more than their name.
bool is_listed(const Section& section) {
    const auto bare = std::count_if(section.entries.begin(), section.entries.end(),
                                    [](const Entry& entry) { return entry.body.map().empty(); });
    return section.schema->key() && static_cast<std::size_t>(bare) * 2 >= section.entries.size();
}

void list(std::string& out, Yaml& yaml, const Section& section) {
    out += fmt::format("{}:{}", section.schema->section, section.entries.empty() ? " []\n" : "\n");
    for (const Entry& entry : section.entries) {
        Value::Map item{{text(std::string(section.schema->key()->name)), entry.key}};
        item.insert(item.end(), entry.body.map().begin(), entry.body.map().end());
        yaml.item(item.size() == 1 ? entry.key : Value(std::move(item)));
    }
}

std::string yaml_of(const Value::Map& head, const std::vector<Section>& sections, const EmitOptions& options) {
    std::string out;
    Yaml yaml(out);
    for (const auto& [key, value] : head) yaml.entry(key, value, 0);
    const bool origin = options.origin;
    for (const Section& section : sections) {
        if (!out.empty()) out += '\n';
        if (options.lists && is_listed(section)) {
            list(out, yaml, section);
            continue;
        }
        const Value name = text(std::string(section.schema->section));
        for (const Entry& entry : section.entries) {
            const bool single = !section.schema->key();
            if (!single && &entry == &section.entries.front()) out += Yaml::scalar(name) + ":\n";
            if (origin && !entry.origin.empty()) out += fmt::format("{}# {}\n", single ? "" : "  ", entry.origin);
            yaml.entry(single ? name : entry.key, short_body(*section.schema, entry.body), single ? 0 : 2);
        }
    }
    return out;
}

/// As JSON has it: no tags, and every scalar a text, which the schemas type.
Value for_json(Value value) {
    if (value.is_list())
        for (Value& item : std::get<Value::List>(value.data)) item = for_json(std::move(item));
    if (value.is_map())
        for (auto& entry : std::get<Value::Map>(value.data)) entry.value = for_json(std::move(entry.value));
    if (value.is_text() && value.tag == Value::Tag::secret)
        value = Value(fmt::format("{{{{ secret('{}') }}}}", value.text()));
    value.quoted = true;
    return value;
}

std::string json_of(Value::Map head, const std::vector<Section>& sections) {
    for (const Section& section : sections) {
        Value::Map entries;
        for (const Entry& entry : section.entries)
            entries.push_back({entry.key, short_body(*section.schema, entry.body)});
        const Value name = text(std::string(section.schema->section));
        head.push_back({name, section.schema->key() ? Value(std::move(entries)) : entries.front().value});
    }
    const Value all = for_json(Value(std::move(head)));
    language::Budget budget;
    language::JsonStyle style;
    style.ascii = false, style.indent = 2;
    return language::json_of(language::Datum::borrow(all), style, budget) + "\n";
}

}  // namespace

std::string emit(const Site& site, const Sources& sources, const Provenance& provenance, EmitOptions options,
                 Diagnostics& problems) {
    Emitter emitter(site, sources, provenance, problems);
    const auto sections = emitter.sections(options.sections);
    return options.json ? json_of(emitter.head(), sections) : yaml_of(emitter.head(), sections, options);
}

}  // namespace chaos
