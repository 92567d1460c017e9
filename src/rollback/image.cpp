// SPDX-License-Identifier: Apache-2.0
#include "image.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace chaos::rollback {
namespace {

// In the order of Entry::Kind. These words are in stores.
constexpr std::array<std::string_view, 5> kinds = {"absent", "file", "directory", "link", "other"};
constexpr std::string_view hexadecimal = "0123456789abcdef";
constexpr std::size_t words_of_one = 12;

// Bytes as one word: what is not printable ASCII, and %, as %xx; nothing at all as -.
std::string escaped(std::string_view bytes) {
    if (bytes.empty()) return "-";
    std::string word;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte >= 0x7f || c == '%' || (c == '-' && bytes.size() == 1)) {
            word += '%';
            word += hexadecimal[byte >> 4];
            word += hexadecimal[byte & 15];
        } else {
            word += c;
        }
    }
    return word;
}

[[noreturn]] void refuse(std::string_view line) {
    throw Error(fmt::format("expected the image of a path in the store, found '{}'", line));
}

std::string unescaped(std::string_view word, std::string_view line) {
    std::string bytes;
    if (word == "-") return bytes;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] != '%') {
            bytes += word[i];
            continue;
        }
        const auto high = i + 1 < word.size() ? hexadecimal.find(word[i + 1]) : std::string_view::npos;
        const auto low = i + 2 < word.size() ? hexadecimal.find(word[i + 2]) : std::string_view::npos;
        if (high == std::string_view::npos || low == std::string_view::npos) refuse(line);
        bytes += static_cast<char>(high << 4 | low);
        i += 2;
    }
    return bytes;
}

template <class Number>
void read(std::string_view word, Number& number, std::string_view line, int base = 10) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, base);
    if (error != std::errc() || end != word.data() + word.size()) refuse(line);
}

}  // namespace

bool Image::same_as(const Image& other) const {
    if (kind != other.kind) return false;
    if (kind == Entry::Kind::absent) return true;
    if (uid != other.uid || gid != other.gid || extended != other.extended) return false;
    if (kind == Entry::Kind::link) return target == other.target;  // its mode means nothing
    if (mode != other.mode) return false;
    return kind != Entry::Kind::file || (size == other.size && content == other.content);
}

std::string to_text(const Image& it) {
    if (!it) return "absent";
    return fmt::format("{} {:04o} {} {} {} {} {} {} {} {} {} {}", kinds[static_cast<std::size_t>(it.kind)], it.mode,
                       it.uid, it.gid, it.size, it.modified, it.content ? hex(it.content) : "-", escaped(it.target),
                       escaped(it.extended), it.device, it.inode, it.born);
}

Image image_from_text(std::string_view line) {
    if (line == "absent") return {};
    std::array<std::string_view, words_of_one> words;
    std::string_view rest = line;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto space = rest.find(' ');
        if (rest.empty() || (space == std::string_view::npos) != (i + 1 == words.size())) refuse(line);
        words[i] = rest.substr(0, space);
        rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
    }
    Image it;
    for (std::size_t k = 1; k < kinds.size(); ++k)
        if (kinds[k] == words[0]) it.kind = static_cast<Entry::Kind>(k);
    if (!it) refuse(line);
    read(words[1], it.mode, line, 8);
    read(words[2], it.uid, line);
    read(words[3], it.gid, line);
    read(words[4], it.size, line);
    read(words[5], it.modified, line);
    if (words[6] != "-") it.content = digest_from_hex(words[6]);
    it.target = unescaped(words[7], line);
    it.extended = unescaped(words[8], line);
    read(words[9], it.device, line);
    read(words[10], it.inode, line);
    read(words[11], it.born, line);
    return it;
}

}  // namespace chaos::rollback
