// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace chaos::cli {

/// Writes a file that nobody else may read (0600), whole or not at all, in the place of what lay there. Throws Error.
void write_private_file(const std::string& path, const std::string& text);

/// Reads a regular file of at most `most` bytes. Throws Error.
std::string read_bounded_file(const std::string& path, std::size_t most);

}  // namespace chaos::cli
