// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include "declaration.hpp"
#include "scope.hpp"
#include "shipped.hpp"
#include "utf8.hpp"

namespace chaos {

const ResourceType* Sections::section_of(const Value& key, std::span<const std::string_view> beside) const {
    const std::string& word = key.text();
    for (const ResourceType* type : registry_.types)
        if (type->schema().section == word) return type;
    Error error(key.where, fmt::format("there is no section '{}'", word));
    if (const ResourceType* type = registry_.type(word))
        throw std::move(error).help(fmt::format("did you mean '{}'?", type->schema().section));
    if (find_shipped(word))
        throw Error(key.where, fmt::format("'{}' is a module, and modules can not stand here", word))
            .help(
                "write it at the top level or in a block; what it stands for has sections of its own: chaos explain " +
                word);
    if (const auto answer = foreign_section(word); !answer.empty()) throw std::move(error).help(std::string(answer));
    std::vector<std::string_view> known(beside.begin(), beside.end());
    for (const ResourceType* type : registry_.types) known.push_back(type->schema().section);
    for (const Word& top : top_level_words()) known.push_back(top.name);
    for (const ShippedModule& module : shipped_modules()) known.push_back(module.name);
    const auto near = nearest(word, known);
    throw std::move(error).help(near.empty() ? "'chaos explain' lists the sections; keys of your own begin with x-"
                                             : fmt::format("did you mean '{}'?", near));
}

void Sections::read_absent(Value sections, const Value::Map* shared) {
    if (!sections.is_map())
        throw Error(sections.where, fmt::format("absent takes sections, found {}", kind_of(sections)))
            .help("write it as in absent: {packages: [telnet]}");
    for (auto& [key, value] : std::get<Value::Map>(sections.data)) {
        try {
            if (value.is_null() && value.blank) value.where = key.where;
            read(*section_of(key), std::move(value), true, shared);
        } catch (Error& error) {
            if (!error.where) error.where = key.where;
            problems_.add(std::move(error));
        }
    }
}

namespace {

bool is_of_the_top(std::string_view word) {
    const auto words = top_level_words();
    return std::any_of(words.begin(), words.end(), [&](const Word& top) { return top.name == word; });
}

}  // namespace

void Sections::read_block(Value block) {
    if (!block.is_map())
        throw Error(block.where, fmt::format("a block is a mapping of sections, found {}", kind_of(block)))
            .help("write it as in - {when: EXPRESSION, packages: [git]}");
    const Standing standing(block_, block.where);
    constexpr std::string_view allowed[] = {"doc",    "when",  "each",   "as",   "tags",  "needs",
                                            "before", "watch", "notify", "user", "keep",  "protect",
                                            "once",   "exact", "audit",  "raw",  "retry", "confirm"};
    Value::Map shared, parts;
    Value each;
    std::string as = "item";
    Place named;
    for (auto& entry : std::get<Value::Map>(block.data)) {
        const std::string word = entry.key.text();
        if (std::find(std::begin(allowed), std::end(allowed), word) == std::end(allowed)) {
            parts.push_back(std::move(entry));
        } else if (entry.value.is_null()) {
            throw Error(entry.key.where, fmt::format("'{}' has no value", word))
                .help("remove the line, or give it one");
        } else if (word == "each") {
            each = std::move(entry.value);
        } else if (word == "as") {
            as = name_of_item(entry.value), named = entry.key.where;
        } else {
            shared.push_back(std::move(entry));
        }
    }
    const auto turn = [&](Value::Map sections) {
        for (auto& [key, value] : sections) {
            try {
                if (key.text() == "use") continue;  // modules lie below: they were read before
                if (find_shipped(key.text()) && !registry_.section(key.text())) continue;
                if (key.text() == "absent") {
                    read_absent(std::move(value), &shared);
                    continue;
                }
                if (value.is_null() && value.blank) value.where = key.where;
                if (is_of_the_top(key.text()))
                    throw Error(key.where, fmt::format("'{}' stands at the top level, not in a block", key.text()))
                        .help("move it out of blocks:");
                read(*section_of(key, allowed), std::move(value), false, &shared);
            } catch (Error& error) {
                if (!error.where) error.where = key.where;
                problems_.add(std::move(error));
            }
        }
    };
    if (each.is_null()) {
        if (named)
            problems_.add(Error(named, "'as' names the item of an 'each', and this block has none")
                              .help("remove it, or add each: LIST"));
        return turn(std::move(parts));
    }
    scope_.stand_in(each.where), scope_.deciding = true;
    const Value items = items_of(each, scope_);
    scope_.deciding = false;
    if (items.secret)
        throw Error(each.where, "a secret can not decide what exists")
            .help("decide it by a variable or a fact, which may be seen");
    const auto bind = [&](Value item) {
        if (takes_turns(1, each.where)) scope_.bind(as, std::move(item)), turn(parts);
        --turns_left_;
    };
    turns_left_ = items.is_list() ? items.list().size() : items.map().size(), block_item_ = as;
    if (items.is_list())
        for (const Value& item : items.list()) bind(item);
    else
        for (const auto& entry : items.map())
            bind(Value(Value::Map{{std::string("key"), entry.key}, {std::string("value"), entry.value}}));
    turns_left_ = 0;
    scope_.unbind(as);
}

}  // namespace chaos
