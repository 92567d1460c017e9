// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/digest.hpp>
#include <chaos/durable.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace chaos::rollback {

/// Throws Error with what was being done, the path and errno's words.
[[noreturn]] void fail_on(const std::string& doing, const std::string& path);

std::string read_file(const std::string& path);                 ///< Throws Error.
std::optional<Digest> digest_of_file(const std::string& path);  ///< None where nothing is. Throws Error.

/// False for file systems whose shared memory maps do not hold between processes or hosts: NFS, SMB, 9p, FUSE and
/// their like, by the magic number of statfs.
bool maps_hold(std::int64_t magic);
std::int64_t file_system_of(const std::string& path);  ///< statfs magic.

/// store.db and its log as they are at one moment, copied to memory (or where there is room): for a disk or a user
/// that can not write. The copy is gone when this is.
class PrivateCopy {
public:
    explicit PrivateCopy(const std::string& database);
    ~PrivateCopy();
    PrivateCopy(const PrivateCopy&) = delete;
    PrivateCopy& operator=(const PrivateCopy&) = delete;
    std::string path() const { return directory_ + "/store.db"; }

private:
    void copy(const std::string& database) const;
    void empty() const noexcept;
    void leave() const noexcept;
    std::string directory_;
};

}  // namespace chaos::rollback
