// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <string_view>

namespace chaos {

/// A text of lines, and where in it one looks. Bytes and lines from 0.
struct Spot {
    std::string_view text;
    std::size_t at = 0;  ///< A byte of the text; its size at the end.
};

/// The place of a byte: line and column in characters, from 1.
Place place_of(Spot, std::uint16_t source);

/// Bytes from `start` of the line to its end that hold `at`.
struct Line {
    std::size_t start = 0;
    std::string_view text;
};
Line line_at(Spot);

/// Where a text in quotes that begins at `at` ends: just after the closing quote; npos where it is never closed.
std::size_t end_of_quotes(std::string_view text, std::size_t at);

/// What a person wrote who wrote what YAML's grammar stumbled over here, as an error with the line mended where there
/// is a mending. `said` is the parser's own word for it.
Error explain_syntax(Spot, std::uint16_t source, std::string_view said);

/// `{{ x }}` without quotes in this line: the error with the line mended; nothing to do with this line: false.
bool unquoted_braces(Line, std::uint16_t source, std::string_view text, Error& error);

/// A bracket that is open where the text ends: the error at the outermost of them; none: false.
bool unclosed_bracket(std::string_view text, std::uint16_t source, Error& error);

}  // namespace chaos
