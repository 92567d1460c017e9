// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/git_mirror.hpp>
#include <optional>

#include "git_url.hpp"

namespace chaos::git {

class Wire;

/// Where a ref is, asked without libgit2, which takes longer to open than all the rest of it: nothing where that does
/// not answer the question in its plainest form (no such ref, two of that name, a repository of an unusual kind), and
/// libgit2 is then to be asked, which knows what to say.
std::optional<Tip> tip_in_files(const std::string& path, const std::string& ref);

/// The same, of a remote, in git's protocol (version 2 where it is spoken there, else 0). Throws Error where it can
/// not be reached.
std::optional<Tip> tip_over(Wire&, const std::string& ref);

}  // namespace chaos::git
