// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace chaos {

/// Of a text that may be long what a person reads of it: a line of more than 1000 bytes, and a text of more than 16000,
/// lose their middle, and say so. Whatever shows an Error shows it so; secrets are to be out of it before.
std::string in_short(std::string_view text);

}  // namespace chaos
