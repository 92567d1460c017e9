// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/digest.hpp>
#include <map>
#include <string>
#include <utility>

namespace chaos::beside {

/// What was asked about a path on the machine that runs chaos, while a manifest was read.
enum class Asked : char {
    file,   ///< What it leads to: which inode, its size and times; or that there is nothing.
    name,   ///< What it is really called.
    names,  ///< What it matches, as a pattern.
};

/// As it is now, in a few bytes.
Digest stamp(Asked, const std::string& path);

/// Takes note, as long as it lives, of all that this thread asks about beside a manifest, as it was just before. There
/// is one at a time.
class Notes {
public:
    Notes();
    ~Notes();
    Notes(const Notes&) = delete;

    const std::map<std::pair<Asked, std::string>, Digest>& all() const { return all_; }
    /// False where that does not tell all: something was typed in, or came through a pipe; or a file is so young that
    /// it could change once more and bear the same times.
    bool tell_all() const { return tell_all_; }

private:
    friend void note(Asked, const std::string& path);
    friend void note_passing();
    std::map<std::pair<Asked, std::string>, Digest> all_;
    std::int64_t begun_;
    bool tell_all_ = true;
};

/// To be said of what is read in another way than by the functions of the engine that note it themselves.
void note(Asked, const std::string& path);
void note_passing();  ///< Something was read that nobody could look at again.

}  // namespace chaos::beside
