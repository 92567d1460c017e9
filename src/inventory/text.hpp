// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace chaos {

/// Text cut at a character, each piece without blanks around it; empty pieces are left out.
template <class Use>
void for_words(std::string_view text, char between, Use&& use) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(between), text.size());
        std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (!word.empty() && (word.front() == ' ' || word.front() == '\t')) word.remove_prefix(1);
        while (!word.empty() && (word.back() == ' ' || word.back() == '\t' || word.back() == '\r'))
            word.remove_suffix(1);
        if (!word.empty()) use(word);
    }
}

template <class Use>
void for_lines(std::string_view text, Use&& use) {
    for_words(text, '\n', use);
}

/// The first fields of a line of passwd and its like; empty where there are fewer.
template <std::size_t count>
std::array<std::string_view, count> fields(std::string_view line, char between = ':') {
    std::array<std::string_view, count> result{};
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t end = std::min(line.find(between), line.size());
        result[i] = line.substr(0, end);
        if (end == line.size()) break;
        line.remove_prefix(end + 1);
    }
    return result;
}

/// A whole number and nothing else.
template <class Number>
std::optional<Number> number(std::string_view text, int base = 10) {
    Number result{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result, base);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return result;
}

/// The bytes of a file, links to it followed (/etc/os-release is one); nothing where there is none or it may not be
/// read.
std::optional<std::string> read_text(const Host&, std::string path);

/// The same, of one line, without its end; empty where there is none.
std::string read_line(const Host&, const std::string& path);

}  // namespace chaos
