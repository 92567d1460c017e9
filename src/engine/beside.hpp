// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/content.hpp>
#include <chaos/located.hpp>
#include <string>
#include <string_view>
#include <vector>

/// Files beside a manifest, on the machine that runs chaos: the one place of the engine that opens files itself.
namespace chaos::beside {

/// A path of a manifest, from the directory it stands in.
std::string join(std::string_view directory, std::string_view path);

/// What a regular file holds. Throws Error without a place: not there, not readable, not a regular file, too big.
std::string read(const std::string& path, std::uint64_t most);

/// The same of anything that can be read to its end: a pipe, too.
std::string read_stream(const std::string& path, std::uint64_t most);

/// The same for a content: in memory where small, by path and digest where big.
Content content(const std::string& path);

/// The same by path and digest, however small it is.
Located located(const std::string& path);

bool exists(const std::string& path);

/// One name for a file, whatever way leads to it. Throws Error where there is none.
std::string real_path(const std::string& path);

/// What a glob matches, sorted by bytes; a path without wildcards is itself.
bool is_glob(std::string_view path);
std::vector<std::string> glob(const std::string& pattern);

}  // namespace chaos::beside
