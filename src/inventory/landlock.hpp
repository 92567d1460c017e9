// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace chaos {

/// As forbid_writes(), for the one thread of a process just forked: system calls only, nothing is allocated.
bool landlock_forbid_writes();

}  // namespace chaos
