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

/// What a Host may be as well: one with a place to keep what was long to find of it. Asked by dynamic_cast, so that a
/// host without such a place need not say so.
class Remembering {
public:
    virtual Cache* cache() const = 0;  ///< Null where there is none.

protected:
    ~Remembering() = default;
};

}  // namespace chaos
