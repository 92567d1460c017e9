// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace chaos {

/// Bytes of the character that a text begins with; 0 where that is no UTF-8 (overlong forms and surrogates are none),
/// and of an empty text. RFC 3629.
std::size_t utf8_length(std::string_view text);

/// Where a text stops being UTF-8; npos where it is all valid.
std::size_t first_invalid_utf8(std::string_view text);

}  // namespace chaos
