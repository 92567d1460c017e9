// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>
#include <optional>

namespace chaos {

/// What a text says. `alone`: each entry says what it says by itself and by what it stands in (no anchors).
struct ParsedYaml {
    Value value;
    bool alone = false;
};

/// Of a text that is normal (yaml_text.hpp). Throws Error.
ParsedYaml parse_whole(std::string_view text, std::uint16_t source);

/// A text that was parsed before, and what it said, alone.
struct Before {
    std::string text;
    Value value;
};

/// What parse_whole() of `text` gives, with only that parsed which was edited since; or nothing, where that can not be
/// shown to be the same, and where there is a mistake in it: then the whole is to be parsed. Why it is the same:
/// yaml_edited.cpp.
std::optional<Value> parse_edited(Before, std::string_view text, std::uint16_t source);

}  // namespace chaos
