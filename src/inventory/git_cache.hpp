// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/git_mirror.hpp>
#include <string>

#include "git_library.hpp"

// The bare repository that a remote is fetched into: what fetch() and check_out() of git_mirror.hpp are in their own
// process.
namespace chaos::git {

/// Opens it to look at. Throws Error where there is none, or others could have written to it.
Repository open_cache(const Library&, const std::string& path);

/// Makes it (0700) where there is none yet: a directory, and no more.
void make_cache(const std::string& path);

/// As fetch(), here and now, into a cache that make_cache() made.
Tip fetch_into(const std::string& cache, const std::string& url, const std::string& ref, const Access&);

/// All branches and tags, unless that commit is there already. Throws Error where it is in none of them.
void fetch_commit_into(const std::string& cache, const std::string& url, const std::string& commit, const Access&);

/// As check_out(), here and now; what it wrote stays where it fails.
void write_tree(const std::string& cache, const std::string& url, const std::string& commit,
                const std::string& directory, const Limits&, const Access&);

/// 40 digits, and nothing that libgit2 would take for an expression. Throws Error.
git_oid hash_of(const Library&, const std::string& text);

/// What libgit2 did not find, or could not read.
[[noreturn]] void not_there(const Library&, int code, const std::string& what);

using Odb = Held<git_odb>;
Odb objects_of(const Library&, git_repository*);

/// The tree of a commit. Throws Error where the cache does not have it.
Held<git_tree> tree_of(const Library&, git_repository*, const std::string& commit);

}  // namespace chaos::git
