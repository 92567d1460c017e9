// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chaos::rollback {

/// Makes the directory (0700) and those above it (0755) where they are not there, each entry synced; tightens one that
/// others may read. Throws Error where it is a link, not ours, or others may write to it.
void make_state_directory(const std::string& path);

/// Throws Error where a file of the state directory is a link, not a regular file, has a second name, is not ours
/// (`or_root`: or the superuser's), or others may write to it. False where there is none.
bool trusted_file(const std::string& path, bool or_root);

/// Writes a file anew, 0600, in one move; durable when it returns. One that is there stays as it is.
void write_once(const std::string& path, std::string_view bytes);

/// Throws Error with what was being done, the path and errno's words.
[[noreturn]] void fail_on(const std::string& doing, const std::string& path);

std::string read_file(const std::string& path);  ///< Throws Error.

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
    void empty() const noexcept;
    std::string directory_;
};

}  // namespace chaos::rollback
