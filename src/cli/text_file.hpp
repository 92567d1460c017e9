// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace chaos::cli {

/// Texts of the person who calls: manifests that are laid out or begun. Nothing of the host that is managed.

std::string read_text_file(const std::string& path);  ///< Throws Error; at most what a manifest may have.
std::string read_standard_input();

/// Of a regular file; throws Error where it has more than `bound` bytes.
std::string read_bounded_file(const std::string& path, std::size_t bound);

/// With the directories above it. Throws Error where something is there already.
void make_text_file(const std::string& path, const std::string& text);
bool is_there(const std::string& path);

}  // namespace chaos::cli
