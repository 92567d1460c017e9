// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chaos::git {

/// A work tree as it shall be. At most one of branch, tag and rev; of none of them, the branch that the remote has
/// first.
struct Checkout {
    std::string path, url;
    std::string branch{}, tag{}, rev{};
    bool update = false;  ///< Fetch, though what is wished may be here already.
    bool submodules = false;
};

/// Makes a checkout so, new or not, and answers the commit it is at. What is not committed, or committed here alone, is
/// never lost: it stops this with an Error that says what to do. Hooks and filters of a repository are never run. A cut
/// run is gone on with by the next.
std::string sync(const Checkout&);

/// Throws Error where this host lacks what checkouts are made with, and says how to get it.
void ready();

/// The commit that a branch (empty: the first) of a remote is at. Nothing is written.
std::string tip(const std::string& url, const std::string& branch);

/// Throws Error where a file that a commit has was changed.
void refuse_changes(const std::string& path);

/// Throws Error where the work tree holds anything that is in no commit of its remote, untracked files too.
void refuse_local_work(const std::string& path);

/// The files of one commit (its full hash) of a remote: path and bytes, sorted. Links, submodules and paths that would
/// lead out of a directory are an Error. Kept in a bare repository at `cache`.
using Files = std::vector<std::pair<std::string, std::string>>;
Files files_of(const std::string& url, const std::string& commit, const std::string& cache);

/// One of these as a process of its own reads and answers it: a mapping as JSON. `{"error": ..., "hint": ...}` where it
/// went wrong.
std::string answer(std::string_view question, bool& well);

/// That process, `PROGRAM git-work`: the question is its standard input, the answer its standard output. Answers its
/// exit status, 0 or 1. Nobody types it.
int answer_as_process();

}  // namespace chaos::git
