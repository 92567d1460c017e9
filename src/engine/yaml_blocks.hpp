// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>

namespace chaos {

/// A text, and where its lines begin.
struct TextLines {
    explicit TextLines(std::string_view of);
    /// The byte at a place, where there is nothing before it in its line but what `before` has; npos otherwise.
    std::size_t at(Place where, const char* before) const;
    /// True for a dash that makes an item.
    bool dash(std::size_t at) const;

    std::string_view text;
    std::vector<std::size_t> starts;
};

/// An entry of a list or mapping.
struct YamlEntry {
    Value* container;
    std::size_t entry;

    Value& value() const {
        return container->is_map() ? std::get<Value::Map>(container->data)[entry].value
                                   : std::get<Value::List>(container->data)[entry];
    }
    Place where() const { return container->is_map() ? container->map()[entry].key.where : value().where; }
};
/// From the whole document inwards.
using YamlPath = std::vector<YamlEntry>;

/// The path to the last entry of a block (none between brackets, nor in one that is) that begins a line, up to the end
/// of `line`; empty where there is none. `root` is what the text says, alone (ParsedYaml).
YamlPath last_entry(Value& root, const TextLines&, std::uint32_t line);

}  // namespace chaos
