// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace chaos {

/// As forbid_writes(), for the one thread of a process just forked: system calls only, nothing is allocated.
bool landlock_forbid_writes();

/// As forbid_writes(), but for what is below these directories, which must be there.
bool landlock_forbid_writes_but(const std::vector<std::string>& directories);

}  // namespace chaos
