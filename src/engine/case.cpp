// SPDX-License-Identifier: Apache-2.0
// Upper and lower case without a locale, so that a template gives the same on every machine.
#include <algorithm>
#include "filters.hpp"
#include "utf8.hpp"

namespace chaos::language {

std::uint32_t decode_utf8(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
    const unsigned first = byte(at);
    const std::size_t size = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    std::uint32_t code = size == 1 ? first : first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) code = code << 6 | (byte(at + i) & 0x3FU);
    at = std::min(at + size, text.size());
    return code;
}

namespace {

/// Letters whose lower case lies `by` further; where `paired`, upper and lower take turns, upper first at an even (1)
/// or odd (2) code.
struct Range {
    std::uint32_t first, last;
    std::int32_t by;
    int paired = 0;
};

constexpr Range ranges[] = {
    {'A', 'Z', 32},       {0xC0, 0xD6, 32},       {0xD8, 0xDE, 32},       {0x100, 0x12F, 1, 1}, {0x132, 0x137, 1, 1},
    {0x139, 0x148, 1, 2}, {0x14A, 0x177, 1, 1},   {0x178, 0x178, -121},   {0x179, 0x17E, 1, 2}, {0x1CD, 0x1DC, 1, 2},
    {0x1DE, 0x1EF, 1, 1}, {0x1F8, 0x21F, 1, 1},   {0x222, 0x233, 1, 1},   {0x386, 0x386, 38},   {0x388, 0x38A, 37},
    {0x38C, 0x38C, 64},   {0x38E, 0x38F, 63},     {0x391, 0x3A1, 32},     {0x3A3, 0x3AB, 32},   {0x400, 0x40F, 80},
    {0x410, 0x42F, 32},   {0x460, 0x481, 1, 1},   {0x48A, 0x4BF, 1, 1},   {0x4C1, 0x4CE, 1, 2}, {0x4D0, 0x52F, 1, 1},
    {0x531, 0x556, 48},   {0x1E00, 0x1E95, 1, 1}, {0x1EA0, 0x1EFF, 1, 1},
};

std::uint32_t to_lower(std::uint32_t code) {
    for (const Range& range : ranges) {
        if (code < range.first || code > range.last) continue;
        if (!range.paired) return static_cast<std::uint32_t>(static_cast<std::int32_t>(code) + range.by);
        const bool is_upper = (code & 1) == (range.paired == 2 ? 1U : 0U);
        return is_upper ? code + 1 : code;
    }
    return code;
}

std::uint32_t to_upper(std::uint32_t code) {
    if (code == 0xB5) return 0x39C;
    if (code == 0x131) return 'I';
    if (code == 0x17F) return 'S';
    if (code == 0x3C2) return 0x3A3;
    for (const Range& range : ranges) {
        if (range.paired) {
            if (code >= range.first && code <= range.last && (code & 1) != (range.paired == 2 ? 1U : 0U))
                return code - 1;
            continue;
        }
        const auto from = static_cast<std::int32_t>(code) - range.by;
        if (from >= static_cast<std::int32_t>(range.first) && from <= static_cast<std::int32_t>(range.last))
            return static_cast<std::uint32_t>(from);
    }
    return code;
}

void add_upper(std::string& out, std::uint32_t code, bool title = false) {
    if (code == 0xDF)
        out += title ? "Ss" : "SS";
    else
        append_utf8(out, to_upper(code));
}

template <class Change>
std::string changed(std::string_view text, Change change) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) change(out, decode_utf8(text, at));
    return out;
}

}  // namespace

Letter letter_of(std::uint32_t code) {
    if (to_lower(code) != code) return Letter::upper;
    if (to_upper(code) != code || code == 0xDF || code == 0x138 || code == 0x149 || code == 0x390 || code == 0x3B0)
        return Letter::lower;
    if (code == 0xAA || code == 0xBA) return Letter::other;
    const bool others =
        (code >= 0x100 && code < 0x2000 && code != 0xD7 && code != 0xF7 && !(code >= 0x300 && code < 0x370)) ||
        (code >= 0x2C00 && code < 0xD800 && !(code >= 0x3000 && code < 0x3041) && !(code >= 0x2E00 && code < 0x2E80)) ||
        (code >= 0xF900 && code < 0xFB50);
    return others ? Letter::other : Letter::none;
}

std::string upper(std::string_view text) {
    return changed(text, [](std::string& out, std::uint32_t code) { add_upper(out, code); });
}
std::string lower(std::string_view text) {
    return changed(text, [](std::string& out, std::uint32_t code) { append_utf8(out, to_lower(code)); });
}
std::string swapped_case(std::string_view text) {
    return changed(text, [](std::string& out, std::uint32_t code) {
        if (to_lower(code) != code)
            append_utf8(out, to_lower(code));
        else
            add_upper(out, code);
    });
}
std::string capitalized(std::string_view text) {
    bool first = true;
    return changed(text, [&](std::string& out, std::uint32_t code) {
        if (std::exchange(first, false))
            add_upper(out, code, true);
        else
            append_utf8(out, to_lower(code));
    });
}
std::string titled(std::string_view text) {
    bool inside = false;
    return changed(text, [&](std::string& out, std::uint32_t code) {
        const bool cased = letter_of(code) == Letter::upper || letter_of(code) == Letter::lower;
        if (inside)
            append_utf8(out, to_lower(code));
        else
            add_upper(out, code, true);
        inside = cased;
    });
}

std::size_t first_beyond_ascii(std::string_view text) {
    const auto found = std::find_if(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
    return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

std::vector<std::string_view> characters_of(std::string_view text) {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t from = at;
        decode_utf8(text, at);
        out.push_back(text.substr(from, at - from));
    }
    return out;
}

bool is_space(std::uint32_t code) {
    return (code >= 9 && code <= 13) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
           code == 0x3000 || code == 0x1680;
}

std::string_view stripped(std::string_view text, std::string_view which, bool left, bool right) {
    const auto goes = [&](std::string_view character) {
        if (which.empty()) {
            std::size_t at = 0;
            return is_space(decode_utf8(character, at));
        }
        return which.find(character) != std::string_view::npos;
    };
    while (left && !text.empty()) {
        std::size_t at = 0;
        decode_utf8(text, at);
        if (!goes(text.substr(0, at))) break;
        text.remove_prefix(at);
    }
    while (right && !text.empty()) {
        std::size_t at = text.size() - 1;
        while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
        if (!goes(text.substr(at))) break;
        text.remove_suffix(text.size() - at);
    }
    return text;
}

}  // namespace chaos::language
