// SPDX-License-Identifier: Apache-2.0
// The files of a commit, written by ourselves and not by libgit2's checkout: no attributes, no line ends, no .git, and
// every name is made by its own directory's descriptor, exclusively, so that nothing leads elsewhere.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chaos/digest.hpp>
#include <chaos/error.hpp>
#include <cstring>
#include <map>
#include <vector>

#include "descriptor.hpp"
#include "git_cache.hpp"
#include "git_modules.hpp"
#include "git_url.hpp"

namespace chaos::git {
namespace {

constexpr std::size_t deepest = 64;  ///< Directories in each other: each is a descriptor.
constexpr std::size_t most_nested = 8;
constexpr std::uint64_t most_link = 4095, most_modules = 1 << 20;

/// `.git` in any case: a file system that knows no cases would give it to git.
bool is_dot_git(std::string_view name) {
    constexpr std::string_view reserved = ".git";
    return name.size() == reserved.size() && std::equal(name.begin(), name.end(), reserved.begin(), [](char a, char b) {
               return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b;
           });
}

/// Leads only down from where it is, or first up by no more than it is deep, whatever other links there are: no `..`
/// behind a name, which could be a link itself.
bool stays_inside(std::string_view target, std::size_t depth) {
    if (target.empty() || target.front() == '/') return false;
    bool named = false;
    while (!target.empty()) {
        const auto end = std::min(target.find('/'), target.size());
        const auto part = target.substr(0, end);
        target.remove_prefix(std::min(end + 1, target.size()));
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            named = true;
        } else if (named || depth-- == 0) {
            return false;
        }
    }
    return true;
}

/// A pointer that Git LFS keeps in the place of a file.
bool is_pointer(std::string_view bytes) {
    return bytes.size() < 1024 && bytes.starts_with("version https://git-lfs.github.com/spec/");
}

class Writer {
public:
    Writer(std::string directory, const Limits& limits, const Access& access)
        : top_(std::move(directory)), limits_(limits), access_(access) {}

    /// A repository's commit into a directory, below which its path is `prefix`; its submodules as well.
    void write(const std::string& cache, const std::string& url, const std::string& commit, const Descriptor& into,
               const std::string& prefix, std::size_t nested);

private:
    struct Submodule {
        std::string path, commit;  ///< Its path within its repository.
    };
    struct Level {
        Held<git_tree> tree;
        std::size_t next;
        Descriptor directory;
        std::string path;  ///< "" or "a/b/": within the repository.
    };
    /// One repository while it is written.
    struct Work {
        const Library& lib;
        Repository repository;
        Odb objects;
        std::string prefix;
        std::vector<Level> levels{};
        std::vector<Submodule> submodules{};
        std::string modules{};  ///< Its .gitmodules.
    };

    void entry(Work&, const git_tree_entry*, const Level&);
    void down(Work&, const git_oid& tree, const Level&, const std::string& name);
    void file(Work&, const git_oid& blob, const Level&, const std::string& name, mode_t);
    void link(Work&, const git_oid& blob, const Level&, const std::string& name);
    void submodule(const Work&, const std::string& cache, const std::string& url, const Submodule&,
                   const std::string& repository_url, const Descriptor& into, std::size_t nested);
    std::string bytes(Work&, const git_oid& blob, std::uint64_t most, const std::string& path);
    void count();
    Access access_to(const std::string& url, const std::string& from) const;

    std::string top_;
    Limits limits_;
    Access access_;
    std::size_t files_ = 0;
    std::uint64_t bytes_ = 0;
};

[[noreturn]] void can_not_write(const std::string& path) {
    const int error = errno;
    throw Error(fmt::format("can not write {}: {}", path,
                            error == EEXIST ? "the commit has that name twice" : std::strerror(error)));
}

void Writer::count() {
    if (++files_ > limits_.most_files)
        throw Error(fmt::format("it has more than {} files", limits_.most_files))
            .help("a repository that is followed holds manifests and what they write: is it the right one?");
}

std::string Writer::bytes(Work& work, const git_oid& blob, std::uint64_t most, const std::string& path) {
    std::size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    if (work.lib.odb_header(&size, &type, work.objects.get(), &blob) != 0 || type != GIT_OBJECT_BLOB)
        throw Error(fmt::format("{} is missing: {}", path, last_message(work.lib)));
    if (size > most)
        throw Error(fmt::format("{} has {} MiB, and a file may have {} MiB", path, size >> 20, most >> 20))
            .help("keep large files elsewhere, and fetch them with a digest: see docs/manifest.md, source");
    if ((bytes_ += size) > limits_.most_bytes)
        throw Error(fmt::format("its files come to more than {} MiB", limits_.most_bytes >> 20))
            .help("keep large files elsewhere");
    git_odb_object* read = nullptr;
    if (work.lib.odb_read(&read, work.objects.get(), &blob) != 0) fail(work.lib, "can not read " + path);
    const Held<git_odb_object> held(read, work.lib.odb_object_free);
    return {static_cast<const char*>(work.lib.odb_bytes(read)), work.lib.odb_size(read)};
}

void Writer::file(Work& work, const git_oid& blob, const Level& level, const std::string& name, mode_t mode) {
    const std::string path = work.prefix + level.path + name;
    const std::string text = bytes(work, blob, limits_.most_file, path);
    if (is_pointer(text))
        throw Error(fmt::format("{} is kept by Git LFS: the repository has a pointer, and not the file", path))
            .help("git lfs migrate export --include=" + path + ", or keep it where it can be fetched with a digest");
    if (level.path.empty() && name == ".gitmodules" && text.size() <= most_modules) work.modules = text;
    const Descriptor made(
        ::openat(level.directory.number(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!made) can_not_write(path);
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t put = ::write(made.number(), text.data() + done, text.size() - done);
        if (put < 0 && errno != EINTR) can_not_write(path);
        if (put > 0) done += static_cast<std::size_t>(put);
    }
    if (::fchmod(made.number(), mode) < 0) can_not_write(path);
}

void Writer::link(Work& work, const git_oid& blob, const Level& level, const std::string& name) {
    const std::string path = work.prefix + level.path + name;
    const std::string target = bytes(work, blob, most_link, path);
    const auto depth = static_cast<std::size_t>(std::ranges::count(work.prefix + level.path, '/'));
    if (target.find('\0') != target.npos || !stays_inside(target, depth))
        throw Error(fmt::format("{} is a link that could lead out of the repository: {}", path, target))
            .help("make it relative, and lead only within the repository; .. only at its beginning");
    if (::symlinkat(target.c_str(), level.directory.number(), name.c_str()) < 0) can_not_write(path);
}

void Writer::down(Work& work, const git_oid& id, const Level& level, const std::string& name) {
    const std::string path = level.path + name;
    if (work.levels.size() >= deepest)
        throw Error(fmt::format("{}{} is more than {} directories deep", work.prefix, path, deepest));
    git_tree* tree = nullptr;
    if (work.lib.tree_lookup(&tree, work.repository.get(), &id) != 0)
        throw Error(fmt::format("{}{} is missing: {}", work.prefix, path, last_message(work.lib)));
    Held<git_tree> held(tree, work.lib.tree_free);
    const int parent = level.directory.number();
    if (::mkdirat(parent, name.c_str(), 0700) < 0) can_not_write(work.prefix + path);
    Descriptor made(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!made || ::fchmod(made.number(), 0755) < 0) can_not_write(work.prefix + path);
    work.levels.push_back({std::move(held), 0, std::move(made), path + "/"});  // `level` is gone now
}

void Writer::entry(Work& work, const git_tree_entry* entry, const Level& level) {
    const std::string name = work.lib.entry_name(entry);
    const git_oid id = *work.lib.entry_id(entry);
    if (name.empty() || name == "." || name == ".." || is_dot_git(name) || name.find('/') != name.npos)
        throw Error(fmt::format("it has a path that no repository has: {}{}{}", work.prefix, level.path, name));
    count();
    switch (work.lib.entry_mode(entry)) {
        case GIT_FILEMODE_TREE: return down(work, id, level, name);
        case GIT_FILEMODE_LINK: return link(work, id, level, name);
        case GIT_FILEMODE_COMMIT:
            work.submodules.push_back({level.path + name, hex(work.lib, id)});
            if (::mkdirat(level.directory.number(), name.c_str(), 0755) < 0) can_not_write(level.path + name);
            return;
        case GIT_FILEMODE_BLOB_EXECUTABLE: return file(work, id, level, name, 0755);
        default: return file(work, id, level, name, 0644);
    }
}

/// A repository from elsewhere does not say what of this host is taken in.
Access Writer::access_to(const std::string& url, const std::string& from) const {
    const Address to = address_of(url), base = address_of(from);
    using Way = Address::Way;
    const auto here = [](const Address& address) { return address.way == Way::file || address.way == Way::path; };
    if (here(to) && !here(base))
        throw Error(fmt::format("a repository from elsewhere has a submodule on this host: {}", url))
            .help("make its url relative: ../NAME.git");
    return access_for(url, from, access_);
}

void Writer::submodule(const Work& work, const std::string& cache, const std::string& url, const Submodule& asked,
                       const std::string& repository_url, const Descriptor& into, std::size_t nested) {
    const std::string path = work.prefix + asked.path;
    if (nested >= most_nested) throw Error(fmt::format("{}: more than {} submodules in each other", path, most_nested));
    const Descriptor place(
        ::openat(into.number(), asked.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!place || ::fchmod(place.number(), 0755) < 0) can_not_write(path);
    const std::string full = submodule_url(repository_url, url);
    const std::string own = cache + "/submodules/" + hex(digest(full));
    if (::mkdir((cache + "/submodules").c_str(), 0700) < 0 && errno != EEXIST) can_not_write(cache + "/submodules");
    make_cache(own);
    const auto of_it = [&](auto&& error, const Error& why) {
        error.hint = why.hint;
        return error;
    };
    const auto told = [&](const Error& why) { return fmt::format("submodule {}: {}", path, why.what()); };
    Access access;
    try {
        access = access_to(full, repository_url);
    } catch (const Error& error) {
        throw of_it(Error(told(error)), error);
    }
    try {
        fetch_commit_into(own, full, asked.commit, access);
    } catch (const Busy&) {
        throw;
    } catch (const TooLarge& error) {
        throw of_it(TooLarge(told(error)), error);
    } catch (const Error& error) {  // its server's fault, and nothing is known to be wrong with the commit
        throw of_it(Unanswered(told(error)), error);
    }
    write(own, full, asked.commit, place, path + "/", nested + 1);
}

void Writer::write(const std::string& cache, const std::string& url, const std::string& commit, const Descriptor& into,
                   const std::string& prefix, std::size_t nested) {
    const Library& lib = library();
    Repository repository = open_cache(lib, cache);
    Odb objects = objects_of(lib, repository.get());
    Work work{lib, std::move(repository), std::move(objects), prefix};
    work.levels.push_back(
        {tree_of(lib, work.repository.get(), commit), 0, Descriptor(::fcntl(into.number(), F_DUPFD_CLOEXEC, 0)), ""});
    while (!work.levels.empty()) {
        Level& level = work.levels.back();
        if (level.next == lib.entry_count(level.tree.get())) {
            work.levels.pop_back();
            continue;
        }
        entry(work, lib.entry_at(level.tree.get(), level.next++), level);
    }
    if (work.submodules.empty() || !limits_.submodules) return;
    const auto urls = submodules_of(work.modules);
    for (const Submodule& each : work.submodules) {
        const auto found = urls.find(each.path);
        if (found == urls.end())
            throw Error(fmt::format("{}{} is a submodule that .gitmodules does not name", prefix, each.path))
                .help("git submodule add URL " + each.path);
        submodule(work, cache, found->second, each, url, into, nested);
    }
}

}  // namespace

void write_tree(const std::string& cache, const std::string& url, const std::string& commit,
                const std::string& directory, const Limits& limits, const Access& access) {
    const Descriptor into(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!into) throw Error(fmt::format("can not write to {}: {}", directory, std::strerror(errno)));
    Writer(directory, limits, access).write(cache, url, commit, into, "", 0);
}

}  // namespace chaos::git
