// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/git_mirror.hpp>
#include <chaos/gitops/memory.hpp>

/// The repository that a host follows, below DIRECTORY (of our own, 0700): repository.git, and site, the files of one
/// commit.
namespace chaos::gitops {

std::string cache_in(const std::string& directory);  ///< The bare repository.

git::Access access_of(const Settings&);

/// Fetches what a tip stands for. Throws Error.
git::Tip fetch(const std::string& directory, const Settings&);

/// The branch went back, or was rewritten, since the commit that the host is at.
class Rewound : public Error {
public:
    using Error::Error;
};

/// Throws Error where a commit may not be followed: Rewound, unless `rewind` allows that; or where it is not signed as
/// the settings want. Who signed it; empty where nobody need to. What it says of who may sign from now on is in the
/// memory then.
std::string trust(const std::string& directory, const Settings&, Memory&, const git::Tip&, bool rewind);

/// A plan runs what a manifest asks of the host (`unless:` of an exec), so a commit is not planned either that may not
/// be applied. Throws Error where a commit of what was fetched (`tip`) has nobody's signature that the settings want,
/// and is not what such a one comes from. A branch that went back may be looked at.
void trust_to_look(const std::string& directory, const Settings&, const Memory&, const git::Tip&,
                   const std::string& commit);

/// Makes DIRECTORY/NAME the files of a commit, in one move, and answers its path. What is that already is left.
std::string check_out(const std::string& directory, const std::string& name, const Settings&,
                      const std::string& commit);

/// The first of these paths (expressions resolved by then) that is a regular file there. Throws Error that names all.
std::string choose(const std::string& site, const std::vector<std::string>& paths, const std::string& commit);

void remove_tree(const std::string& path);  ///< Of our own. Throws Error.

}  // namespace chaos::gitops
