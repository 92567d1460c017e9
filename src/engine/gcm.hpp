// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

/// AES-256 in Galois/Counter Mode, with a nonce of any length: sops' has 32 bytes, which libsodium does not take.
namespace chaos::gcm {

struct Sealed {
    std::string text, tag;
};
Sealed seal(std::string_view key, std::string_view nonce, std::string_view text, std::string_view beside);

/// Nothing where a byte was changed, of the text or of what stands beside it.
std::optional<std::string> open(std::string_view key, std::string_view nonce, const Sealed&, std::string_view beside);

}  // namespace chaos::gcm
