// SPDX-License-Identifier: Apache-2.0
// `imports` of Ch-aronte, with its meaning to the letter: the imported file wins (language-notes F55).
#include <fmt/format.h>
#include <algorithm>
#include "beside.hpp"
#include "chobolo.hpp"
#include "utf8.hpp"

namespace chaos::chobolo {

namespace {

Import::Strategy strategy_of(const Value& said) {
    const std::string& word = said.text();
    if (word == "combine") return Import::Strategy::combine;
    if (word == "override") return Import::Strategy::override_;
    if (word == "merge") return Import::Strategy::merge;
    throw Error(said.where, fmt::format("expected combine, override or merge, found '{}'", printable(word)))
        .help("write it as in {file: users.yml, strategy: combine}");
}

Value* find(Value::Map& map, const Value& key) {
    const auto held = std::find_if(map.begin(), map.end(), [&](const auto& entry) { return entry.key == key; });
    return held == map.end() ? nullptr : &held->value;
}

/// Which thing an item of a list is about: `git` and `{name: git}` are one.
const Value* name_of(const Value& item) {
    if (item.is_text()) return &item;
    if (!item.is_map()) return nullptr;
    for (const std::string_view word : {"name", "path", "url"})
        if (const Value* name = item.find(word)) return name;
    return nullptr;
}

void combine(Value::Map& ours, Value::Map theirs, const Import& import, bool top);

/// Item by item; of two about one thing the imported one lies over ours.
void unite(Value::List& ours, Value::List theirs, const Import& import) {
    for (Value& item : theirs) {
        const Value* name = name_of(item);
        const auto held = std::find_if(ours.begin(), ours.end(), [&](const Value& one) {
            const Value* other = name_of(one);
            return name && other ? *name == *other : one == item;
        });
        if (held == ours.end())
            ours.push_back(std::move(item));
        else if (held->is_map() && item.is_map())
            combine(std::get<Value::Map>(held->data), std::move(std::get<Value::Map>(item.data)), import, false);
        else if (item.is_map())
            *held = std::move(item);
    }
}

void combine(Value::Map& ours, Value::Map theirs, const Import& import, bool top) {
    for (auto& [key, value] : theirs) {
        Value* held = find(ours, key);
        const bool united = top && import.strategy == Import::Strategy::merge &&
                            std::find(import.keys.begin(), import.keys.end(), key.text()) != import.keys.end();
        if (!held)
            ours.push_back({std::move(key), std::move(value)});
        else if (held->is_map() && value.is_map() && !(top && import.strategy == Import::Strategy::override_))
            combine(std::get<Value::Map>(held->data), std::move(std::get<Value::Map>(value.data)), import, false);
        else if (united && held->is_list() && value.is_list())
            unite(std::get<Value::List>(held->data), std::move(std::get<Value::List>(value.data)), import);
        else
            *held = std::move(value);
    }
}

}  // namespace

Import parse_import(const Value& item) {
    Import import;
    if (item.is_text()) return import.file = item, import;
    if (!item.is_map())
        throw Error(item.where, fmt::format("imports takes files, found {}", kind_of(item)))
            .help("write it as in imports: [{file: users.yml, strategy: combine}]");
    for (const auto& [key, value] : item.map()) {
        const std::string& name = key.text();
        if (name == "file")
            value.text(), import.file = value;
        else if (name == "strategy")
            import.strategy = strategy_of(value);
        else if (name == "merge_keys")
            for (const Value& one : items_in(value)) import.keys.push_back(one.text());
        else
            throw Error(key.where, fmt::format("an item of imports has no '{}'", printable(name)))
                .help("it has file, strategy (combine, override or merge) and merge_keys");
    }
    if (import.file.is_null()) throw Error(item.where, "expected the path of a file").help("write {file: PATH}");
    if (import.strategy == Import::Strategy::merge && import.keys.empty())
        throw Error(item.where, "merge does not say which lists it unites").help("add merge_keys: [packages]");
    if (import.strategy != Import::Strategy::merge && !import.keys.empty())
        throw Error(item.where, "merge_keys is for strategy: merge")
            .help("write strategy: merge, or remove merge_keys");
    return import;
}

std::vector<std::string> places_of_import(const std::string& directory, const std::string& file) {
    std::vector<std::string> places{beside::join(directory, file)};
    if (file.starts_with('/')) return places;
    for (std::string at = directory; at.size() > 1; at = at.substr(0, at.rfind('/'))) {
        if (at.ends_with("/Ch-obolos")) places.push_back(beside::join(at, file));
        places.push_back(beside::join(at + "/Ch-obolos", file));
    }
    return places;
}

void lay_import(Value::Map& ours, Value::Map imported, const Import& import) {
    combine(ours, std::move(imported), import, true);
}

}  // namespace chaos::chobolo
