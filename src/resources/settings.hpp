// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>

namespace chaos::resources {

/// A file of which a kind sets a part, and others what else is in it.
struct SharedFile {
    std::string path;                 ///< Where links led to: the file itself is replaced, never a link to it.
    Entry entry{};                    ///< Absent where there is none.
    std::optional<std::string> text;  ///< Where there is a file.
    std::string_view said() const& { return text ? std::string_view(*text) : std::string_view(); }
    std::string_view said() const&& = delete;  // it looks into this
    std::optional<Content> content() const { return text ? std::optional(Content(*text)) : std::nullopt; }
};

/// Follows links from file to file; throws Error where something else is in its place.
SharedFile shared_file(const Host&, std::string path);

/// Writes it, with the permissions and the owner it has; a new one gets `mode`. Nothing to say is no file, unless
/// `stays` (it was there, and empty).
void put(WritableHost&, const SharedFile&, const std::string& text, bool stays = false, std::uint32_t mode = 0644);

/// What a shell that reads `text` has in `key` afterwards: the last KEY=VALUE counts, its quotes are gone.
std::optional<std::string> assigned(std::string_view text, std::string_view key);

/// The text with KEY=VALUE in the place of the last one, or at the end; without any where there is no value. A line
/// that says so already stays as it is.
std::string assign(std::string_view text, std::string_view key, const std::optional<std::string>& value);

/// Keys that are assigned in it, in the order of their first line.
std::vector<std::string> assigned_keys(std::string_view text);

}  // namespace chaos::resources
