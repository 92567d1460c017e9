// SPDX-License-Identifier: Apache-2.0
#include "git_cache.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chaos/error.hpp>
#include <cstring>
#include <set>
#include <span>

#include "descriptor.hpp"
#include "git_remote.hpp"

namespace chaos::git {
namespace {

constexpr const char* lock_name = "chaos-lock";

/// Where a ref of the remote is kept: one name in one directory, for refs/heads/a and refs/heads/a/b may follow each
/// other.
std::string kept_name(const std::string& ref) {
    std::string name = "refs/chaos/tips/";
    for (const char c : ref.substr(5)) name.append(c == '/' ? "%2F" : c == '%' ? "%25" : std::string(1, c));
    return name;
}

std::set<std::string> names_in(const std::string& directory) {
    std::set<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(directory.c_str()), ::closedir);
    for (const dirent* each = opened ? ::readdir(opened.get()) : nullptr; each; each = ::readdir(opened.get()))
        if (std::string_view name = each->d_name; name != "." && name != "..") names.emplace(name);
    return names;
}

void remove_locks(const std::string& directory) {
    for (const std::string& name : names_in(directory))
        if (name.ends_with(".lock")) ::unlink((directory + "/" + name).c_str());
}

/// What a fetch that was killed left: halves of packs, and locks of references. Only under the lock of the cache.
void sweep(const std::string& cache) {
    const std::string packs = cache + "/objects/pack";
    const auto names = names_in(packs);
    for (const std::string& name : names) {
        const auto stem = name.substr(0, name.rfind('.'));
        const bool whole = name.starts_with("pack-") && names.contains(stem + ".pack") && names.contains(stem + ".idx");
        if (!whole) ::unlink((packs + "/" + name).c_str());
    }
    for (const char* each : {"", "/refs", "/refs/heads", "/refs/chaos", "/refs/chaos/tips", "/refs/chaos/commits"})
        remove_locks(cache + each);
}

/// One fetch at a time in a cache.
Descriptor lock(const std::string& cache) {
    Descriptor file(::open((cache + '/' + lock_name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) throw Error(fmt::format("can not lock {}: {}", cache, std::strerror(errno)));
    if (::flock(file.number(), LOCK_EX | LOCK_NB) < 0)
        throw Busy(fmt::format("something else is fetching into {} now", cache));
    return file;
}

/// All of a cache but its lock.
void clear(const std::string& cache) {
    constexpr int descriptors = 32;
    const auto remove = [](const char* path, const struct stat*, int, FTW* where) {
        const bool is_lock = where->level == 1 && std::strcmp(path + where->base, lock_name) == 0;
        return where->level == 0 || is_lock ? 0 : ::remove(path);
    };
    if (::nftw(cache.c_str(), remove, descriptors, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        throw Error(fmt::format("can not clear {}: {}", cache, std::strerror(errno)));
}

void sync(const std::string& directory) {
    const Descriptor any(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!any || ::syncfs(any.number()) < 0)
        throw Error(fmt::format("can not sync {}: {}", directory, std::strerror(errno)));
}

/// Something was fetched once, and what the references lead to is there.
bool is_whole(const Library& lib, git_repository* repository) {
    git_strarray names{};
    if (lib.reference_list(&names, repository) != 0) return false;
    const std::span<char*> all(names.strings, names.count);
    const bool whole = !all.empty() && std::ranges::all_of(all, [&](const char* name) {
        return commit_of(lib, repository, name).has_value();
    });
    lib.strarray_dispose(&names);
    return whole;
}

/// What is not whole, as a disk that breaks or a power cut in the first fetch leaves it, is made anew; and that is on
/// the disk before anything is fetched into it.
Repository open_or_make(const Library& lib, const std::string& cache) {
    lib.opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);  // a reference leads to a pack that is on the disk, too
    git_repository* opened = nullptr;
    constexpr unsigned how = GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE;
    if (lib.repository_open(&opened, cache.c_str(), how, nullptr) == 0) {
        Repository kept(opened, lib.repository_free);
        if (is_whole(lib, opened)) return kept;
    }
    clear(cache);
    if (lib.repository_init(&opened, cache.c_str(), 1) != 0) fail(lib, "can not make " + cache);
    Repository made(opened, lib.repository_free);
    sync(cache);
    return made;
}

bool is_there(const Library& lib, git_odb* objects, const git_oid& id) {
    return lib.odb_exists(objects, &id) == 1;
}

/// What is fetched fills no disk, whoever sends it.
Access within_disk(const std::string& cache, Access access) {
    struct statvfs about {};
    if (::statvfs(cache.c_str(), &about) == 0)
        access.most_bytes = std::min<std::uint64_t>(access.most_bytes, about.f_bavail * about.f_frsize / 2);
    return access;
}

[[noreturn]] void refuse_large(const std::string& name, std::uint64_t size, const Access& access) {
    TooLarge error(fmt::format("{} has {} MiB, and a file may have {} MiB", name, size >> 20, access.most_file >> 20));
    error.hint = "keep large files elsewhere, and fetch them with a digest; what was fetched of it is gone again";
    throw error;
}

/// All of a commit's files are there, and none is too large. A server may send less than it says.
void check_tree(const Library& lib, git_repository* repository, git_odb* objects, const std::string& commit,
                const Access& access) {
    std::vector<git_oid> trees;
    std::set<std::string> seen;
    const auto open = [&](const git_oid& id) {
        git_tree* tree = nullptr;
        if (lib.tree_lookup(&tree, repository, &id) != 0) fail(lib, "a directory of it is missing");
        return Held<git_tree>(tree, lib.tree_free);
    };
    const auto take = [&](const Held<git_tree>& tree) {
        for (std::size_t i = 0; i < lib.entry_count(tree.get()); ++i) {
            const git_tree_entry* entry = lib.entry_at(tree.get(), i);
            const git_oid id = *lib.entry_id(entry);
            const auto mode = lib.entry_mode(entry);
            if (mode == GIT_FILEMODE_COMMIT) continue;
            std::size_t size = 0;
            git_object_t type = GIT_OBJECT_INVALID;
            if (mode != GIT_FILEMODE_TREE && lib.odb_header(&size, &type, objects, &id) != 0)
                throw Error(fmt::format("a file of it is missing: {}", lib.entry_name(entry)));
            if (mode != GIT_FILEMODE_TREE && size > access.most_file) refuse_large(lib.entry_name(entry), size, access);
            // One directory may be in many places; it is looked at once.
            if (mode == GIT_FILEMODE_TREE && seen.insert(hex(lib, id)).second) trees.push_back(id);
        }
    };
    take(tree_of(lib, repository, commit));
    while (!trees.empty()) {
        const git_oid next = trees.back();
        trees.pop_back();
        take(open(next));
    }
}

/// All that it comes from is there, down to what was there before.
void check_past(const Library& lib, git_repository* repository, const git_oid& commit,
                const std::vector<git_oid>& before) {
    git_revwalk* made = nullptr;
    if (lib.walk_new(&made, repository) != 0) fail(lib, "can not walk");
    const Held<git_revwalk> walk(made, lib.walk_free);
    if (lib.walk_push(made, &commit) != 0) fail(lib, "it is missing");
    for (const git_oid& each : before) lib.walk_hide(made, &each);
    git_oid next;
    int end = 0;
    while ((end = lib.walk_next(&next, made)) == 0) {
    }
    if (end != GIT_ITEROVER) fail(lib, "what it comes from is missing");
}

std::vector<git_oid> tips_of(const Library& lib, git_repository* repository) {
    git_strarray names{};
    std::vector<git_oid> tips;
    if (lib.reference_list(&names, repository) != 0) fail(lib, "can not list what is there");
    for (std::size_t i = 0; i < names.count; ++i)
        if (const auto id = commit_of(lib, repository, names.strings[i])) tips.push_back(*id);
    lib.strarray_dispose(&names);
    return tips;
}

/// The packs of a cache, so that those that came since can go again.
class NewPacks {
public:
    explicit NewPacks(const std::string& cache) : directory_(cache + "/objects/pack"), before_(names_in(directory_)) {}
    ~NewPacks() {
        if (kept_) return;
        for (const std::string& name : names_in(directory_))
            if (!before_.contains(name)) ::unlink((directory_ + "/" + name).c_str());
    }
    NewPacks(const NewPacks&) = delete;
    void keep() { kept_ = true; }

private:
    std::string directory_;
    std::set<std::string> before_;
    bool kept_ = false;
};

void check_whole(const Library& lib, git_repository* repository, const std::string& url, const Tip& tip,
                 const std::vector<git_oid>& before, const Access& access) {
    const Odb objects = objects_of(lib, repository);
    const git_oid commit = hash_of(lib, tip.commit);
    const std::string named = tip.tag.empty() ? tip.commit : tip.tag;
    if (!is_there(lib, objects.get(), hash_of(lib, named)))
        throw Error(fmt::format("{} did not send what it says {} is", url, tip.ref)).help("is the server in order?");
    const auto peeled = commit_of(lib, repository, named);
    if (!peeled) throw Error(fmt::format("{} of {} is no commit", tip.ref, url));
    if (!(*peeled == commit))
        throw Error(
            fmt::format("{} says that {} is {}, and its tag says {}", url, tip.ref, tip.commit, hex(lib, *peeled)));
    try {
        check_past(lib, repository, commit, before);
        check_tree(lib, repository, objects.get(), tip.commit, access);
    } catch (const TooLarge&) {
        throw;
    } catch (const Error& error) {
        throw Error(fmt::format("{} did not send all of {}: {}", url, tip.commit.substr(0, 12), error.what()))
            .help("is the server in order? git fsck there, and git ls-remote " + url);
    }
}

}  // namespace

void not_there(const Library& lib, int code, const std::string& what) {
    // What is broken in a pack libgit2 calls missing, as often as not.
    const std::string how =
        code == GIT_ENOTFOUND ? std::string("is not in the cache") : "can not be read: " + last_message(lib);
    throw Error(fmt::format("{} {}", what, how))
        .help("was it fetched? then the cache is damaged: remove it, and it is fetched anew");
}

git_oid hash_of(const Library& lib, const std::string& text) {
    git_oid id{};
    const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (text.size() != GIT_OID_HEXSZ || !std::ranges::all_of(text, digit) || lib.oid_fromstr(&id, text.c_str()) != 0)
        throw Error(fmt::format("a commit is 40 digits of 0-9 and a-f, and this is \"{}\"", text));
    return id;
}

Odb objects_of(const Library& lib, git_repository* repository) {
    git_odb* objects = nullptr;
    if (lib.repository_odb(&objects, repository) != 0) fail(lib, "can not read the cache");
    return Odb(objects, lib.odb_free);
}

Held<git_tree> tree_of(const Library& lib, git_repository* repository, const std::string& commit) {
    const git_oid id = hash_of(lib, commit);
    git_object *found = nullptr, *tree = nullptr;
    if (const int failed = lib.revparse(&found, repository, hex(lib, id).c_str()))
        not_there(lib, failed, "commit " + commit.substr(0, 12));
    const Object held(found, lib.object_free);
    if (lib.object_peel(&tree, found, GIT_OBJECT_TREE) != 0) fail(lib, "can not read " + commit.substr(0, 12));
    return {reinterpret_cast<git_tree*>(tree), lib.tree_free};
}

void make_cache(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
        throw Error(fmt::format("can not make {}: {}", path, std::strerror(errno)));
    struct stat about {};
    if (::lstat(path.c_str(), &about) < 0)
        throw Error(fmt::format("can not look at {}: {}", path, std::strerror(errno)));
    if (!S_ISDIR(about.st_mode) || about.st_uid != ::geteuid() || (about.st_mode & (S_IWGRP | S_IWOTH)))
        throw Error(fmt::format("{} is {}", path,
                                S_ISDIR(about.st_mode) ? "a directory that others can write to" : "no directory"))
            .help("move it away: it is made anew");
}

Repository open_cache(const Library& lib, const std::string& path) {
    struct stat about {};
    if (::lstat(path.c_str(), &about) < 0) throw Error(fmt::format("nothing was fetched into {} yet", path));
    make_cache(path);
    git_repository* opened = nullptr;
    if (lib.repository_open(&opened, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE, nullptr) !=
        0)
        fail(lib, "can not open " + path);
    return Repository(opened, lib.repository_free);
}

Tip fetch_into(const std::string& cache, const std::string& url, const std::string& ref, const Access& access) {
    const Library& lib = library();
    const Descriptor locked = lock(cache);
    sweep(cache);
    const Repository repository = open_or_make(lib, cache);
    NewPacks packs(cache);
    const auto before = tips_of(lib, repository.get());
    Connection remote(lib, repository.get(), url, within_disk(cache, access));
    Tip tip = remote.resolve(ref);
    const git_oid named = hash_of(lib, tip.tag.empty() ? tip.commit : tip.tag);
    if (const auto kept = reference(lib, repository.get(), kept_name(tip.ref)); kept && *kept == named) return tip;
    remote.download({tip.ref});
    check_whole(lib, repository.get(), url, tip, before, access);
    point(lib, repository.get(), kept_name(tip.ref), named);
    packs.keep();
    return tip;
}

void fetch_commit_into(const std::string& cache, const std::string& url, const std::string& commit,
                       const Access& access) {
    const Library& lib = library();
    const Descriptor locked = lock(cache);
    sweep(cache);
    const Repository repository = open_or_make(lib, cache);
    const git_oid wanted = hash_of(lib, commit);
    if (reference(lib, repository.get(), "refs/chaos/commits/" + commit)) return;
    NewPacks packs(cache);
    const auto before = tips_of(lib, repository.get());
    Connection remote(lib, repository.get(), url, within_disk(cache, access));
    remote.download(remote.names());
    if (!is_there(lib, objects_of(lib, repository.get()).get(), wanted))
        throw Error(fmt::format("{} has no commit {} in its branches and tags", url, commit.substr(0, 12)))
            .help("push it there: the submodule is at that commit");
    check_whole(lib, repository.get(), url, {"refs/chaos/commits/" + commit, commit}, before, access);
    point(lib, repository.get(), "refs/chaos/commits/" + commit, wanted);
    packs.keep();
}

}  // namespace chaos::git
