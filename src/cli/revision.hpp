// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace chaos::cli {

/// The commit that is checked out where this file lies, as 40 (or 64) hexadecimal digits; empty where it lies in no
/// checkout, or none that can be read. What was edited since is not told. Reads a few small files and runs nothing: a
/// checkout may be another person's.
std::string revision_of(const std::string& file);

}  // namespace chaos::cli
