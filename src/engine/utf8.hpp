// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chaos/utf8.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace chaos {

/// How many characters a text of valid UTF-8 has.
inline std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void append_utf8(std::string& out, std::uint32_t code);

/// With controls and what is not UTF-8 as `\x1b`, so that showing it on a terminal does nothing but show it.
std::string printable(std::string_view text);

/// Of the candidates the one that is nearest by edits, where it is near enough to be meant; empty where none is.
template <class Names>
std::string_view nearest(std::string_view wanted, const Names& names);
std::size_t edit_distance(std::string_view a, std::string_view b);

template <class Names>
std::string_view nearest(std::string_view wanted, const Names& names) {
    std::string_view best;
    std::size_t least = std::max<std::size_t>(1, std::min<std::size_t>(wanted.size() / 3, 3)) + 1;
    for (const auto& name : names)
        if (const auto distance = edit_distance(wanted, name); distance < least) least = distance, best = name;
    return best;
}

}  // namespace chaos
