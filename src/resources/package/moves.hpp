// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/schema.hpp>
#include <chaos/system/packages.hpp>
#include <string>
#include <vector>

#include "package.hpp"
#include "solver.hpp"

namespace chaos::resources {

/// Its packages are solved in process; else the package manager is asked.
bool is_solved_here(const Packages&);

/// `nginx`; `libc6:i386` of a foreign architecture.
std::string name_of(const Packages::Package&, const Packages&);

/// Why a package comes and how much it is, as its plan tells it; nothing of that in what goes.
void tell(Package&, const Reason&);
Reason reason_of(const solver::Move&);
/// The same of what goes along.
State with_why(const State& going, const std::string& why);

/// "312 B", "531 kB", "12 MB".
std::string size_text(std::uint64_t bytes);

/// The first few, and how many more there are.
std::string listed(const std::vector<std::string>& words, const char* between = ", ");

}  // namespace chaos::resources
