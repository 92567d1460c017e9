// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "parts.hpp"

namespace chaos::resources::solver {

/// Which job a package changes for, and by what relation; that is empty where the job names it.
struct Cause {
    std::size_t job = 0;
    std::string why;
    bool recommended = false;
};

/// By name, the nearest cause of each package that comes, becomes another version, or goes. From what the jobs name
/// (`asked`, by name) it leads along what is needed newly, what conflicts, and what loses what it needs; then along
/// what is recommended. What none of that explains is left out.
std::map<Id, Cause> causes(const Pool::Parts&, const std::set<Id>& coming, const std::vector<Id>& going,
                           const std::map<Id, std::size_t>& asked);

}  // namespace chaos::resources::solver
