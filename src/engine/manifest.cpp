// SPDX-License-Identifier: Apache-2.0
// A site, read in the order of section 10 of the manifest language: files, variables, entries of each layer, layers
// laid on each other, resources.
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>
#include "beside.hpp"
#include "declaration.hpp"
#include "documents.hpp"
#include "modules.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

std::vector<int> version_numbers(std::string_view text) {
    std::vector<int> numbers;
    while (!text.empty()) {
        int number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc()) return {};
        numbers.push_back(number);
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (!text.empty() && text.front() != '.') return {};
        if (!text.empty()) text.remove_prefix(1);
    }
    numbers.resize(std::max<std::size_t>(numbers.size(), 3));
    return numbers;
}

/// `chaos: ">= 0.3"`, or several of them with commas; before all else, so that a newer manifest says so itself.
void check_version(const Value& needs) {
    std::string_view rest = needs.text();
    const auto mine = version_numbers(CHAOS_VERSION);
    while (!rest.empty()) {
        auto one = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        const auto sign_end = std::min(one.find_first_not_of("<>="), one.size());
        const auto sign = one.substr(0, sign_end);
        auto version = one.substr(sign_end);
        while (version.starts_with(' ')) version.remove_prefix(1);
        const auto asked = version_numbers(version);
        const bool known =
            sign == ">=" || sign == ">" || sign == "<=" || sign == "<" || sign == "=" || sign == "==" || sign.empty();
        if (asked.empty() || !known)
            throw Error(needs.where, fmt::format("'{}' is no version of chaos", one))
                .help("write it as in chaos: \">= 0.1\"");
        const bool holds = sign == ">=" || sign.empty() ? mine >= asked
                           : sign == ">"                ? mine > asked
                           : sign == "<="               ? mine <= asked
                           : sign == "<"                ? mine < asked
                                                        : mine == asked;
        if (!holds) throw Error(needs.where, fmt::format("this manifest needs chaos {}, this is " CHAOS_VERSION, one));
    }
}

/// The file's name without its end: what a site is called that has no name.
std::string name_of_file(std::string_view path) {
    path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
    const auto dot = path.rfind('.');
    return std::string(path.substr(0, dot == 0 ? path.size() : dot));
}

/// What all manifests of a site share while they are read.
struct Reading {
    Sources& sources;
    const ReadContext& context;
    Diagnostics& problems;
    ReadContext of_modules;  ///< Without what --var gives, which is for the site's variables.
    Scope scope;             ///< Of the site.
    Modules modules;
    Site site{};
    std::string modules_beside{};                             ///< The first manifest: the site's own modules.
    std::vector<std::pair<std::string, std::string>> open{};  ///< Modules being read: real path, name.
    std::vector<std::pair<const ResourceType*, Place>> exclusive{};

    Reading(Sources& all, const ReadContext& how, Diagnostics& found)
        : sources(all), context(how), problems(found), of_modules(how), scope(all, how), modules(scope) {
        of_modules.vars.clear();
    }

    template <class Act>
    void guarded(Place at, Act act) {
        try {
            act();
        } catch (Error& error) {
            if (!error.where) error.where = at;
            problems.add(std::move(error));
        }
    }
};

std::span<const Value> items_in(const Value& value) {
    return value.is_list() ? std::span(value.list()) : std::span(&value, 1);
}

constexpr std::size_t most_uses = 4096, deepest_use = 32;

/// Reads the documents of one manifest, the site (0) or a module, into layers of its own: what its modules say lowest,
/// then each document over the one before.
class ManifestReader {
public:
    ManifestReader(Reading& reading, Scope& scope, std::uint32_t number)
        : reading_(reading),
          number_(number),
          scope_(scope),
          layers_(reading.context.registry, reading.problems),
          sections_(reading.context.registry, scope, layers_, reading.problems) {}

    Layers& layers() { return layers_; }

    /// False where versions or modules are wrong: what would be said of the rest would mislead.
    bool read(std::vector<Document>& documents) {
        for (const Document& document : documents) reading_.modules.read_by(number_, document.source);
        const auto mistakes = reading_.problems.errors().size();
        for (const Document& document : documents)
            reading_.guarded({}, [&] {
                if (const Value* needs = document.root.find("chaos")) check_version(*needs);
            });
        if (reading_.problems.errors().size() != mistakes) return false;
        scope_.give("modules", Value(Value::Map{}));
        read_variables(documents);
        const auto before_modules = reading_.problems.errors().size();
        for (Document& document : documents) use_modules(document);
        const bool whole = reading_.problems.errors().size() == before_modules;
        for (Document& document : documents)
            if (const Value* said = document.root.find("assert")) check_assertions(*said);
        for (std::uint32_t i = 0; i < documents.size(); ++i) read_layer(documents[i], i + 1);
        return whole;
    }

private:
    void read_variables(std::vector<Document>& documents) {
        Value::Map all;
        for (Document& document : documents)
            for (auto& [key, value] : std::get<Value::Map>(document.root.data)) {
                if (key.text() != "vars" || value.is_null()) continue;
                reading_.guarded(key.where, [&, &said = value] {
                    said.map();
                    check_untyped(said, reading_.problems);
                    if (document.strategy == Strategy::strict) refuse_overlap(all, said.map());
                    lay_values(all, std::move(std::get<Value::Map>(said.data)));
                });
            }
        scope_.variables(std::move(all));
    }

    void refuse_overlap(const Value::Map& below, const Value::Map& above) {
        for (const auto& entry : above)
            for (const auto& held : below)
                if (held.key == entry.key)
                    reading_.problems.add(
                        Error(entry.key.where,
                              fmt::format("vars.{} is given below already, and this file is strict", entry.key.text()))
                            .note(held.value.where, "it is given here")
                            .help("say it in one of the two files, or take strategy: strict away"));
    }

    void use_modules(Document& document) {
        for (const auto& [key, value] : document.root.map()) {
            if (key.text() == "use" && !value.is_null())
                for (const Value& item : items_in(value))
                    reading_.guarded(item.where, [&] { use_module(parse_use(item)); });
            if (key.text() != "blocks" || !value.is_list()) continue;
            for (const Value& block : value.list()) {
                const Value* uses = block.is_map() ? block.find("use") : nullptr;
                if (!uses) continue;
                reading_.guarded(uses->where, [&] { use_in_block(block, *uses); });
            }
        }
    }

    void use_in_block(const Value& block, const Value& uses) {
        if (const Value* each = block.find("each"))
            throw Error(each->where, "modules in an 'each' are not understood by chaos " CHAOS_VERSION " yet")
                .help("write each use by itself, with as: NAME");
        Value::Map shared;
        for (const auto& entry : block.map())
            for (const std::string_view word : {"when", "doc", "tags", "needs", "before", "watch", "notify"})
                if (entry.key.text() == word) shared.push_back(entry);
        for (const Value& item : items_in(uses))
            reading_.guarded(item.where, [&] { use_module(parse_use(item, shared)); });
    }

    void use_module(Use use) {
        scope_.stand_in(use.module.where), scope_.deciding = true;
        bool stands = true;
        for (const Value& when : use.when) stands = decide(when, scope_) && stands;
        scope_.deciding = false;
        Module module{use.name(), path() + use.name(), number_};
        if (!stands) return reading_.modules.switched_off(module.path);
        if (const auto before = uses_.find(module.name); before != uses_.end())
            throw Error(use.module.where, fmt::format("a module is used as '{}' already", module.name))
                .note(before->second, "it is used here first")
                .help("give one of them a name of its own, as in as: second");
        uses_.emplace(module.name, use.module.where);
        for (auto& entry : use.with) substitute(entry.value, scope_);
        for (auto& entry : use.links) substitute(entry.value, scope_);
        if (!use.doc.is_null()) substitute(use.doc, scope_);
        module.links = use.links, module.doc = use.doc, module.tags = use.tags;
        open_module(use, std::move(module));
    }

    std::string path() const { return number_ ? reading_.modules[number_].path + "/" : std::string(); }

    /// modules/ beside the manifest that says `use`; beside it where that is a module; the site's.
    std::vector<std::string> places_of_modules(Place from) const {
        const std::string& here = reading_.sources[from].directory;
        std::vector<std::string> places{beside::join(here, "modules")};
        if (number_) places.push_back(here);
        places.push_back(reading_.modules_beside + "/modules");
        return places;
    }

    void open_module(const Use& use, Module module) {
        const Place from = use.module.where;
        const std::string file = module_file(use.module, places_of_modules(from));
        const std::string real = beside::real_path(file);
        auto& open = reading_.open;
        const auto first = std::find_if(open.begin(), open.end(), [&](const auto& one) { return one.first == real; });
        if (first != open.end()) {
            std::string circle;
            for (auto step = first; step != open.end(); ++step) circle += step->second + " -> ";
            throw Error(from, fmt::format("these modules use each other: {}{}", circle, use.module.text()))
                .help("take one of the uses out");
        }
        if (reading_.modules.all().size() >= most_uses || open.size() >= deepest_use)
            throw Error(from, fmt::format("modules are used more than {} times, or {} deep", most_uses, deepest_use));
        module.scope = std::make_unique<Scope>(reading_.scope, reading_.of_modules);
        Scope& scope = *module.scope;
        scope.give("module", Value(Value::Map{{std::string("name"), Value(module.name)}}));
        const std::string name = module.name;
        const auto number = reading_.modules.add(std::move(module));
        open.emplace_back(real, use.module.text());
        read_module(use, number, name, real, scope);
        open.pop_back();
    }

    void read_module(const Use& use, std::uint32_t number, const std::string& name, const std::string& real,
                     Scope& scope) {
        const auto mistakes = reading_.problems.errors().size();
        auto documents =
            read_documents(reading_.sources, {shown(real)}, scope, reading_.context.cache, reading_.problems);
        for (const Document& document : documents) reading_.modules.read_by(number, document.source);
        if (documents.empty() || reading_.problems.errors().size() != mistakes) return;
        const Value& root = main_of(documents).root;
        if (!take_params(root.find("params"), use, scope, reading_.problems)) return;
        const Value* exports = root.find("exports");
        const Value given = exports ? *exports : Value(Value::Map{});
        ManifestReader inner(reading_, scope, number);
        inner.read(documents);
        reading_.guarded(given.where, [&] { export_values(name, given, scope); });
        layers_.lay_module(inner.layers(), number, name);
    }

    static const Document& main_of(const std::vector<Document>& documents) {
        return *std::find_if(documents.begin(), documents.end(), [](const Document& one) { return one.main; });
    }

    /// A path as a person finds it: from where the first manifest stands, where it is below.
    std::string shown(const std::string& real) const {
        const std::string here = beside::real_path(".") + "/";
        return real.starts_with(here) ? real.substr(here.size()) : real;
    }

    void export_values(const std::string& name, Value exports, Scope& scope) {
        exports.map();
        scope.stand_in(exports.where);
        substitute(exports, scope);
        exports_.push_back({name, std::move(exports)});
        scope_.give("modules", Value(exports_));
    }

    void check_assertions(const Value& said) {
        if (said.is_null()) return;
        for (const Value& item : items_in(said)) reading_.guarded(item.where, [&] { check_assertion(item); });
    }

    void check_assertion(const Value& item) {
        constexpr std::string_view shape =
            "write it as in - {that: vars.port > 1024, say: the port must be above 1024}";
        if (!item.is_map())
            throw Error(item.where, fmt::format("assert takes mappings of that and say, found {}", kind_of(item)))
                .help(std::string(shape));
        const Value* that = nullptr;
        Value say;
        for (const auto& [key, value] : item.map()) {
            if (key.text() == "that")
                that = &value;
            else if (key.text() == "say")
                value.text(), say = value;
            else
                throw Error(key.where, fmt::format("an item of assert has no '{}'", printable(key.text())))
                    .help("it has that and say");
        }
        if (!that || that->is_null())
            throw Error(item.where, "this does not say what must hold").help(std::string(shape));
        for (const Value& one : items_in(*that)) {
            scope_.stand_in(one.where);
            const Value result = bare_value(one, scope_);
            if (type_of(result) != Type::boolean)
                throw Error(one.where,
                            fmt::format("that must be true or false, and this is {}", name_of(type_of(result))))
                    .help("compare it with something: vars.x == 'y'");
            if (result.text() == "true") continue;
            scope_.stand_in(say.where);
            if (!say.is_null()) substitute(say, scope_);
            if (say.is_null() || say.secret)
                throw Error(one.where, fmt::format("this does not hold: {}", printable(one.text())));
            throw Error(one.where, printable(say.text())).help("what must hold: " + printable(one.text()));
        }
    }

    void read_layer(Document& document, std::uint32_t layer) {
        sections_.stand_in(layer, number_);
        layers_.lay_strictly(document.strategy == Strategy::strict);
        auto& map = std::get<Value::Map>(document.root.data);
        if (const Value* without = document.root.find("without"))
            for (const Value& pattern : items_in(*without))
                reading_.guarded(pattern.where, [&] { layers_.forget(pattern); });
        if (document.strategy == Strategy::override_) drop_sections(map);
        for (auto& [key, value] : map)
            reading_.guarded(key.where, [&, &word = key, &said = value] { top_level(word, said); });
        layers_.lay_strictly(false);
    }

    /// Of every section that the file has, at its top level, in `absent` and in blocks.
    void drop_sections(const Value::Map& map) {
        for (const auto& [key, value] : map) {
            for (const ResourceType* type : reading_.context.registry.types)
                if (type->schema().section == key.text()) layers_.drop(*type);
            if (key.text() == "absent" && value.is_map()) drop_sections(value.map());
            if (key.text() == "blocks" && value.is_list())
                for (const Value& block : value.list())
                    if (block.is_map()) drop_sections(block.map());
        }
    }

    void top_level(const Value& key, Value& value) {
        const std::string& word = key.text();
        if (word.starts_with("x-")) return;
        const auto known = std::find_if(top_level_words().begin(), top_level_words().end(),
                                        [&](const Word& top) { return top.name == word; });
        if (known == top_level_words().end()) {
            const ResourceType* type = sections_.section_of(key);
            if (value.is_null() && value.blank) value.where = key.where;
            return sections_.read(*type, std::move(value), false);
        }
        if (!known->understood)
            throw Error(key.where, fmt::format("'{}' is not understood by chaos " CHAOS_VERSION " yet", word));
        if (value.is_null() && value.blank)
            throw Error(key.where, fmt::format("'{}' has no value", word)).help("remove the line, or give it one");
        check_whose(key);
        if (word == "absent") return sections_.read_absent(std::move(value));
        if (word == "blocks") return read_blocks(std::move(value));
        if (word == "protect") return protect(value);
        if (word == "exclusive") return exclusive(value);
        if (word == "doc" || word == "name") value.text();
    }

    /// Some words are a site's, some a module's.
    void check_whose(const Value& key) const {
        const std::string& word = key.text();
        if (number_ && (word == "name" || word == "exclusive"))
            throw Error(key.where, fmt::format("a module has no '{}'", word))
                .help("only the site that uses it can say this");
        if (!number_ && (word == "params" || word == "exports"))
            throw Error(key.where, fmt::format("'{}' is for modules, and this is a site", word))
                .help(word == "params" ? "values of a site stand in vars:" : "what a module exports is modules.NAME.x");
    }

    void read_blocks(Value blocks) {
        blocks.list();
        for (Value& block : std::get<Value::List>(blocks.data))
            reading_.guarded(block.where, [&] { sections_.read_block(std::move(block)); });
    }

    void protect(const Value& value) {
        const Registry& registry = reading_.context.registry;
        for (const Value& pattern : items_in(value))
            reading_.guarded(pattern.where, [&] {
                const auto& text = pattern.text();
                const auto kind = text.substr(0, text.find(':'));
                if (kind.find('*') == std::string::npos && text.find('*') != std::string::npos
                        ? !registry.section(kind)
                        : text.find('*') == std::string::npos)
                    parse_id(text, registry, pattern.where);
                reading_.site.protect.push_back(text);
            });
    }

    void exclusive(const Value& value) {
        for (const Value& item : items_in(value))
            reading_.guarded(item.where, [&] {
                const ResourceType* type = sections_.section_of(item);
                if (!type->schema().key())
                    throw Error(item.where, fmt::format("a host has one {}: nothing else can be there", item.text()));
                reading_.exclusive.emplace_back(type, item.where);
                reading_.site.exclusive.emplace_back(type->schema().section);
                reading_.problems.note(Error(
                    item.where,
                    fmt::format("exclusive: what else there is of '{}' is not removed by chaos " CHAOS_VERSION " yet",
                                item.text())));
            });
    }

    Reading& reading_;
    std::uint32_t number_;
    Scope& scope_;
    Layers layers_;
    Sections sections_;
    Value::Map exports_;
    std::map<std::string, Place> uses_;
};

class SiteReader {
public:
    SiteReader(Sources& sources, const ReadContext& context, Diagnostics& problems)
        : reading_(sources, context, problems), manifest_(reading_, reading_.scope, 0) {}

    Site read(const std::vector<std::string>& paths) {
        Diagnostics& problems = reading_.problems;
        const ReadContext& context = reading_.context;
        auto documents = read_documents(reading_.sources, paths, reading_.scope, context.cache, problems);
        Site& site = reading_.site;
        if (documents.empty() || !problems.ok()) return std::move(site);
        site.origin = beside::real_path(paths.front());
        site.name = name_of_file(paths.front());
        reading_.modules_beside = site.origin.substr(0, site.origin.rfind('/'));
        read_name(documents, paths.front());
        if (!manifest_.read(documents)) return std::move(site);
        check_exclusive();
        compile(manifest_.layers().take(), context.registry, manifest_.layers(), reading_.sources, reading_.modules,
                site, problems);
        if (!context.view.host().live()) leave_out_what_lives();
        return std::move(site);
    }

private:
    /// The name is that of the manifest that was asked for, not of what it includes.
    void read_name(const std::vector<Document>& documents, const std::string& first) {
        for (const Document& document : documents) {
            const Value* name = document.root.find("name");
            if (!name || reading_.sources[Place{1, 1, document.source}].name != first) continue;
            reading_.guarded(name->where, [&] {
                if (name->text().empty() || name->text().find_first_of("/ \t\n{}*") != std::string::npos)
                    throw Error(name->where, fmt::format("'{}' can not be the name of a site", printable(name->text())))
                        .help("a name is one word without / and braces");
                reading_.site.name = name->text();
            });
        }
    }

    void check_exclusive() {
        for (const auto& [type, where] : reading_.exclusive)
            if (!manifest_.layers().has(*type))
                reading_.problems.add(
                    Error(where,
                          fmt::format("exclusive names '{}', and nothing is declared there", type->schema().section))
                        .help("that would remove all there is: declare what shall stay, or remove this"));
    }

    /// An image runs nothing: what holds until the next boot is not wished of it.
    void leave_out_what_lives() {
        for (Resource& resource : reading_.site.catalog)
            for (const Field& field : resource.type->schema().fields) {
                if (!field.live || !resource.wanted || !field.given(resource.wanted.spec())) continue;
                const auto spec = resource.type->schema().clone(resource.wanted.spec());
                field.clear(spec.get());
                resource.wanted = State(spec);
            }
    }

    Reading reading_;
    ManifestReader manifest_;
};

}  // namespace

Site read_site(Sources& sources, const std::vector<std::string>& paths, const ReadContext& context,
               Diagnostics& problems) {
    Diagnostics found;
    Site site = SiteReader(sources, context, found).read(paths);
    auto errors = found.errors();  // in the order of the text, whichever was found first
    std::stable_sort(errors.begin(), errors.end(), [](const Error& a, const Error& b) {
        return std::tuple(a.where.source, a.where.line, a.where.column) <
               std::tuple(b.where.source, b.where.line, b.where.column);
    });
    for (Error& error : errors) problems.add(std::move(error));
    for (const Error& remark : found.remarks()) problems.note(remark);
    return site;
}

}  // namespace chaos
