// SPDX-License-Identifier: Apache-2.0
// What a removal left of packages: configuration that dpkg goes on knowing, though the package is not installed.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "package.hpp"

namespace chaos::resources {

/// Such a state: not installed, and not purged. It says no version: what comes in its place is no edit of that.
State left_of(const Package& wanted);
bool is_left(const State&);

/// The changes that a package manager makes. To leave what a removal leaves is to remove; and where the package is not
/// there any more, there is nothing to do: the files that it had below /etc come back as effects of the step, and dpkg
/// learns nothing of them. Nothing is installed for that, and no script runs.
std::vector<Change> without_leavings(std::span<const Change>);

/// One such change; nothing where there is nothing to do.
std::optional<Change> without_leavings(const Change&);

}  // namespace chaos::resources
