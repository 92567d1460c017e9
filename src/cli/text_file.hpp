// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace chaos::cli {

/// Texts of the person who calls: manifests that are laid out or begun. Nothing of the host that is managed.

std::string read_text_file(const std::string& path);  ///< Throws Error; at most what a manifest may have.
std::string read_standard_input();

/// In its place at once, with the mode of what was there; where the path is a link, what it leads to is replaced.
void replace_text_file(const std::string& path, const std::string& text);

/// With the directories above it. Throws Error where something is there already.
void make_text_file(const std::string& path, const std::string& text);
bool is_there(const std::string& path);

}  // namespace chaos::cli
