// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace chaos {

/// True where a text has a url in it that says a password: `https://ann:secret@example.org`; over http, where a name
/// alone may be a token, also `https://token@example.org`.
bool holds_password(std::string_view text);

/// The same text with `***` for each of them. What is shown to people goes through this.
std::string without_passwords(std::string_view text);

}  // namespace chaos
