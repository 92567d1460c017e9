// SPDX-License-Identifier: Apache-2.0
#include "manifest_reader.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <unordered_map>
#include "checks.hpp"
#include "provenance.hpp"
#include "requirements.hpp"

namespace chaos {

bool ManifestReader::read(std::vector<Document>& documents) {
    for (const Document& document : documents) {
        reading_.modules.read_by(number_, document.source);
        if (reading_.context.provenance) note_document(document);
    }
    const auto mistakes = reading_.problems.errors().size();
    for (const Document& document : documents)
        reading_.guarded({}, [&] {
            if (const Value* needs = document.root.find("chaos")) check_version(*needs);
        });
    if (reading_.problems.errors().size() != mistakes) return false;
    scope_.give("modules", Value(Value::Map{}));
    read_secrets(documents);
    read_variables(documents);
    const auto before_modules = reading_.problems.errors().size();
    for (Document& document : documents) use_modules(document);
    use_sections(documents);
    const bool whole = reading_.problems.errors().size() == before_modules;
    for (Document& document : documents)
        if (const Value* said = document.root.find("assert")) check_assertions(*said);
    for (std::uint32_t i = 0; i < documents.size(); ++i) read_layer(documents[i], i + 1);
    if (whole) scope_.check_variables(reading_.problems);
    return whole;
}

void ManifestReader::read_secrets(std::vector<Document>& documents) {
    if (number_ || !reading_.context.keys) return;
    reading_.secrets.emplace(*reading_.context.keys);
    for (const Document& document : documents)
        for (const auto& [key, value] : document.root.map()) {
            if (key.text() != "secrets" || value.is_null()) continue;
            reading_.guarded(key.where, [&, &said = value] {
                reading_.secrets->declare(said, reading_.sources[Place{1, 1, document.source}].directory);
            });
        }
    scope_.open_secrets(&*reading_.secrets);
}

void ManifestReader::read_variables(std::vector<Document>& documents) {
    Value::Map all;
    for (Document& document : documents)
        for (auto& [key, value] : std::get<Value::Map>(document.root.data)) {
            if (key.text() != "vars" || value.is_null()) continue;
            reading_.guarded(key.where, [&, &said = value] {
                said.map();
                check_untyped(said, reading_.problems);
                if (document.strategy == Strategy::strict) refuse_overlap(all, said.map());
                if (reading_.context.provenance) note_variables(*reading_.context.provenance, name(), said.map());
                lay_values(all, std::move(std::get<Value::Map>(said.data)));
            });
        }
    scope_.variables(std::move(all));
}

void ManifestReader::refuse_overlap(const Value::Map& below, const Value::Map& above) {
    std::unordered_map<std::string_view, Place> given;
    for (const auto& held : below) given.emplace(held.key.text(), held.value.where);
    for (const auto& entry : above)
        if (const auto held = given.find(entry.key.text()); held != given.end())
            reading_.problems.add(
                Error(entry.key.where,
                      fmt::format("vars.{} is given below already, and this file is strict", entry.key.text()))
                    .note(held->second, "it is given here")
                    .help("say it in one of the two files, or take strategy: strict away"));
}

void ManifestReader::note_document(const Document& document) {
    Provenance& provenance = *reading_.context.provenance;
    note_file(provenance, document, name());
    if (const Value* secrets = document.root.find("secrets"); secrets && !number_) provenance.secrets = *secrets;
}

void ManifestReader::check_assertions(const Value& said) {
    if (said.is_null()) return;
    Diagnostics found;
    for (const Value& item : items_in(said)) {
        try {
            check_assertion(item, scope_, found);
        } catch (Error& error) {
            if (!error.where) error.where = item.where;
            found.add(std::move(error));
        }
    }
    // Of a module of chaos a person knows the line that uses it.
    const Module* module = number_ ? &reading_.modules[number_] : nullptr;
    const auto placed = [&](Error error) {
        if (module && module->shipped) error.where = module->used, error.hint.clear();
        return error;
    };
    for (const Error& error : found.errors()) reading_.problems.add(placed(error));
    for (const Error& remark : found.remarks()) reading_.problems.note(placed(remark));
}

void ManifestReader::read_layer(Document& document, std::uint32_t layer) {
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

void ManifestReader::drop_sections(const Value::Map& map) {
    for (const auto& [key, value] : map) {
        for (const ResourceType* type : reading_.context.registry.types)
            if (type->schema().section == key.text()) layers_.drop(*type, key.where);
        if (key.text() == "absent" && value.is_map()) drop_sections(value.map());
        if (key.text() == "blocks" && value.is_list())
            for (const Value& block : value.list())
                if (block.is_map()) drop_sections(block.map());
    }
}

void ManifestReader::top_level(const Value& key, Value& value) {
    const std::string& word = key.text();
    if (word.starts_with("x-")) return;
    const auto known = std::find_if(top_level_words().begin(), top_level_words().end(),
                                    [&](const Word& top) { return top.name == word; });
    if (known == top_level_words().end()) {
        if (is_module(key)) return;  // modules lie below: they were read before
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
    if (word == "checks") return read_checks(value);
    if (word == "confirm") return confirm(std::move(value));
    if (word == "fleet" || word == "pelago" || word == "firmware")
        return reading_.problems.note(
            Error(key.where, fmt::format("{} is read, and nothing is done for it: {}", word,
                                         word == "fleet"    ? "a manifest speaks of the host it is applied on"
                                         : word == "pelago" ? "chaos makes no virtual machines"
                                                            : "only an installation asks")));
    if (word == "doc" || word == "name") value.text();
}

void ManifestReader::check_whose(const Value& key) const {
    const std::string& word = key.text();
    if (number_ && (word == "name" || word == "exclusive" || word == "secrets" || word == "confirm"))
        throw Error(key.where, fmt::format("a module has no '{}'", word))
            .help(word == "secrets" ? "it is given them: params: {NAME: {type: secret}}"
                                    : "only the site that uses it can say this");
    if (!number_ && (word == "params" || word == "exports"))
        throw Error(key.where, fmt::format("'{}' is for modules, and this is a site", word))
            .help(word == "params" ? "values of a site stand in vars:" : "what a module exports is modules.NAME.x");
}

void ManifestReader::read_blocks(Value blocks) {
    blocks.list();
    for (Value& block : std::get<Value::List>(blocks.data))
        reading_.guarded(block.where, [&] { sections_.read_block(std::move(block)); });
}

void ManifestReader::protect(const Value& value) {
    const Registry& registry = reading_.context.registry;
    for (const Value& pattern : items_in(value))
        reading_.guarded(pattern.where, [&] {
            const auto text = plain_id(pattern.text(), registry);
            const auto kind = text.substr(0, text.find(':'));
            if (kind.find('*') == std::string::npos && text.find('*') != std::string::npos
                    ? !registry.section(kind)
                    : text.find('*') == std::string::npos)
                parse_id(text, registry, pattern.where);
            reading_.site.protect.push_back(text);
        });
}

void ManifestReader::exclusive(const Value& value) {
    for (const Value& item : items_in(value))
        reading_.guarded(item.where, [&] {
            const ResourceType* type = sections_.section_of(item);
            if (!type->schema().key())
                throw Error(item.where, fmt::format("a host has one {}: nothing else can be there", item.text()))
                    .help("remove it from exclusive: what it says holds anyway");
            if (!type->has_others())
                throw Error(item.where, fmt::format("of {} nothing tells what somebody asked for and what the system "
                                                    "brought: exclusive can not be about it",
                                                    item.text()))
                    .help("exclusive: [packages, services, users] can be said; for a directory, purge: true");
            reading_.site.exclusive.push_back({type, item.where});
        });
}

/// Those of all layers and modules are asked; what two of them say alike is asked once.
void ManifestReader::read_checks(const Value& said) {
    if (said.is_null()) return;
    for (const Value& item : items_in(said))
        reading_.guarded(item.where, [&] {
            auto check = read_check(item, scope_);
            if (!check) return;
            auto& all = reading_.site.checks;
            const auto same = [&](const Check& other) { return other.written == check->written; };
            if (std::none_of(all.begin(), all.end(), same)) all.push_back(std::move(*check));
        });
}

void ManifestReader::confirm(Value value) {
    scope_.stand_in(value.where);
    substitute(value, scope_);
    if (value.is_null()) return reading_.site.confirm.reset();
    reading_.site.confirm = read_window(value);
}

}  // namespace chaos
