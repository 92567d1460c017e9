// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Small files of chaos's own, of the state directory and what a person has it write: each is written in one move,
/// whole or not at all, and is on the disk when that returns. Files of the host that is managed are WritableHost's.
namespace chaos::durable {

/// Nothing where there is none. Throws Error; also where it is a link, no regular file, somebody else's, one that
/// others may write to, or larger than `most`.
std::optional<std::string> read(const std::string& path, std::size_t most = 4 << 20);

/// In the place of what lay there, among files of our own: PATH~ beside it is ours as well. A link is replaced, not
/// followed. What `mode` gives, less the umask. Throws Error.
void replace(const std::string& path, std::string_view text, unsigned mode = 0600);

/// As replace(), where a person keeps files: nothing else beside it is touched, under whatever name.
void write_out(const std::string& path, std::string_view text, unsigned mode = 0600);

/// As replace(); but one that is there stays as it is.
void write_once(const std::string& path, std::string_view text);

/// As write_out(); but what a link leads to is replaced, and mode and owner stay what they were. `mode` is for a new
/// one.
void rewrite(const std::string& path, std::string_view text, unsigned mode = 0666);

/// What was made, renamed or removed in a directory is on the disk when it returns. Throws Error.
void sync_directory(const std::string& directory);

/// All that was written to the file system of a directory is on the disk when it returns. Throws Error.
void sync_all(const std::string& directory);

/// Makes the directory (0700) and those above it (0755) where they are not there, each entry synced; tightens one that
/// others may read. Throws Error where it is a link, not ours, or others may write to it.
void make_directory(const std::string& path);

/// Throws Error where a file, or the directory it is in, is a link, is not ours (`or_root`: or the superuser's), or
/// others may write to it; and where the file is not a regular one or has a second name. False where there is none.
bool trusted(const std::string& path, bool or_root);

}  // namespace chaos::durable
