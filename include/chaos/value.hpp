// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/source.hpp>
#include <string_view>
#include <variant>
#include <vector>

namespace chaos {

/// What a manifest says, before a schema has said what it means. A scalar stays text.
struct Value {
    struct Entry;
    using List = std::vector<Value>;
    using Map = std::vector<Entry>;
    enum class Tag : char { none, secret, file };  ///< !secret NAME, !file PATH: until they are resolved.

    std::variant<std::monostate, std::string, List, Map> data;
    Place where;
    bool quoted = false;  ///< Written in quotes or as a block: never anything but text.
    bool blank = false;   ///< Null because nothing was written after the colon, not because null was.
    bool secret = false;  ///< It, or something it was made from, must never be shown.
    Tag tag = Tag::none;

    Value();
    Value(std::string text, Place at = {});
    Value(List list, Place at = {});
    Value(Map map, Place at = {});

    bool is_null() const { return data.index() == 0; }
    bool is_text() const { return data.index() == 1; }
    bool is_list() const { return data.index() == 2; }
    bool is_map() const { return data.index() == 3; }
    const std::string& text() const;  ///< These three throw Error where it is not what was asked for.
    const List& list() const;
    const Map& map() const;
    const Value* find(std::string_view key) const;

    /// Equal when they say the same, wherever they say it.
    friend bool operator==(const Value& a, const Value& b);
};

struct Value::Entry {
    Value key, value;
    friend bool operator==(const Entry& a, const Entry& b);
};

// Here, where an Entry is whole: a vector of what is not may only be named.
inline Value::Value() = default;
inline Value::Value(std::string text, Place at) : data(std::move(text)), where(at) {}
inline Value::Value(List list, Place at) : data(std::move(list)), where(at) {}
inline Value::Value(Map map, Place at) : data(std::move(map)), where(at) {}

/// True where it, or something in it, is secret.
bool holds_secret(const Value&);

/// "a text", "a list", "a mapping", "nothing": for messages.
std::string_view kind_of(const Value&);

/// JSON as RFC 8259; scalars are strings. Secrets are written as they are: whoever shows one to a person must have
/// asked.
std::string to_json(const Value&);
void append_json(std::string& out, const Value&);
Value from_json(std::string_view text);  ///< Throws Error with line and column.

}  // namespace chaos
