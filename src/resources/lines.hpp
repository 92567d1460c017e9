// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/lines.hpp>
#include <string_view>
#include <vector>

namespace chaos::resources {

/// The lines of a text, without their ends; a last one that is empty does not count.
inline std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

/// The first line of what is left, without its end, which is taken off as well.
inline std::string_view next_line(std::string_view& text) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
    return line;
}

/// The first word of what is left of a line; the blanks before it are taken off with it.
inline std::string_view next_word(std::string_view& line) {
    const auto begin = line.find_first_not_of(' ');
    line.remove_prefix(begin == std::string_view::npos ? line.size() : begin);
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    return word;
}

}  // namespace chaos::resources
