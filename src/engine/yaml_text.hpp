// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>

namespace chaos {

constexpr std::size_t most_bytes_of_yaml = 16 << 20;

/// Throws Error where a text is no UTF-8 without controls, or too big.
void check_bytes(std::string_view text, std::uint16_t source);

/// As the parser gets it: without byte order mark, lines ending in \n. `room` is where it is kept if it differs.
std::string_view normal(std::string_view text, std::string& room);

/// With spaces in lines of blanks that have tabs among them: YAML allows those and yaml-cpp does not.
std::string without_blank_tabs(std::string_view text);

/// False where there is nothing but blanks, comments and the marks of a document.
bool has_content(std::string_view text);

/// `<<: *base` or `<<: [*a, *b]`: what is written beside it wins, then the earlier of a list.
void merge_keys(Value::Map& map);

/// Throws Error, with both places, where a key is there twice.
void check_double_keys(const Value::Map& map);

}  // namespace chaos
