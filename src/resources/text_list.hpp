// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/schema.hpp>

namespace chaos::resources {

/// Texts in the order they are written in, which means something; all there shall be. One scalar is a list of one.
struct TextList {
    std::vector<std::string> items{};
    bool empty() const { return items.empty(); }
    friend bool operator==(const TextList&, const TextList&) = default;
};

}  // namespace chaos::resources

template <>
struct chaos::Codec<chaos::resources::TextList> {
    static constexpr std::string_view name = "list of texts, in order",
                                      json = R"({"type":["array","string"],"items":{"type":"string"}})";
    static constexpr Merge merge = Merge::whole;
    static resources::TextList decode(const Value& value) {
        if (value.is_text()) return {{value.text()}};
        resources::TextList list;
        for (const Value& item : value.list()) list.items.push_back(item.text());
        return list;
    }
    static Value encode(const resources::TextList& list) {
        return Value(Value::List(list.items.begin(), list.items.end()));
    }
};
