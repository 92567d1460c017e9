// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace chaos {

/// Bytes by name that may vanish at any time and are never part of the truth: parsed manifests by the digest of their
/// text, .solv files, downloads, digests of files. On the machine that runs chaos, not in the root it changes.
class Cache {
public:
    virtual ~Cache() = default;
    virtual std::optional<std::string> get(const std::string& name) const = 0;
    virtual void put(const std::string& name, const std::string& bytes) = 0;  ///< Failing to keep it is not an error.
};

}  // namespace chaos
