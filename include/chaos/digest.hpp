// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chaos {

/// BLAKE2b-128 of bytes. Two contents with one digest are one content.
struct Digest {
    std::uint64_t high = 0, low = 0;
    explicit operator bool() const { return high || low; }
    friend auto operator<=>(const Digest&, const Digest&) = default;
};

Digest digest(std::string_view bytes);
std::string hex(Digest);                   ///< 32 lower-case digits.
Digest digest_from_hex(std::string_view);  ///< Throws Error where it is not 32 hexadecimal digits.

/// For what comes in pieces: a stream, the parts of a state. Each add() is hashed as it is; separate parts yourself.
class Hasher {
public:
    Hasher();
    Hasher& add(std::string_view bytes);
    Digest finish();

private:
    alignas(64) unsigned char state_[384];
};

}  // namespace chaos
