// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chaos::language {

/// Digests for the filter `hash`, as bytes. Those of old (SHA-1, MD5) protect nothing: they are for comparing with what
/// others publish.
std::string sha256(std::string_view);
std::string sha512(std::string_view);
std::string blake2b(std::string_view);  ///< 64 bytes, as b2sum has it.
std::string sha1(std::string_view);
std::string md5(std::string_view);

/// A digest by its name, in hexadecimal; nothing where there is none of the name.
std::optional<std::string> hash(std::string_view name, std::string_view text);

/// HMAC-SHA-256 (RFC 2104), as bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);

std::string to_base64(std::string_view);
std::optional<std::string> from_base64(std::string_view);

}  // namespace chaos::language
