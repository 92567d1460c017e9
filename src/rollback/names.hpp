// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "beneath.hpp"

namespace chaos::rollback {

/// Renames to a name that must be free. False: it is not.
bool move_name(const Spot& from, const Spot& to, const std::string& path);

/// Swaps two names. False: the file system can not (then see replace()).
bool exchange(const Spot& one, const Spot& other, const std::string& path);

/// For file systems without exchange: the old inode gets a second name, then the new one is renamed over the first.
/// The target is never missing, but what lies there at the last moment is not checked.
void replace(const Spot& made, const Spot& target, const Spot& kept, const std::string& path);

/// Removes a file, a link or a directory with all in it; follows nothing, enters no other mount. Nothing where there is
/// none.
void clear(const Spot&, const std::string& path);

}  // namespace chaos::rollback
