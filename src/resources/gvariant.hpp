// SPDX-License-Identifier: Apache-2.0
// The text of GVariant, as dconf reads and prints it.
#pragma once

#include <chaos/schema.hpp>

namespace chaos::resources {

/// A value of a database of settings, in GVariant's text and one spelling. A manifest writes true and false, numbers
/// and texts as they are (quotes do not matter), lists of them, and all else as {variant: TEXT}.
struct Variant {
    std::string text{};
    friend bool operator==(const Variant&, const Variant&) = default;
};

/// The one spelling of a text that a person wrote: blanks and quotes as dconf prints them. Throws Error where it is no
/// GVariant.
std::string clean_variant(std::string_view text);

/// `said` as something of this type: a number gets its size, a number or true becomes a text, an empty list gets its
/// own. Throws Error where it can not be one.
Variant typed(const Variant& said, std::string_view type, Place);

/// The type of a number, text or list of texts; empty where it is another.
std::string_view type_of(const Variant&);

}  // namespace chaos::resources

template <>
struct chaos::Codec<chaos::resources::Variant> {
    static constexpr std::string_view name = "true or false, number, text, list, or {variant: TEXT}",
                                      json = R"({"type":["boolean","number","string","array","object"]})";
    static constexpr Merge merge = Merge::whole;
    static resources::Variant decode(const Value& value);
    static Value encode(const resources::Variant& variant);
};
