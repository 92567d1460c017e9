// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chaos::openpgp {

/// The fingerprints of all primary keys in a file of public keys, armored or not: 40 digits and capitals each. Throws
/// Error where it is none, or holds a secret key.
std::vector<std::string> fingerprints(std::string_view bytes);

/// As people write one: with or without blanks, in either case, a 0x before it.
std::string clean_fingerprint(std::string_view written);

bool is_armored(std::string_view bytes);

/// The packets of all blocks of public keys in an armored text. Throws Error.
std::string dearmored(std::string_view text);

}  // namespace chaos::openpgp
