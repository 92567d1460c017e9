// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Files of age, version 1 (https://age-encryption.org/v1), read and written in memory: recipients of X25519 and
/// ssh-ed25519, and passphrases. What is read may be anybody's: it is bounded, and every mistake is an Error without a
/// place.
namespace chaos::age {

/// None of the keys at hand opens it.
class NoKey : public Error {
public:
    using Error::Error;
};

/// Whom a file is for: age1..., or the public key of an SSH key (ssh-ed25519 AAAA...).
struct Recipient {
    std::string text;   ///< As it is written, without a comment.
    std::string point;  ///< A key of X25519.
    std::string ssh;    ///< Of an SSH key: its public key as SSH has it on the wire. Else empty.
    friend bool operator==(const Recipient&, const Recipient&) = default;
};
Recipient parse_recipient(std::string_view text);

/// What opens a file: a line of a key file (AGE-SECRET-KEY-1...), or an OpenSSH private key of ed25519.
struct Identity {
    std::string secret;  ///< A key of X25519.
    Recipient recipient;
};
Identity generate();
std::string to_text(const Identity&);  ///< AGE-SECRET-KEY-1...; of what generate() made.

/// The keys of a key file: comments and empty lines are skipped. An SSH key opens as itself and as the age key that
/// ssh-to-age makes of it. Throws Error.
std::vector<Identity> parse_identities(std::string_view text);

/// What may open a file.
struct Keys {
    std::vector<Identity> identities;
    std::optional<std::string> passphrase;
};

bool is_age(std::string_view file);  ///< Armored or not.
bool is_armored(std::string_view file);
bool wants_passphrase(std::string_view file);  ///< Throws Error.

/// What is in it. Throws NoKey, or Error where it is damaged.
std::string decrypt(std::string_view file, const Keys&);

std::string encrypt(std::string_view text, std::span<const Recipient>, bool armored);

/// scrypt with 2^work rounds: 18 takes a second, which is what guessing costs.
std::string encrypt_by_passphrase(std::string_view text, std::string_view passphrase, bool armored, int work = 18);

}  // namespace chaos::age
