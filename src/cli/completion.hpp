// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace chaos::cli {

/// What a shell (bash, zsh or fish) reads to complete command lines of chaos. Throws Usage for another shell.
std::string completion(std::string_view shell);

}  // namespace chaos::cli
