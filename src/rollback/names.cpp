// SPDX-License-Identifier: Apache-2.0
#include "names.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace chaos::rollback {
namespace {

bool unknown_to_file_system(int error) {
    return error == EINVAL || error == ENOSYS || error == ENOTTY;
}

struct CloseDirectory {
    void operator()(DIR* open) const { ::closedir(open); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Directory open_directory(int at, const char* name) {
    const int opened = ::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return Directory(opened < 0 ? nullptr : ::fdopendir(opened));
}

/// The next name in it that is not . or ..; empty at the end.
std::string next_name(DIR* directory) {
    while (const dirent* entry = ::readdir(directory)) {
        std::string name = entry->d_name;
        if (name != "." && name != "..") return name;
    }
    return {};
}

bool is_gone(int at, const std::string& name, const std::string& path) {
    if (::unlinkat(at, name.c_str(), 0) == 0 || errno == ENOENT) return true;
    // Where nothing can be written the kernel says so before it looks whether there is such a name.
    if (errno == EROFS && ::faccessat(at, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) fail(path, "be removed", errno);
    if (::unlinkat(at, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    if (errno != ENOTEMPTY && errno != EEXIST) fail(path, "be removed", errno);
    return false;
}

}  // namespace

bool move_name(const Spot& from, const Spot& to, const std::string& path) {
    if (::renameat2(from.at(), from.name.c_str(), to.at(), to.name.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno == EEXIST) return false;
    if (!unknown_to_file_system(errno)) fail(path, "be renamed", errno);
    // A second name can not take a place that is taken either; directories have no second name.
    if (::linkat(from.at(), from.name.c_str(), to.at(), to.name.c_str(), 0)) {
        if (errno == EEXIST) return false;
        fail(path, "be renamed (this file system knows neither RENAME_NOREPLACE nor hard links)", errno);
    }
    if (::unlinkat(from.at(), from.name.c_str(), 0)) fail(path, "be renamed", errno);
    return true;
}

bool exchange(const Spot& one, const Spot& other, const std::string& path) {
    if (::renameat2(one.at(), one.name.c_str(), other.at(), other.name.c_str(), RENAME_EXCHANGE) == 0) return true;
    if (!unknown_to_file_system(errno)) fail(path, "be replaced", errno);
    return false;
}

void replace(const Spot& made, const Spot& target, const Spot& kept, const std::string& path) {
    if (::linkat(target.at(), target.name.c_str(), kept.at(), kept.name.c_str(), 0) && errno != EEXIST)
        fail(path, "be kept (this file system knows neither RENAME_EXCHANGE nor hard links)", errno);
    if (::renameat(made.at(), made.name.c_str(), target.at(), target.name.c_str())) fail(path, "be replaced", errno);
}

void clear(const Spot& spot, const std::string& path) {
    if (is_gone(spot.at(), spot.name, path)) return;
    const Region region = region_of(spot.at());
    struct Level {
        Directory directory;
        std::string name;  // in the level above
    };
    std::vector<Level> levels;
    const auto enter = [&](int at, const std::string& name) {
        Directory found = open_directory(at, name.c_str());
        if (!found) fail(path, "be removed", errno);
        // A mount within: the rmdir that follows says EBUSY, and that is right.
        if (region_of(::dirfd(found.get())).mount != region.mount) fail(path, "be removed: a mount is in it", EBUSY);
        levels.push_back({std::move(found), name});
    };
    enter(spot.at(), spot.name);
    while (!levels.empty()) {
        const int here = ::dirfd(levels.back().directory.get());
        const std::string name = next_name(levels.back().directory.get());
        if (!name.empty()) {
            if (!is_gone(here, name, path)) enter(here, name);
            continue;
        }
        const std::string done = levels.back().name;
        levels.pop_back();
        const int above = levels.empty() ? spot.at() : ::dirfd(levels.back().directory.get());
        if (::unlinkat(above, done.c_str(), AT_REMOVEDIR) && errno != ENOENT) fail(path, "be removed", errno);
    }
}

}  // namespace chaos::rollback
