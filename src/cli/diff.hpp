// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chaos::cli {

/// How two texts differ, line by line: hunks with three lines of context as `diff -u` writes them, without a head.
struct Diff {
    std::vector<std::string> lines;  ///< Each begins with '@', ' ', '-', '+' or '\'; bytes as they were.
    std::size_t left_out = 0;        ///< How many lines more there would have been.
};

/// At most `most` lines. Bounded in time and memory: texts that have too little in common are shown as replaced whole.
Diff unified_diff(std::string_view before, std::string_view after, std::size_t most);

/// For each line of `after` the number of the line of `before` that it is, or npos where it is new.
std::vector<std::size_t> lines_kept(std::string_view before, std::string_view after);

/// False for what has NUL bytes or is not UTF-8: shown by size and digest only.
bool is_text(std::string_view bytes);

}  // namespace chaos::cli
