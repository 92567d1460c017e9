// SPDX-License-Identifier: Apache-2.0
// What is asked of a remote without a checkout: where a branch is, and the files of one commit.
#include <chaos/git.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chaos/error.hpp>

#include "git_library.hpp"

namespace chaos::git {

std::string tip(const std::string& url, const std::string& branch) {
    const Library& lib = library();
    git_remote* made = nullptr;
    if (lib.remote_create_detached(&made, url.c_str()) != 0) fail_at(lib, "use", url);
    const Remote remote(made, lib.remote_free);
    Keys keys{&lib};
    const auto calls = callbacks(keys);
    if (lib.remote_connect(made, GIT_DIRECTION_FETCH, &calls, nullptr, nullptr) != 0) fail_at(lib, "ask", url);
    const git_remote_head** heads = nullptr;
    std::size_t count = 0;
    if (lib.remote_ls(&heads, &count, made) != 0) fail_at(lib, "ask", url);
    const std::string name = branch.empty() ? "HEAD" : "refs/heads/" + branch;
    for (std::size_t i = 0; i < count; ++i)
        if (heads[i]->name == name) return hex(lib, heads[i]->oid);
    throw Error(fmt::format("{} has no branch {}", url, branch.empty() ? "that is its first" : branch))
        .help(fmt::format("git ls-remote --heads {} shows them", url));
}

namespace {

/// What a walk over a tree has found, and what stopped it.
struct Walk {
    const Library& lib;
    git_repository* repository;
    Files files{};
    std::string wrong{};
    std::size_t bytes = 0;
};

constexpr std::size_t most_bytes = 64 << 20, most_files = 10'000;

int take_entry(const char* root, const git_tree_entry* entry, void* payload) {
    auto& walk = *static_cast<Walk*>(payload);
    const std::string name = walk.lib.entry_name(entry), path = root + name;
    const auto mode = walk.lib.entry_mode(entry);
    if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos || name.find('\0') != name.npos)
        return walk.wrong = "it has a path that leads out of it: " + path, -1;
    if (mode == GIT_FILEMODE_TREE) return 0;
    if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE)
        return walk.wrong = path + (mode == GIT_FILEMODE_LINK ? " is a symbolic link" : " is a submodule"), -1;
    git_blob* blob = nullptr;
    if (walk.lib.blob_lookup(&blob, walk.repository, walk.lib.entry_id(entry)) != 0)
        return walk.wrong = last_message(walk.lib), -1;
    const Held<git_blob> held(blob, walk.lib.blob_free);
    const auto size = static_cast<std::size_t>(walk.lib.blob_size(blob));
    if ((walk.bytes += size) > most_bytes || walk.files.size() >= most_files)
        return walk.wrong = "it has more than 64 MiB, or 10000 files", -1;
    walk.files.emplace_back(path, std::string(static_cast<const char*>(walk.lib.blob_bytes(blob)), size));
    return 0;
}

}  // namespace

Files files_of(const std::string& url, const std::string& commit, const std::string& cache) {
    const Library& lib = library();
    git_repository* made = nullptr;
    if (lib.repository_init(&made, cache.c_str(), 1) != 0) fail(lib, "can not make " + cache);
    const Repository held(made, lib.repository_free);
    if (!commit_of(lib, made, commit)) fetch(lib, made, url, nullptr);
    git_object *found = nullptr, *tree = nullptr;
    const auto id = commit_of(lib, made, commit);
    if (!id || lib.revparse(&found, made, commit.c_str()) != 0)
        throw Error(fmt::format("{} has no commit {} in its branches and tags", url, commit))
            .help(fmt::format("git ls-remote {} shows them", url));
    const Object object(found, lib.object_free);
    if (lib.object_peel(&tree, found, GIT_OBJECT_TREE) != 0) fail(lib, "can not read " + commit);
    const Object root(tree, lib.object_free);
    Walk walk{lib, made};
    if (lib.tree_walk(reinterpret_cast<const git_tree*>(tree), GIT_TREEWALK_PRE, take_entry, &walk) != 0)
        throw Error(fmt::format("{} at {} can not be taken: {}", url, commit.substr(0, 12), walk.wrong));
    std::sort(walk.files.begin(), walk.files.end());
    return std::move(walk.files);
}

}  // namespace chaos::git
