// SPDX-License-Identifier: Apache-2.0
#include "utf8.hpp"
#include <fmt/format.h>
#include <chaos/in_short.hpp>
#include <chaos/named.hpp>
#include <cstring>
#include <numeric>
#include <vector>

namespace chaos {

std::size_t utf8_length(std::string_view text) {
    if (text.empty()) return 0;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(0) < 0x80) return 1;
    const std::size_t length = byte(0) >= 0xC2 && byte(0) < 0xE0   ? 2
                               : byte(0) >= 0xE0 && byte(0) < 0xF0 ? 3
                               : byte(0) >= 0xF0 && byte(0) < 0xF5 ? 4
                                                                   : 0;
    if (!length || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    if (byte(0) == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (byte(0) == 0xED && byte(1) > 0x9F) return 0;  // half of a pair
    if (byte(0) == 0xF0 && byte(1) < 0x90) return 0;  // overlong
    if (byte(0) == 0xF4 && byte(1) > 0x8F) return 0;  // past the last character
    return length;
}

std::size_t first_invalid_utf8(std::string_view text) {
    constexpr std::uint64_t tops = 0x8080808080808080;
    for (std::size_t at = 0; at < text.size();) {
        std::uint64_t eight = tops;
        if (at + 8 <= text.size()) std::memcpy(&eight, text.data() + at, 8);
        if (!(eight & tops)) {  // ASCII, all of them
            at += 8;
            continue;
        }
        const auto length = utf8_length(text.substr(at));
        if (!length) return at;
        at += length;
    }
    return std::string_view::npos;
}

namespace {

/// Where a character begins, at this byte or before it.
std::size_t begin_of_character(std::string_view text, std::size_t at) {
    while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    return at;
}

std::string without_middle(std::string_view text, std::size_t most) {
    if (text.size() <= most) return std::string(text);
    const std::size_t head = begin_of_character(text, most * 3 / 4);
    const std::size_t tail = begin_of_character(text, text.size() - most / 4);
    return std::string(text.substr(0, head)) + "... (" + std::to_string(tail - head) + " bytes left out) ..." +
           std::string(text.substr(tail));
}

}  // namespace

std::string in_short(std::string_view text) {
    constexpr std::size_t longest_line = 1000, longest = 16000;
    std::string out;
    for (std::size_t from = 0; from <= text.size();) {
        const auto end = std::min(text.find('\n', from), text.size());
        out += (from ? "\n" : "") + without_middle(text.substr(from, end - from), longest_line);
        from = end + 1;
    }
    return without_middle(out, longest);
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto first = static_cast<unsigned char>(text[at]);
        const auto length = utf8_length(text.substr(at));
        // C1 controls (U+0080 to U+009F) move terminals as ESC does; so do marks of direction.
        const bool control =
            first < 0x20 || first == 0x7F ||
            (length == 2 && first == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0) ||
            (length == 3 && first == 0xE2 && (text.substr(at, 3) == "\u202e" || text.substr(at, 3) == "\u2028"));
        if (length && !control)
            out += text.substr(at, length);
        else
            for (std::size_t i = 0; i < std::max<std::size_t>(length, 1); ++i)
                out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at + i]));
        at += std::max<std::size_t>(length, 1);
    }
    return out;
}

std::string named(std::string_view path) {
    if (printable(path) == path) return std::string(path);
    std::string out = "'";
    bool escaping = false;
    for (std::size_t at = 0; at < path.size();) {
        const auto piece = path.substr(at, std::max<std::size_t>(utf8_length(path.substr(at)), 1));
        const bool plain = printable(piece) == piece;
        if (plain == escaping) out += plain ? "''" : "'$'", escaping = !plain;
        if (plain)
            out += piece == "'" ? "'\\''" : piece;
        else if (piece == "\n" || piece == "\t" || piece == "\r")
            out += piece == "\n" ? "\\n" : piece == "\t" ? "\\t" : "\\r";
        else
            for (const char c : piece) out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
        at += piece.size();
    }
    return out + "'";
}

std::string quoted_name(std::string_view path) {
    const std::string name = named(path);
    return name == path ? fmt::format("'{}'", name) : name;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    if (a.size() > 64 || b.size() > 64) return 64;  // nobody mistypes one of these
    std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), older;
    std::iota(before.begin(), before.end(), 0);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({before[j] + 1, row[j - 1] + 1, before[j - 1] + (a[i - 1] != b[j - 1] ? 1U : 0U)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], older[j - 2] + 1);
        }
        older = before;
        std::swap(before, row);
    }
    return before[b.size()];
}

}  // namespace chaos
