// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>
#include <map>
#include "age.hpp"

/// Files of sops (https://getsops.io), with keys of age: names lie open, values are closed one by one, and a code over
/// all of them is closed with them. What is read may be anybody's.
namespace chaos::sops {

bool is_sops(const Value& root);

/// What a file says under `sops:`.
struct Metadata {
    Value said;                                            ///< As it was written.
    std::vector<std::pair<std::string, std::string>> age;  ///< Recipient, and the data key closed for it.
    bool has_other_keys = false;                           ///< PGP, a cloud's: theirs is the same data key.
    std::string modified, mac;
    std::string unencrypted_suffix, encrypted_suffix, unencrypted_regex, encrypted_regex;
    bool mac_only_encrypted = false;
};
Metadata metadata_of(const Value& root);

/// The key that all values are closed with. Throws age::NoKey.
std::string data_key(const Metadata&, std::span<const age::Identity>);

/// Closed texts by path and plain text, so that what did not change stays as it was written.
using Kept = std::map<std::pair<std::string, std::string>, std::string>;

/// The tree without `sops:`, open; its code is checked. A text is quoted, a number or truth is not. Places are those of
/// `root`. Throws Error.
Value open(const Value& root, const Metadata&, std::string_view key, Kept* kept = nullptr);

/// The tree with what is to be closed closed, and the code over it.
Value close(const Value& tree, const Metadata&, std::string_view key, const Kept& kept, std::string& mac);

/// For whom, when and with what code: `sops:` as it is written. `fresh`: the data key is new.
Value metadata_with(const Metadata&, const std::vector<std::string>& recipients, std::string_view key, bool fresh,
                    const std::string& mac, const std::string& modified);
std::string closed_mac(const std::string& mac, std::string_view key, const std::string& modified);

}  // namespace chaos::sops
