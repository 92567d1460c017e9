// SPDX-License-Identifier: Apache-2.0
// The modules that a manifest uses: found, read as manifests of their own, and laid below what uses them.
#include <fmt/format.h>
#include <algorithm>
#include "beside.hpp"
#include "manifest_reader.hpp"
#include "module_sections.hpp"
#include "provenance.hpp"
#include "shipped.hpp"

namespace chaos {

namespace {

constexpr std::size_t most_uses = 4096, deepest_use = 32;

}  // namespace

void ManifestReader::use_modules(Document& document) {
    for (const auto& [key, value] : document.root.map()) {
        if (key.text() == "use" && !value.is_null())
            for (const Value& item : items_in(value))
                reading_.guarded(item.where, [&] { use_module(parse_use(item)); });
        if (key.text() != "blocks" || !value.is_list()) continue;
        for (const Value& block : value.list()) {
            if (!block.is_map()) continue;
            if (const Value* uses = block.find("use"))
                reading_.guarded(uses->where, [&] { use_in_block(block, *uses); });
            for (const auto& [section, body] : block.map()) {
                if (!is_module(section)) continue;
                reading_.guarded(section.where, [&, &word = section, &said = body] {
                    use_in_block(block, Value(uses_of_section(word, said), said.where));
                });
            }
        }
    }
}

bool ManifestReader::is_module(const Value& key) const {
    const auto& types = reading_.context.registry.types;
    return find_shipped(key.text()) && std::none_of(types.begin(), types.end(), [&](const ResourceType* type) {
               return type->schema().section == key.text();
           });
}

/// The higher document wins, parameter by parameter; of entries, entry by entry.
void ManifestReader::use_sections(std::vector<Document>& documents) {
    Value::Map all;
    for (Document& document : documents)
        for (const auto& [key, value] : document.root.map()) {
            if (!is_module(key)) continue;
            reading_.guarded(key.where, [&, &word = key, &said = value] {
                if (said.is_null() && said.blank)
                    throw Error(word.where, fmt::format("'{}' has no value", word.text()))
                        .help("remove the line, or give it one");
                if (document.strategy == Strategy::override_)
                    std::erase_if(all, [&](const auto& held) { return held.key == word; });
                lay_values(all, Value::Map{{word, Value(body_of_section(word, said), said.where)}});
            });
        }
    for (const auto& [key, body] : all)
        reading_.guarded(key.where, [&, &word = key, &said = body] {
            for (const Value& use : uses_of_section(word, said)) use_module(parse_use(use));
        });
}

void ManifestReader::use_in_block(const Value& block, const Value& uses) {
    if (const Value* each = block.find("each"))
        throw Error(each->where, "modules in an 'each' are not understood by chaos " CHAOS_VERSION " yet")
            .help("write each use by itself, with as: NAME");
    Value::Map shared;
    for (const auto& entry : block.map())
        for (const std::string_view word : {"when", "doc", "tags", "needs", "before", "watch", "notify"})
            if (entry.key.text() == word) shared.push_back(entry);
    for (const Value& item : items_in(uses))
        reading_.guarded(item.where, [&] {
            Use use = parse_use(item, shared);
            // What is said of all that is in the block, the modules of chaos take as theirs.
            const Value* user = find_shipped(use.module.text()) ? block.find("user") : nullptr;
            if (user && !Value(use.with).find("user"))
                use.with.push_back({Value(std::string("user"), user->where), *user});
            use_module(std::move(use));
        });
}

void ManifestReader::use_module(Use use) {
    scope_.stand_in(use.module.where), scope_.deciding = true;
    bool stands = true;
    for (const Value& when : use.when) stands = decide(when, scope_) && stands;
    scope_.deciding = false;
    Module module{use.name(), path() + use.name(), number_};
    if (!stands && reading_.context.provenance)
        reading_.context.provenance->uses.push_back({module.path, "", use.when.front().where, true, {}, {}});
    if (!stands) {
        reading_.modules.switched_off(module.path);
        const Value nothing = Scope::withheld(fmt::format(
            "the module '{0}' is not used here: its 'when' does not hold\nask whether it is: modules.{0} is defined",
            module.name));
        exports_.push_back({module.name, nothing}), exports_deciding_.push_back({module.name, nothing});
        scope_.give("modules", Value(exports_), Value(exports_deciding_));
        return note_switched_off(std::move(use));
    }
    if (const auto before = uses_.find(module.name); before != uses_.end())
        throw Error(use.module.where, fmt::format("a module is used as '{}' already", module.name))
            .note(before->second, "it is used here first")
            .help("give one of them a name of its own, as in as: second");
    uses_.emplace(module.name, use.module.where);
    for (auto& entry : use.with) {
        const Place where = entry.value.where;
        if (const std::string why = scope_.substitute_judging(entry.value); !why.empty())
            use.passing.emplace(entry.key.text(), why);
        // A path given to a module of chaos is one from the manifest that gives it.
        const bool relative =
            entry.key.text() == "path" && entry.value.is_text() && !entry.value.text().starts_with('/');
        if (relative && find_shipped(use.module.text()))
            entry.value.data = beside::join(reading_.sources[where].directory, entry.value.text());
    }
    for (auto& entry : use.links) substitute(entry.value, scope_);
    if (!use.doc.is_null()) substitute(use.doc, scope_);
    module.links = use.links, module.doc = use.doc, module.tags = use.tags;
    open_module(use, std::move(module));
}

std::vector<std::string> ManifestReader::places_of_modules(Place from) const {
    const std::string& here = reading_.sources[from].directory;
    std::vector<std::string> places{beside::join(here, "modules")};
    if (number_) places.push_back(here);
    places.push_back(reading_.modules_beside + "/modules");
    return places;
}

void ManifestReader::open_module(const Use& use, Module module) {
    const Place from = use.module.where;
    const std::string file = use.from.is_null() ? module_file(use.module, places_of_modules(from)) : fetched_file(use);
    const std::string real = file.empty() ? "chaos:" + use.module.text() : beside::real_path(file);
    auto& open = reading_.open;
    const auto first = std::find_if(open.begin(), open.end(), [&](const auto& one) { return one.first == real; });
    if (first != open.end()) {
        std::string circle;
        for (auto step = first; step != open.end(); ++step) circle += step->second + " -> ";
        throw Error(from, fmt::format("these modules use each other: {}{}", circle, use.module.text()))
            .help("take one of the uses out");
    }
    if (reading_.modules.all().size() >= most_uses || open.size() >= deepest_use)
        throw Error(from, fmt::format("modules are used more than {} times, or {} deep", most_uses, deepest_use))
            .help("use a module once, and give it a list");
    module.scope = std::make_unique<Scope>(reading_.scope, reading_.of_modules);
    Scope& scope = *module.scope;
    scope.give("module", Value(Value::Map{{std::string("name"), Value(module.name)}}));
    module.used = from, module.shipped = scope.lends_places = file.empty();
    const std::string name = module.name;
    const auto number = reading_.modules.add(std::move(module));
    open.emplace_back(real, use.module.text());
    read_module(use, number, name, documents_of(use, file, scope, reading_.problems), scope);
    open.pop_back();
}

std::string ManifestReader::fetched_file(const Use& use) const {
    const std::string &url = use.from.text(), &rev = use.rev.text();
    const std::string directory = kept_modules(reading_.modules_beside, rev);
    constexpr const char* fetch = "chaos modules fetch MANIFEST, with this site's manifest";
    if (!reading_.lock) reading_.lock = read_module_lock(reading_.sources, reading_.modules_beside);
    const auto locked = reading_.lock->find({url, rev});
    if (locked == reading_.lock->end() || !beside::exists(directory))
        throw Error(use.from.where, fmt::format("{} at {} was not fetched", url, rev.substr(0, 12))).help(fetch);
    auto& held = reading_.held_to_lock;
    if (std::find(held.begin(), held.end(), directory + url) == held.end()) {
        std::string digest;
        try {
            digest = digest_of_module(files_of_module(directory));
        } catch (Error& error) {
            error.where = use.from.where;
            throw std::move(error).help("rm -r " + directory + ", then chaos modules fetch MANIFEST");
        }
        if (digest != locked->second)
            throw Error(use.from.where,
                        fmt::format("what is kept of {} at {} is not what chaos.lock says: it was changed", url,
                                    rev.substr(0, 12)))
                .help(fmt::format("look at it in {0}; to have it anew: rm -r {0}, then chaos modules fetch MANIFEST",
                                  directory));
        held.push_back(directory + url);
    }
    for (const char* place : {"", "/modules"}) {
        const std::string file = fmt::format("{}{}/{}.yml", directory, place, use.module.text());
        if (beside::exists(file)) return file;
    }
    throw Error(use.module.where, fmt::format("{} has no module '{}' at {}: no {}.yml, at its top or in modules/", url,
                                              use.module.text(), rev.substr(0, 12), use.module.text()))
        .help(fmt::format("ls {} shows what it has", directory));
}

void ManifestReader::note_switched_off(Use use) {
    Diagnostics unheard;
    const auto quietly = [](auto act) {
        try {
            act();
        } catch (const Error&) {
        }
    };
    quietly([&] {
        const std::string file =
            use.from.is_null() ? module_file(use.module, places_of_modules(use.module.where)) : fetched_file(use);
        Scope scope(reading_.scope, reading_.of_modules);
        scope.give("module", Value(Value::Map{{std::string("name"), Value(use.name())}}));
        scope.lends_places = file.empty();
        std::vector<Document> documents = documents_of(use, file, scope, unheard);
        if (documents.empty()) return;
        for (auto& entry : use.with) quietly([&] { substitute(entry.value, scope_); });
        take_params(main_of(documents).root.find("params"), use, scope, unheard);
        Value::Map vars;
        for (const Document& document : documents)
            if (const Value* said = document.root.find("vars"); said && said->is_map()) lay_values(vars, said->map());
        scope.variables(std::move(vars));
        Layers layers(reading_.context.registry, unheard);
        Sections sections(reading_.context.registry, scope, layers, unheard);
        sections.switch_off_all();
        for (Document& document : documents)
            for (auto& [key, value] : std::get<Value::Map>(document.root.data)) {
                if (const ResourceType* type = reading_.context.registry.section(key.text());
                    type && type->schema().section == key.text())
                    quietly([&, &said = value] { sections.read(*type, std::move(said), false); });
                if (key.text() != "blocks" || !value.is_list()) continue;
                for (Value& block : std::get<Value::List>(value.data))
                    quietly([&] { sections.read_block(std::move(block)); });
            }
        layers_.lay_off(layers, use.name());
    });
}

std::vector<Document> ManifestReader::documents_of(const Use& use, const std::string& file, Scope& scope,
                                                   Diagnostics& problems) {
    Cache* cache = reading_.context.cache;
    if (!file.empty())
        return read_documents(reading_.sources, {shown(beside::real_path(file))}, scope, cache, problems);
    const ShippedModule& module = *find_shipped(use.module.text());
    auto documents = read_document(reading_.sources, source_name(module), std::string(module.text), cache);
    tell_missing_kinds(documents.front().root);
    return documents;
}

void ManifestReader::tell_missing_kinds(Value& manifest) const {
    auto& map = std::get<Value::Map>(manifest.data);
    const auto blocks =
        std::find_if(map.begin(), map.end(), [](const auto& one) { return one.key.text() == "blocks"; });
    if (blocks == map.end()) return;
    Value::List missing;
    for (Value& block : std::get<Value::List>(blocks->value.data)) {
        const Value* when = block.find("when");
        std::erase_if(std::get<Value::Map>(block.data), [&](const auto& one) {
            const std::string& word = one.key.text();
            if (word == "when" || reading_.context.registry.section(word)) return false;
            const auto entry = [&](const char* name, std::string text) {
                return Value::Entry{Value(std::string(name), one.key.where), Value(std::move(text), one.key.where)};
            };
            missing.emplace_back(
                Value::Map{entry("that", when ? "not (" + when->text() + ")" : "false"),
                           entry("say", fmt::format("there is no section '{}' here: nothing is done for it", word)),
                           entry("warn", "true")},
                one.key.where);
            return true;
        });
    }
    if (missing.empty()) return;
    const auto held = std::find_if(map.begin(), map.end(), [](const auto& one) { return one.key.text() == "assert"; });
    if (held == map.end())
        map.push_back({Value(std::string("assert")), Value(std::move(missing))});
    else
        for (Value& one : missing) std::get<Value::List>(held->value.data).push_back(std::move(one));
}

void ManifestReader::read_module(const Use& use, std::uint32_t number, const std::string& name,
                                 std::vector<Document> documents, Scope& scope) {
    const auto mistakes = reading_.problems.errors().size();
    for (const Document& document : documents) reading_.modules.read_by(number, document.source);
    if (documents.empty() || reading_.problems.errors().size() != mistakes) return;
    const Value& root = main_of(documents).root;
    if (!take_params(root.find("params"), use, scope, reading_.problems)) return;
    const Value* exports = root.find("exports");
    const Value given = exports ? *exports : Value(Value::Map{});
    ManifestReader inner(reading_, scope, number);
    inner.read(documents);
    reading_.guarded(given.where, [&] { export_values(name, given, scope); });
    if (reading_.context.provenance) {
        const std::string& file = reading_.sources[Place{1, 1, main_of(documents).source}].name;
        note_use(use, number, file, root.find("params"), scope);
    }
    layers_.lay_module(inner.layers(), number, name);
}

/// What a use of a module gives it, and takes from it.
void ManifestReader::note_use(const Use& use, std::uint32_t number, const std::string& file, const Value* declared,
                              Scope& scope) {
    Provenance::Use noted{reading_.modules[number].path, file, use.module.where, false, {}, {}};
    if (const Value* params = scope.root("params"))
        for (const auto& [key, value] : params->map()) {
            const auto same = [&](const Value::Entry& entry) { return entry.key.text() == key.text(); };
            const auto given = std::find_if(use.with.begin(), use.with.end(), same);
            const bool written = given != use.with.end() && !given->value.is_null();
            const auto said = std::find_if(declared->map().begin(), declared->map().end(), same);
            noted.params.push_back({key.text(), value, written ? given->key.where : said->key.where, written});
        }
    if (!exports_.empty() && exports_.back().key.text() == reading_.modules[number].name)
        for (const auto& [key, value] : exports_.back().value.map())
            noted.exports.push_back({key.text(), value, key.where, true});
    reading_.context.provenance->uses.push_back(std::move(noted));
}

const Document& ManifestReader::main_of(const std::vector<Document>& documents) {
    return *std::find_if(documents.begin(), documents.end(), [](const Document& one) { return one.main; });
}

std::string ManifestReader::shown(const std::string& real) const {
    const std::string here = beside::real_path(".") + "/";
    return real.starts_with(here) ? real.substr(here.size()) : real;
}

void ManifestReader::export_values(const std::string& name, Value exports, Scope& scope) {
    exports.map();
    scope.stand_in(exports.where);
    Value deciding{Value::Map{}};
    for (auto& entry : std::get<Value::Map>(exports.data)) {
        if (has_expression(entry.key)) substitute(entry.key, scope);
        const std::string why = scope.substitute_judging(entry.value);
        std::get<Value::Map>(deciding.data).push_back({entry.key, why.empty() ? entry.value : Scope::withheld(why)});
    }
    exports_.push_back({name, std::move(exports)});
    exports_deciding_.push_back({name, std::move(deciding)});
    scope_.give("modules", Value(exports_), Value(exports_deciding_));
}

}  // namespace chaos
