// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "parts.hpp"

namespace chaos::resources::solver {

/// Packages of which none can be unpacked first: one needs another configured before (Pre-Depends) that waits for it.
struct Circle {
    std::vector<Id> packages;  ///< Empty where there is none.
    std::string said;          ///< `a needs b before it is unpacked, b needs a`
};

/// Whether what comes can be unpacked and configured in some order, on top of what is installed.
Circle circle_in(const Pool::Parts&, const std::set<Id>& coming);

}  // namespace chaos::resources::solver
