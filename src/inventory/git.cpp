// SPDX-License-Identifier: Apache-2.0
// Checkouts, by libgit2. It runs no hooks, no filters of others and no commands, and reads no configuration but the
// repository's own.
#include <chaos/git.hpp>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/error.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "git_library.hpp"

namespace chaos::git {
namespace {

constexpr const char* ours = "refs/chaos/head";      ///< What we made the checkout last.
constexpr const char* underway = "refs/chaos/next";  ///< What it is being made; gone when that is done.

/// A repository of the person who asks: with a .git of its own, that no link leads away from.
Repository open(const Library& lib, const std::string& path) {
    struct stat about {};
    const std::string inside = path + "/.git";
    if (::lstat(inside.c_str(), &about) != 0) throw Error(path + " is no checkout: it has no .git");
    if (!S_ISDIR(about.st_mode))
        throw Error(inside + " is no directory: the repository would be elsewhere")
            .help("mv " + path + " " + path + ".orig");
    git_repository* opened = nullptr;
    if (lib.repository_open(&opened, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr) != 0) {
        const std::string why = last_message(lib);
        if (why.find("owned") != std::string::npos)
            throw Error(path + " belongs to somebody else, and what it says is not trusted")
                .help("say whose it is: owner: NAME");
        fail(lib, "can not open " + path);
    }
    return Repository(opened, lib.repository_free);
}

/// Paths that differ from the last commit, at most a few.
std::vector<std::string> changed(const Library& lib, git_repository* repository, bool untracked) {
    git_status_options options = GIT_STATUS_OPTIONS_INIT;
    options.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
    options.flags = GIT_STATUS_OPT_EXCLUDE_SUBMODULES;
    if (untracked) options.flags |= GIT_STATUS_OPT_INCLUDE_UNTRACKED;
    git_status_list* list = nullptr;
    if (lib.status_list_new(&list, repository, &options) != 0) fail(lib, "can not look at the work tree");
    const Held<git_status_list> held(list, lib.status_free);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < lib.status_count(list) && paths.size() < 4; ++i) {
        const git_status_entry* entry = lib.status_at(list, i);
        if (entry->status == GIT_STATUS_CURRENT || (entry->status & GIT_STATUS_IGNORED)) continue;
        const git_diff_delta* delta = entry->index_to_workdir ? entry->index_to_workdir : entry->head_to_index;
        paths.emplace_back(delta && delta->new_file.path ? delta->new_file.path : "?");
    }
    return paths;
}

void refuse_changes(const Library& lib, git_repository* repository, const std::string& path, bool untracked) {
    auto paths = changed(lib, repository, untracked);
    if (paths.empty()) return;
    if (paths.size() == 4) paths.back() = "...";
    throw Error(fmt::format("{} has changes that are in no commit: {}", path, fmt::join(paths, ", ")))
        .help(fmt::format("look at them: git -C {0} status; then commit them, or put them aside: git -C {0} stash -u",
                          path));
}

/// True where a commit is in what the remote has, or is what we put there.
bool is_elsewhere(const Library& lib, git_repository* repository, const git_oid& commit) {
    if (const auto made = reference(lib, repository, ours); made && *made == commit) return true;
    git_strarray names{};
    if (lib.reference_list(&names, repository) != 0) fail(lib, "can not list the branches");
    bool found = false;
    for (std::size_t i = 0; i < names.count && !found; ++i) {
        const std::string name = names.strings[i];
        if (!name.starts_with("refs/remotes/") && !name.starts_with("refs/tags/")) continue;
        const auto tip = commit_of(lib, repository, name);
        found = tip && (*tip == commit || lib.descendant_of(repository, &*tip, &commit) == 1);
    }
    lib.strarray_dispose(&names);
    return found;
}

void refuse_commits(const Library& lib, git_repository* repository, const std::string& path, const std::string& name) {
    const auto commit = reference(lib, repository, name);
    if (!commit || is_elsewhere(lib, repository, *commit)) return;
    throw Error(fmt::format("{} has commits that its remote does not have ({} is at {})", path, name,
                            hex(lib, *commit).substr(0, 12)))
        .help(fmt::format("push them: git -C {} push; or keep them under another name: git -C {} branch mine", path,
                          path));
}

int note_conflict(git_checkout_notify_t, const char* path, const git_diff_file*, const git_diff_file*,
                  const git_diff_file*, void* payload) {
    auto& paths = *static_cast<std::vector<std::string>*>(payload);
    paths.emplace_back(path);
    return 0;
}

constexpr unsigned careful = GIT_CHECKOUT_SAFE | GIT_CHECKOUT_RECREATE_MISSING | GIT_CHECKOUT_DONT_OVERWRITE_IGNORED;

/// Makes the work tree that of a commit, and answers what was in the way of that.
std::vector<std::string> check_out(const Library& lib, git_repository* repository, const std::string& path,
                                   const git_oid& commit, unsigned strategy, std::vector<std::string> only = {}) {
    git_object* target = nullptr;
    if (lib.revparse(&target, repository, hex(lib, commit).c_str()) != 0) fail(lib, "can not find a commit");
    const Object held(target, lib.object_free);
    std::vector<std::string> conflicts;
    std::vector<char*> names;
    for (std::string& name : only) names.push_back(name.data());
    git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
    options.checkout_strategy = strategy;
    if (!names.empty()) options.paths = {names.data(), names.size()};
    options.notify_flags = GIT_CHECKOUT_NOTIFY_CONFLICT;
    options.notify_cb = note_conflict, options.notify_payload = &conflicts;
    if (lib.checkout_tree(repository, target, &options) != 0 && conflicts.empty())
        fail(lib, "can not check out " + path);
    return conflicts;
}

[[noreturn]] void refuse_overwriting(const std::string& path, std::vector<std::string> conflicts) {
    if (conflicts.size() >= 4) conflicts.resize(4), conflicts.back() = "...";
    throw Error(fmt::format("{} has files that the new commit would overwrite: {}", path, fmt::join(conflicts, ", ")))
        .help("commit them, or move them away");
}

/// The work tree becomes that of a commit; what is not as the present commit has it stops it, ignored or not. That is
/// found out before anything is written.
void make_tree(const Library& lib, git_repository* repository, const std::string& path, const git_oid& commit,
               unsigned also = 0) {
    const auto conflicts = check_out(lib, repository, path, commit, careful | also);
    if (!conflicts.empty()) refuse_overwriting(path, conflicts);
}

/// True where all that a file holds is in that commit's version of it, from its beginning: a cut run wrote it, or
/// nobody loses anything.
bool is_begun(const Library& lib, git_repository* repository, const std::string& path, const git_oid& commit,
              const std::string& name) {
    git_object* found = nullptr;
    if (lib.revparse(&found, repository, (hex(lib, commit) + ":" + name).c_str()) != 0) return false;
    const Object held(found, lib.object_free);
    git_blob* blob = nullptr;
    if (lib.blob_lookup(&blob, repository, lib.object_id(found)) != 0) return false;
    const Held<git_blob> bytes(blob, lib.blob_free);
    const std::string_view whole(static_cast<const char*>(lib.blob_bytes(blob)),
                                 static_cast<std::size_t>(lib.blob_size(blob)));
    const std::string file = path + "/" + name;
    struct stat about {};
    if (::lstat(file.c_str(), &about) != 0 || static_cast<std::size_t>(about.st_size) > whole.size()) return false;
    std::string there(static_cast<std::size_t>(about.st_size), '\0');
    if (S_ISLNK(about.st_mode))
        return ::readlink(file.c_str(), there.data(), there.size()) == about.st_size && there == whole;
    if (!S_ISREG(about.st_mode)) return false;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(std::fopen(file.c_str(), "re"), std::fclose);
    return opened && std::fread(there.data(), 1, there.size(), opened.get()) == there.size() &&
           whole.starts_with(there);
}

/// Goes on with what was cut: what it wrote, whole or in part, is in nobody's way.
void finish_tree(const Library& lib, git_repository* repository, const std::string& path, const git_oid& commit) {
    const auto in_the_way = check_out(lib, repository, path, commit, careful | GIT_CHECKOUT_DRY_RUN);
    if (in_the_way.empty()) return make_tree(lib, repository, path, commit);
    std::vector<std::string> others;
    for (const std::string& name : in_the_way)
        if (!is_begun(lib, repository, path, commit, name)) others.push_back(name);
    if (!others.empty()) refuse_overwriting(path, others);
    check_out(lib, repository, path, commit, careful | GIT_CHECKOUT_ALLOW_CONFLICTS);
    // These and no others: each was looked at.
    check_out(lib, repository, path, commit, GIT_CHECKOUT_FORCE | GIT_CHECKOUT_DISABLE_PATHSPEC_MATCH, in_the_way);
}

std::optional<git_oid> target_of(const Library& lib, git_repository* repository, const Checkout& wanted) {
    if (!wanted.branch.empty()) {
        if (!wanted.rev.empty()) return commit_of(lib, repository, wanted.rev);
        return commit_of(lib, repository, "refs/remotes/origin/" + wanted.branch);
    }
    if (!wanted.tag.empty()) return commit_of(lib, repository, "refs/tags/" + wanted.tag);
    if (const auto branch = commit_of(lib, repository, "refs/remotes/origin/" + wanted.rev)) return branch;
    return commit_of(lib, repository, wanted.rev);
}

int update_one(git_submodule* submodule, const char* name, void* payload) {
    const auto& lib = *static_cast<const Library*>(payload);
    Keys keys{&lib};
    git_submodule_update_options options = GIT_SUBMODULE_UPDATE_OPTIONS_INIT;
    options.fetch_opts.callbacks = callbacks(keys);
    options.checkout_opts.checkout_strategy = careful;
    (void)name;
    return lib.submodule_update(submodule, 1, &options);
}

/// What an earlier run began and did not end: first that is ended.
void end_what_was_cut(const Library& lib, git_repository* repository, const std::string& path) {
    const auto next = reference(lib, repository, underway);
    if (!next) return;
    finish_tree(lib, repository, path, *next);
    if (lib.set_head_detached(repository, &*next) != 0) fail(lib, "can not set HEAD");
    point(lib, repository, ours, *next);
    lib.reference_remove(repository, underway);
}

Repository open_or_make(const Library& lib, const std::string& path) {
    struct stat about {};
    if (::lstat((path + "/.git").c_str(), &about) == 0) return open(lib, path);
    git_repository* made = nullptr;
    if (lib.repository_init(&made, path.c_str(), 0) != 0) fail(lib, "can not make " + path);
    return Repository(made, lib.repository_free);
}

/// So that a look without libgit2 finds what a tag or the name of a commit stood for.
void mark(const Library& lib, git_repository* repository, const Checkout& wanted, const git_oid& commit) {
    if (!wanted.tag.empty()) point(lib, repository, "refs/chaos/at/" + wanted.tag, commit);
    if (wanted.branch.empty() && !wanted.rev.empty()) point(lib, repository, "refs/chaos/at/" + wanted.rev, commit);
}

/// The branch that HEAD is on; empty where it is on none.
std::string branch_of(const Library& lib, git_repository* repository) {
    git_reference* head = nullptr;
    if (lib.repository_head(&head, repository) != 0) return {};
    const Held<git_reference> held(head, lib.reference_free);
    const std::string name = lib.reference_name(head);
    return name.starts_with("refs/heads/") ? name.substr(11) : std::string();
}

std::string described(const Checkout& wanted) {
    if (!wanted.rev.empty()) return "no commit, tag or branch " + wanted.rev;
    return wanted.tag.empty() ? "no branch " + wanted.branch : "no tag " + wanted.tag;
}

}  // namespace

std::string sync(const Checkout& asked) {
    const Library& lib = library();
    const Repository held = open_or_make(lib, asked.path);
    git_repository* repository = held.get();
    Checkout wanted = asked;
    end_what_was_cut(lib, repository, asked.path);
    const auto head = reference(lib, repository, "HEAD");
    const bool any = wanted.branch.empty() && wanted.tag.empty() && wanted.rev.empty();
    std::optional<git_oid> target;
    if (head && !any && !wanted.update && (wanted.branch.empty() || !wanted.rev.empty()))
        target = target_of(lib, repository, wanted);
    // What is there already is not looked at, whoever works in it.
    if (target && *target == *head && !wanted.submodules && branch_of(lib, repository) == wanted.branch)
        return origin(lib, repository, wanted.url), mark(lib, repository, wanted, *target), hex(lib, *target);
    if (head) refuse_changes(lib, repository, asked.path, false);
    if (!target) {
        fetch(lib, repository, wanted.url, any ? &wanted.branch : nullptr);
        target = target_of(lib, repository, wanted);
    }
    if (!target)
        throw Error(fmt::format("{} has {}", wanted.url, described(wanted)))
            .help(fmt::format("git ls-remote {} shows what it has", wanted.url));
    const std::string local = "refs/heads/" + wanted.branch;
    if (head && !(*head == *target)) refuse_commits(lib, repository, asked.path, "HEAD");
    if (!wanted.branch.empty()) {
        const auto there = reference(lib, repository, local);
        if (there && !(*there == *target)) refuse_commits(lib, repository, asked.path, local);
    }
    // A refusal comes before anything is begun: then there is nothing to go on with, nor to take back.
    make_tree(lib, repository, asked.path, *target, GIT_CHECKOUT_DRY_RUN);
    point(lib, repository, underway, *target);
    make_tree(lib, repository, asked.path, *target);
    // A branch that HEAD is on is not moved under it.
    if (lib.set_head_detached(repository, &*target) != 0) fail(lib, "can not set HEAD");
    if (!wanted.branch.empty()) {
        point(lib, repository, local, *target);
        if (lib.set_head(repository, local.c_str()) != 0) fail(lib, "can not set HEAD");
    }
    mark(lib, repository, wanted, *target);
    point(lib, repository, ours, *target);
    if (wanted.submodules && lib.submodule_foreach(repository, update_one, const_cast<Library*>(&lib)) != 0)
        fail(lib, "can not update the submodules of " + asked.path);
    lib.reference_remove(repository, underway);
    return hex(lib, *target);
}

void ready() {
    library();
}

void refuse_changes(const std::string& path) {
    const Library& lib = library();
    const Repository held = open(lib, path);
    if (reference(lib, held.get(), "HEAD") && !reference(lib, held.get(), underway))
        refuse_changes(lib, held.get(), path, false);
}

void refuse_local_work(const std::string& path) {
    const Library& lib = library();
    const Repository held = open(lib, path);
    if (!reference(lib, held.get(), "HEAD")) return;  // a first run that was cut
    if (reference(lib, held.get(), underway)) return;
    refuse_changes(lib, held.get(), path, true);
    git_strarray names{};
    if (lib.reference_list(&names, held.get()) != 0) fail(lib, "can not list the branches");
    std::vector<std::string> local{"HEAD"};
    for (std::size_t i = 0; i < names.count; ++i) {
        const std::string name = names.strings[i];
        if (name.starts_with("refs/heads/") || name == "refs/stash") local.push_back(name);
    }
    lib.strarray_dispose(&names);
    for (const std::string& name : local) refuse_commits(lib, held.get(), path, name);
}

}  // namespace chaos::git
