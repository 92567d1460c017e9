// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Small files of our own in the state directory. Nobody else reads or writes there (0700).
namespace chaos::durable {

/// Nothing where there is none. Throws Error; also where it is a link, no regular file, somebody else's, one that
/// others may write to, or larger than `most`.
std::optional<std::string> read(const std::string& path, std::size_t most = 4 << 20);

/// 0600, whole or not at all, on the disk when it returns. Throws Error.
void replace(const std::string& path, std::string_view text);

/// All that was written to the file system of a directory is on the disk when it returns. Throws Error.
void sync_all(const std::string& directory);

/// 0700; those above it 0755. Throws Error where it is there and is no directory of ours alone.
void make_directory(const std::string& path);

}  // namespace chaos::durable
