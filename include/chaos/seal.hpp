// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/digest.hpp>
#include <optional>
#include <string>

namespace chaos {

/// A key that closes bytes which lie on a disk: who has the disk's bytes and not the key learns how long they are, and
/// which of them are the same. The same bytes are closed to the same bytes, so that what is kept can be compared and
/// found again without being opened.
class SealKey {
public:
    static constexpr std::size_t size = 32;

    static SealKey fresh();
    explicit SealKey(std::string bytes);  ///< Throws Error where they are not `size` bytes.
    const std::string& bytes() const { return bytes_; }

    std::string seal(std::string_view open) const;
    std::optional<std::string> open(std::string_view sealed) const;  ///< Nothing where it was not closed with this key.
    std::string seal_text(std::string_view open) const;              ///< The same as base64.
    std::optional<std::string> open_text(std::string_view sealed) const;
    Digest digest(std::string_view bytes) const;  ///< One that only who has the key can make.

private:
    std::string bytes_, nonces_, digests_;  ///< Made of the first: keys for one purpose each.
};

}  // namespace chaos
