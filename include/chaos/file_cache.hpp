// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/cache.hpp>
#include <cstdint>

namespace chaos {

/// A Cache in a directory of its own (0700, made at the first put), one file a name. What can not be kept is not kept,
/// without a word. Another user's directory is not read: what is in it could be made up.
class FileCache final : public Cache {
public:
    explicit FileCache(std::string directory, std::uint64_t most = 64 << 20);

    std::optional<std::string> get(const std::string& name) const override;
    void put(const std::string& name, const std::string& bytes) override;

    /// Removes what was not used for longest until three quarters of `most` are left. put() calls it now and then.
    void prune();

private:
    std::string file_of(const std::string& name) const;
    std::string directory_;
    std::uint64_t most_;
};

}  // namespace chaos
