// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

/// The primitives that age, sops and the store are made of, as bytes in and bytes out. They are libsodium's; crypto.cpp
/// is the only file that knows it. Keys have 32 bytes where nothing else is said.
namespace chaos::crypto {

std::string random_bytes(std::size_t count);
void wipe(std::string&);                                  ///< Zeros over it that no compiler leaves out.
bool same_bytes(std::string_view a, std::string_view b);  ///< In a time that tells nothing of where they differ.

std::string sha256(std::string_view);
std::string sha512(std::string_view);
std::string hmac_sha256(std::string_view key, std::string_view text);
std::string hkdf_sha256(std::string_view secret, std::string_view salt,
                        std::string_view info);  ///< RFC 5869, 32 bytes.

/// ChaCha20-Poly1305 as RFC 8439 has it: the tag follows the text. open() gives nothing where a byte was changed.
std::string chacha_seal(std::string_view key, std::string_view nonce, std::string_view text);
std::optional<std::string> chacha_open(std::string_view key, std::string_view nonce, std::string_view sealed);

std::string x25519_public(std::string_view secret);
/// Nothing for a point of low order, whose result everybody knows.
std::optional<std::string> x25519(std::string_view secret, std::string_view point);

/// An Ed25519 key as a key of X25519: the public one (nothing where it is none), and the secret one from its seed.
std::optional<std::string> curve_public(std::string_view ed25519_public);
std::string curve_secret(std::string_view ed25519_seed);

/// scrypt with r = 8, p = 1. Throws Error where the memory is not there.
std::string scrypt(std::string_view passphrase, std::string_view salt, int log_n);

std::string base64(std::string_view bytes, bool padded = true);
/// Canonical text alone: nothing where there is anything else, or bits left over that are not zero.
std::optional<std::string> from_base64(std::string_view text, bool padded = true);

}  // namespace chaos::crypto
