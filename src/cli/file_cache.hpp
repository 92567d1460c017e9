// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/cache.hpp>

namespace chaos::cli {

/// A Cache as files in a directory of its own (0700): what is in it is trusted, so a directory that somebody else owns
/// or may write to is not used at all. The oldest go when there are too many.
class FileCache final : public Cache {
public:
    explicit FileCache(std::string directory);
    std::optional<std::string> get(const std::string& name) const override;
    void put(const std::string& name, const std::string& bytes) override;

private:
    int open_directory(bool make) const;  ///< A descriptor, or -1.
    void forget_oldest(int directory) const;
    std::string directory_;
};

}  // namespace chaos::cli
