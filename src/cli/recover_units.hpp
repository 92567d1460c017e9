// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace chaos::cli {

/// The units of packaging/, as they were when the program was built, with @chaos@ where the program's path belongs.
/// Before services start: files.
std::string_view recover_unit();
/// When the boot is through: the rest.
std::string_view recover_late_unit();

}  // namespace chaos::cli
