// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "beneath.hpp"

namespace chaos::rollback {

/// What was written to one file system: an overlay's upper directory, in memory, and gone with this.
struct Layer {
    std::string path;  ///< Where in the root that file system begins.
    Descriptor upper;
    bool keeps_user_attributes = true;  ///< False: attributes user.* of what was there before are lost in it.
};

/// Calls `run`, in a thread with mounts of its own, with a root in which every file system of disks below `beneath` is
/// covered by a layer: whatever is written there lands in the layers, which are answered, and nobody else sees it. File
/// systems in memory, and those of the kernel (/proc, /sys, /dev, /run), are as they are; what no layer can cover is
/// read-only. `over`: a directory of this machine that may be covered meanwhile. Throws Error where this can not be.
std::vector<Layer> run_over_layers(const Beneath& beneath, const std::string& over,
                                   const std::function<void(const std::string& root)>& run);

}  // namespace chaos::rollback
