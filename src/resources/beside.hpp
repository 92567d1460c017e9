// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/schema.hpp>

namespace chaos::resources {

/// What a second place says of a value that has two (the running kernel and a file): the same, nothing, or another
/// value. One attribute, so that a host where only one of them was changed can be told from one where none was.
struct Beside {
    bool same = true;
    std::optional<std::string> other{};
    friend bool operator==(const Beside&, const Beside&) = default;

    static Beside of(const std::optional<std::string>& said, const std::string& value) {
        Beside beside;
        beside.same = said == value;
        if (!beside.same) beside.other = said;
        return beside;
    }
    /// What the second place is to say; nothing where it is to say nothing.
    std::optional<std::string> text(const std::string& value) const {
        if (same) return value;
        return other;
    }
};

}  // namespace chaos::resources

template <>
struct chaos::Codec<chaos::resources::Beside> {
    static constexpr std::string_view name = "true, false or another value", json = R"({"type":["boolean","string"]})";
    static constexpr Merge merge = Merge::whole;
    static resources::Beside decode(const Value& value) {
        try {
            return {Codec<bool>::decode(value), std::nullopt};
        } catch (const Error&) {
            return {false, value.text()};
        }
    }
    static Value encode(const resources::Beside& beside) {
        return Value(beside.same ? "true" : beside.other.value_or("false"));
    }
};
