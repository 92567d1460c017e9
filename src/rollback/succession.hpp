// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image.hpp"

namespace chaos::rollback {

/// What several runs in a row made of one path: as it was before them all, and as the last of them left it.
///
/// What somebody changed between two of them, and none of them changed afterwards (a mode, an owner, an ACL, an
/// extended attribute), is in both: going back from `after` to `before` keeps it.
struct Succession {
    Image before, after;
    std::string trash;        ///< Where the tree lies that was there before.
    bool came_whole = false;  ///< The directory that is there now came back with what was in it.

    explicit Succession(const Operation& first);
    /// The next change of the path. What lies there again though the last one took it away is somebody's, and what this
    /// one goes back to.
    void add(const Operation&);
};

/// Where nothing is left of the one, the next change makes another thing of the path.
bool is_another(const Succession&, const Operation& next);

/// A file of which only mode, owner or attributes changed: nobody read its content.
bool lacks_content(const Image&);
void take_content(Image&, const Image& from);

}  // namespace chaos::rollback
