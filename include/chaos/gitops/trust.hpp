// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace chaos::gitops {

/// The path in a repository of a list of signers that a signed commit may bring: it then holds for what comes after.
constexpr const char* signers_path = ".chaos/signers";

/// Who may sign: lines of ssh's allowed signers, and public keys of OpenPGP (armored blocks, or nothing but packets).
struct Signers {
    std::string text;
    std::string from;  ///< For messages: /etc/chaos/signers, or the commit that brought it.
};

/// What was signed, and with what: as git keeps it in a commit or a tag.
struct Signed {
    std::string what;  ///< "commit 1234567890ab", for messages.
    std::string payload, signature;
};

/// Who signed it, as the list calls them: a principal, or a fingerprint and name. ssh-keygen and gpgv decide, of today:
/// a key that has expired by now signs nothing, whatever date a commit gives itself. `scratch` is a directory that only
/// we can read. Throws Error that says what is wrong: unsigned, signed by none of them, changed since.
std::string signer_of(const Signed&, const Signers&, const std::string& scratch);

}  // namespace chaos::gitops
