// SPDX-License-Identifier: Apache-2.0
// Who said what, in sentences: which layer, over which other one, by which rule.
#include <fmt/format.h>
#include <chaos/url.hpp>

#include <algorithm>

#include "attribute_view.hpp"
#include "explain_view.hpp"
#include "problems.hpp"

namespace chaos::cli {

namespace {

using How = Saying::How;

/// A value in a line that a terminal can hold, nothing secret in it.
std::string shown(const Value& value) {
    if (value.secret || value.tag == Value::Tag::secret) return std::string(hidden);
    if (value.is_null()) return "null";
    if (value.is_list() || value.is_map()) {
        std::string out;
        if (value.is_list())
            for (const Value& item : value.list()) out += (out.empty() ? "" : ", ") + shown(item);
        else
            for (const auto& entry : value.map())
                out += (out.empty() ? "" : ", ") + shown(entry.key) + ": " + shown(entry.value);
        return value.is_list() ? "[" + out + "]" : "{" + out + "}";
    }
    return value.text();
}

std::string in_short(std::string text) {
    constexpr std::size_t most = 72;
    const std::size_t bytes = text.size();
    const bool lines = text.find('\n') < text.size() - (text.empty() ? 0 : 1);
    if (text.ends_with('\n') && !lines) return text.size() <= most ? text : in_short(text.substr(0, bytes - 1));
    if (!lines && bytes <= most) return text;
    std::size_t cut = std::min(text.find('\n'), most);
    while (cut > 0 && cut < bytes && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    return fmt::format("{} … ({})", text.substr(0, cut), size_of(bytes));
}

/// The attributes that say the same thing in different ways, by the one they become.
std::string_view said_as(const Schema& schema, std::string_view attribute) {
    const Field* field = schema.find(attribute);
    return field && !field->into.empty() ? field->into : field ? field->name : attribute;
}

bool hides(const Resource& resource, const Field* field) {
    if (!field) return false;
    if (field->secret) return true;
    const Field* option = resource.type->schema().find("secret");
    if (!option || option->role != Field::Role::option || !resource.wanted) return false;
    const Value set = option->get(resource.wanted.spec());
    const Field* into = field->into.empty() ? field : resource.type->schema().find(field->into);
    return into && into->merge == Merge::text && set == Value("true");
}

}  // namespace

Explainer::Explainer(const Site& site, const Provenance& provenance, const Sources& sources, const Registry& registry)
    : site_(site), provenance_(provenance), sources_(sources), registry_(registry) {
    note_secrets();
}

/// A secret that stands in a manifest in clear is on a line that other things may stand on as well.
void Explainer::note_secrets() {
    const auto note = [&](Place at) { secret_lines_.insert({at.source, at.line}); };
    for (std::size_t i = 0; i < provenance_.resources.size(); ++i)
        for (const Saying& saying : provenance_.resources[i]) {
            const Field* field = site_.catalog[i].type->schema().find(saying.what);
            const bool file = field && field->role == Field::Role::source;
            if (saying.secret.empty() && !file && hides(site_.catalog[i], field))
                note(saying.where), note(saying.value.where);
        }
    for (const auto& use : provenance_.uses)
        for (const auto& param : use.params)
            if (param.value.secret) note(param.where), note(param.value.where);
}

std::string Explainer::line_at(Place at) const {
    if (!at || at.source >= sources_.size()) return {};
    if (secret_lines_.contains({at.source, at.line})) return std::string(hidden);
    std::string_view text = sources_[at].text;
    for (std::uint32_t line = 1; line < at.line; ++line) {
        const auto end = text.find('\n');
        if (end == text.npos) return {};
        text.remove_prefix(end + 1);
    }
    text = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    while (text.ends_with('\r') || text.ends_with(' ')) text.remove_suffix(1);
    return without_passwords(text);
}

/// How the file that says it comes to lie where it lies.
std::string Explainer::layer_of(Place at) const {
    using Word = Provenance::File::Word;
    if (!at) return "--var";
    if (at.source >= provenance_.files.size()) return "";
    const auto& file = provenance_.files[at.source];
    const std::string of = file.module.empty() ? "" : fmt::format(" of module {}", file.module);
    switch (file.word) {
        case Word::asked: return "the manifest itself";
        case Word::include: return fmt::format("included by {}{}", place_of(file.from, sources_), of);
        case Word::overlay: return fmt::format("an overlay, by {}{}", place_of(file.from, sources_), of);
        case Word::module: return fmt::format("module {}", file.module);
        case Word::other: return "";
    }
    return "";
}

std::string Explainer::rule_of(const Saying& saying) const {
    using Word = Provenance::File::Word;
    const std::string over = place_of(saying.over, sources_);
    const std::string layer = layer_of(saying.where);
    const auto with = [&](std::string rule) {
        if (!layer.empty() && saying.where)
            rule += "  (" + layer + (saying.note.empty() ? ")" : ", " + saying.note + ")");
        return rule;
    };
    const auto file = [&](Place at) {
        return at && at.source < provenance_.files.size() ? provenance_.files[at.source] : Provenance::File{};
    };
    switch (saying.how) {
        case How::first: return saying.where ? with("says it first") : "said on the command line (--var)";
        case How::adds: return with(over.empty() ? "adds, and nothing is below" : "adds to what " + over + " says (+)");
        case How::unites: return with("laid on " + over + " key by key");
        case How::removes: return with("takes away what " + over + " says (null)");
        case How::agrees: return with("says the same as " + over + ", of equal height");
        case How::forgotten: return with("without: what is said below is forgotten");
        case How::off: return with("its when does not hold: as if it were not written");
        case How::dropped:
            return with(saying.what.empty() || !saying.over
                            ? "strategy: override drops what is said below"
                            : "drops what " + over + " says: it was to be absent, or is to be");
        case How::replaces: break;
    }
    if (!saying.where) return "wins over " + over + ": --var is over everything";
    const auto mine = file(saying.where), below = file(saying.over);
    const char* rule = "the higher layer";
    if (mine.module != below.module && !below.module.empty())
        rule = "a module lies below who uses it";
    else if (saying.where.source == saying.over.source)
        rule = "an entry lies over the block or section before it";
    else if (mine.word == Word::overlay)
        rule = "an overlay lies over what names it";
    else if (below.word == Word::include)
        rule =
            mine.word == Word::include ? "a later file lies over an earlier one" : "a file lies over what it includes";
    else if (mine.word == Word::asked)
        rule = "of several manifests the later lies over the earlier";
    return with(fmt::format("wins over {}: {}", over, rule));
}

SayingView Explainer::view_of(const Saying& saying, const Schema* schema, bool hides) const {
    SayingView view;
    view.where = place_of(saying.where, sources_);
    view.line = line_at(saying.where);
    view.rule = rule_of(saying);
    if (!saying.secret.empty())
        view.value = fmt::format("!secret {}", saying.secret);
    else if (hides)
        view.value = std::string(hidden);
    else if (!saying.value.is_null() || saying.how == How::removes)
        view.value = in_short(shown(saying.value));
    if (schema && !saying.what.empty()) view.value = saying.what + ": " + view.value;
    return view;
}

ExplainedView Explainer::variable(std::string_view name) const {
    const auto slash = name.rfind('/');
    const std::string module(slash == name.npos ? "" : name.substr(0, slash));
    const std::string_view own = slash == name.npos ? name : name.substr(slash + 1);
    const auto named = [&](std::string_view wanted) {
        return std::find_if(provenance_.variables.begin(), provenance_.variables.end(),
                            [&](const auto& one) { return one.module == module && one.name == wanted; });
    };
    auto found = named(own);
    std::string_view below;  // ssh.port: a part of what is said
    if (found == provenance_.variables.end() && own.find('.') != own.npos)
        found = named(own.substr(0, own.find('.'))), below = own.substr(own.find('.') + 1);
    if (found == provenance_.variables.end()) {
        std::vector<std::string_view> names;
        for (const auto& one : provenance_.variables)
            if (one.module == module) names.push_back(one.name);
        const auto near = nearest(own, names);
        throw Error(fmt::format("there is no variable '{}' in this site", name))
            .help(!near.empty()   ? fmt::format("did you mean 'var:{}{}'?", module.empty() ? "" : module + "/", near)
                  : names.empty() ? "vars: declares them"
                                  : "there is " + listed({names.begin(), names.end()}, 30));
    }
    const auto part_of = [&](const Value& value) -> const Value* {
        const Value* part = &value;
        for (std::string_view rest = below; part && !rest.empty();) {
            const auto word = rest.substr(0, rest.find('.'));
            rest.remove_prefix(std::min(rest.size(), word.size() + 1));
            part = part->is_map() ? part->find(word) : nullptr;
        }
        return part;
    };
    ExplainedView view;
    view.topic = fmt::format("var:{}", name), view.what = "variable", view.site = site_.name;
    Place over;
    for (Saying saying : found->said) {
        const Value* part = part_of(saying.value);
        if (!part) continue;
        if (!below.empty()) {
            saying.over = over, saying.how = over ? How::replaces : How::first;
            if (part->where) saying.where = part->where;
            saying.value = Value(*part), over = saying.where;
        }
        view.chain.push_back(view_of(saying, nullptr, false));
    }
    const Value* value = part_of(found->value);
    if (!found->failed.empty())
        view.why = "It has no value: " + found->failed;
    else if (value)
        view.value = in_short(shown(*value));
    else
        throw Error(fmt::format("vars.{} has no '{}'", found->name, below))
            .help(fmt::format("chaos explain var:{} shows all of it", found->name));
    return view;
}

ExplainedView Explainer::module(std::string_view path) const {
    const auto found = std::find_if(provenance_.uses.begin(), provenance_.uses.end(),
                                    [&](const auto& one) { return one.path == path; });
    if (found == provenance_.uses.end()) {
        std::vector<std::string_view> names;
        for (const auto& use : provenance_.uses) names.push_back(use.path);
        const auto near = nearest(path, names);
        throw Error(fmt::format("this site uses no module '{}'", path))
            .help(!near.empty()   ? fmt::format("did you mean 'module:{}'?", near)
                  : names.empty() ? "it uses none"
                                  : "it uses " + listed({names.begin(), names.end()}, 30));
    }
    ExplainedView view;
    view.topic = fmt::format("module:{}", path), view.what = "module", view.site = site_.name;
    view.chain.push_back({place_of(found->where, sources_), line_at(found->where), "",
                          found->off ? "its when does not hold: it is not used" : "used here, from " + found->file});
    for (const auto& param : found->params)
        view.params.push_back({param.name, in_short(shown(param.value)), place_of(param.where, sources_),
                               param.written ? "" : "the default of params"});
    for (const auto& value : found->exports)
        view.exports.push_back({fmt::format("modules.{}.{}", path.substr(path.rfind('/') + 1), value.name),
                                in_short(shown(value.value)), place_of(value.where, sources_), ""});
    for (const Resource& resource : site_.catalog)
        for (const std::string& module : resource.modules)
            if (module == path || (module.starts_with(path) && module[path.size()] == '/')) {
                view.resources.push_back(to_text(resource.id));
                break;
            }
    return view;
}

std::optional<std::uint32_t> Explainer::find(const ResourceId& id) const {
    for (std::uint32_t i = 0; i < site_.catalog.size(); ++i)
        if (site_.catalog[i].id == id) return i;
    return std::nullopt;
}

std::optional<ExplainedView> Explainer::gone(const ResourceId& id) const {
    for (const auto& one : provenance_.gone) {
        if (!(one.id == id)) continue;
        ExplainedView view;
        view.topic = to_text(id), view.what = "resource", view.site = site_.name;
        for (const Saying& saying : one.said)
            if (saying.what.empty()) view.chain.push_back(view_of(saying, nullptr, false));
        view.why = "It is not part of the site.";
        return view;
    }
    return std::nullopt;
}

/// All that is said of one attribute, and of those that become the same.
std::vector<Saying> Explainer::about(std::uint32_t number, std::string_view attribute) const {
    const Schema& schema = site_.catalog[number].type->schema();
    std::vector<Saying> said;
    for (const Saying& saying : provenance_.resources[number])
        if (!saying.what.empty() && said_as(schema, saying.what) == attribute) said.push_back(saying);
    return said;
}

ExplainedView Explainer::attribute(std::uint32_t number, std::string_view name) const {
    const Resource& resource = site_.catalog[number];
    const Schema& schema = resource.type->schema();
    const Field* field = schema.find(name);
    ExplainedView view;
    view.topic = fmt::format("{}.{}", to_text(resource.id), name), view.what = "attribute", view.site = site_.name;
    const auto as = said_as(schema, name);
    for (const Saying& saying : about(number, as))
        view.chain.push_back(view_of(saying, &schema, hides(resource, schema.find(saying.what))));
    const ExplainedView all = this->resource(number);
    for (const AttributeOrigin& row : all.attributes)
        if (row.name == as) {
            view.value = row.value;
            if (view.chain.empty()) view.why = "No manifest says it: " + row.rule;
        }
    if (view.chain.empty() && view.why.empty())
        view.why = field && !field->fallback.empty()
                       ? fmt::format("No manifest says it: otherwise {}.", field->fallback)
                       : "No manifest says it: it stays as it is.";
    return view;
}

ExplainedView Explainer::resource(std::uint32_t number) const {
    const Resource& resource = site_.catalog[number];
    const Schema& schema = resource.type->schema();
    ExplainedView view;
    view.topic = to_text(resource.id), view.what = "resource", view.site = site_.name;
    if (resource.absent) view.value = "absent";
    for (const Saying& saying : provenance_.resources[number])
        if (saying.what.empty()) view.chain.push_back(view_of(saying, nullptr, false));
    const Value wanted = encode(schema, resource.wanted);
    for (const Field& field : schema.fields) {
        if (field.role == Field::Role::key || field.role == Field::Role::seen || field.compiled_away()) continue;
        if (resource.absent && field.role != Field::Role::option) continue;
        const auto said = about(number, field.name);
        const Value* value = wanted.find(field.name);
        AttributeOrigin row{std::string(field.name), value ? in_short(shown(*value)) : "", "", ""};
        const auto whose =
            field.person == Field::Person::no || !said.empty() ? std::vector<Saying>() : about(number, "user");
        if (!whose.empty() && value)
            row.where = place_of(whose.back().where, sources_), row.rule = "follows from user";
        else if (!said.empty() && value)
            row.where = place_of(said.back().where, sources_),
            row.rule = said.size() > 1 ? fmt::format("over {}", count(said.size() - 1, "other")) : "";
        else if (value)
            row.rule = "what the kind says where nobody does";
        else
            row.rule = field.fallback.empty() ? "stays as it is" : fmt::format("otherwise: {}", field.fallback);
        view.attributes.push_back(std::move(row));
    }
    for (const auto& [key, value] : provenance_.metas[number]) {
        const auto said = about(number, key.text());
        view.attributes.push_back(
            {key.text(), in_short(shown(value)), said.empty() ? "" : place_of(said.back().where, sources_), ""});
    }
    const auto add = [&](std::vector<NeedView>& list, std::uint32_t other, std::string word, Place where) {
        list.push_back({to_text(site_.catalog[other].id), std::move(word), place_of(where, sources_)});
    };
    for (const auto& link : provenance_.links) {
        if (link.to == number) add(view.needs, link.from, std::string(link.word), link.where);
        if (link.from == number) add(view.waiting, link.to, std::string(link.word), link.where);
    }
    for (const Implied& implied : implied_edges(site_.catalog)) {
        const std::string why = "follows from " + implied.name;
        if (implied.edge.to == number) add(view.needs, implied.edge.from, why, {});
        if (implied.edge.from == number) add(view.waiting, implied.edge.to, why, {});
    }
    return view;
}

}  // namespace chaos::cli
