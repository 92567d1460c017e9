// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chaos {

using Lines = std::vector<std::string_view>;

/// The lines of a text, each with its newline, so that a last one without differs from one with it.
Lines lines_of(std::string_view text);

/// `removed` lines of the one text stand where `added` lines of the other do.
struct LineEdit {
    std::size_t before, removed, after, added;
};

/// How two texts differ, in order. Bounded in time and memory: what has too little in common is one edit.
std::vector<LineEdit> compare_lines(const Lines& before, const Lines& after);

/// What both made of `base`, as diff3 does it. Nothing where they changed the same lines, or lines that touch, each in
/// its way: who merges has to ask a person then.
std::optional<std::string> merge_lines(std::string_view base, std::string_view one, std::string_view other);

/// Without white space around it.
inline std::string_view trimmed(std::string_view text) {
    constexpr std::string_view white = " \t\r\n";
    const auto begin = text.find_first_not_of(white);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

}  // namespace chaos
