// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace chaos::rollback {

/// A mount of this machine.
struct Mount {
    std::string point, type;  ///< type: ext4, tmpfs, proc, ...
    std::string options{};    ///< Of the file system: of an overlay, its layers.
};

/// Those that this thread sees, in the order in which they came to lie over one another.
std::vector<Mount> mounts();

}  // namespace chaos::rollback
