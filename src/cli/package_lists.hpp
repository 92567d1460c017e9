// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "world.hpp"

namespace chaos::cli {

/// Fetches the package manager's lists anew where that was asked for, or where they are older than a day; says it. Who
/// only looks (`changing` false) does so only where it was asked for, and is told how old they are. Throws Error.
void refresh_package_lists(Context&, const World&, bool changing);

}  // namespace chaos::cli
