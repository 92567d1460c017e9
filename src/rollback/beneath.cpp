// SPDX-License-Identifier: Apache-2.0
#include "beneath.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <chaos/error.hpp>
#include <chaos/named.hpp>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace chaos::rollback {
namespace {

constexpr int as_path = O_PATH | O_CLOEXEC;

struct statx attributes(int descriptor) {
    struct statx out {};
    if (::statx(descriptor, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_MNT_ID, &out))
        fail(fmt::format("descriptor {}", descriptor), "be looked at", errno);
    return out;
}

Region region_of(const struct statx& found) {
    return {found.stx_mnt_id, ::makedev(found.stx_dev_major, found.stx_dev_minor)};
}

/// Nobody but root (or, for a plain user, he himself) can lay a link into it.
bool trusted(int directory) {
    const struct statx found = attributes(directory);
    if (::geteuid() != 0 && found.stx_uid == ::geteuid()) return true;
    return found.stx_uid == 0 && !(found.stx_mode & S_IWOTH) && (!(found.stx_mode & S_IWGRP) || found.stx_gid == 0);
}

/// Puts the parts of a path in front of what is left to walk (kept backwards).
void push_parts(std::vector<std::string>& left, std::string_view path) {
    while (!path.empty()) {
        const std::size_t slash = path.rfind('/');
        std::string_view part = slash == path.npos ? path : path.substr(slash + 1);
        if (!part.empty() && part != ".") left.emplace_back(part);
        path = slash == path.npos ? std::string_view() : path.substr(0, slash);
    }
}

std::string read_link(int link, const std::string& path) {
    std::string target(PATH_MAX, '\0');
    const ssize_t length = ::readlinkat(link, "", target.data(), target.size());
    if (length < 0) fail(path, "be read as a link", errno);
    target.resize(static_cast<std::size_t>(length));
    return target;
}

}  // namespace

void fail(const std::string& path, std::string_view doing, int error) {
    throw Error(fmt::format("{}: can not {}: {}", named(path), doing, std::strerror(error)));
}

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
    std::string name = path.substr(path.rfind('/') + 1);
    return name.empty() ? "." : name;
}

std::string clean_path(const std::string& path) {
    if (path.empty() || path[0] != '/')
        throw Error(fmt::format("expected an absolute path, not {}", quoted_name(path)));
    if (path.find('\0') != path.npos) throw Error("expected a path without a zero byte in it");
    std::vector<std::string> backwards;
    push_parts(backwards, path);
    std::string out;
    for (auto part = backwards.rbegin(); part != backwards.rend(); ++part) {
        if (*part == "..") throw Error(fmt::format("expected a path without '..', not {}", quoted_name(path)));
        out += '/' + *part;
    }
    return out.empty() ? "/" : out;
}

Region region_of(int descriptor) {
    return region_of(attributes(descriptor));
}

Beneath::Beneath(const std::string& root) {
    char* const real = ::realpath(root.c_str(), nullptr);
    if (!real) fail(root, "be opened as a root", errno);
    root_ = real;
    std::free(real);
    descriptor_ = Descriptor(::open(root_.c_str(), as_path | O_DIRECTORY));
    if (!descriptor_) fail(root, "be opened as a root", errno);
}

std::string Beneath::inside(const std::string& machine_path) const {
    if (root_ == "/") return machine_path;
    if (machine_path == root_) return "/";
    return machine_path.starts_with(root_ + "/") ? machine_path.substr(root_.size()) : std::string();
}

std::string Beneath::path_of(int directory) const {
    std::string path(PATH_MAX, '\0');
    const ssize_t length = ::readlink(fmt::format("/proc/self/fd/{}", directory).c_str(), path.data(), path.size());
    if (length < 0) fail("/proc/self/fd", "be read (is /proc mounted?)", errno);
    path.resize(static_cast<std::size_t>(length));
    return inside(path);
}

Descriptor Beneath::directory(const std::string& path) const {
    struct open_how how {};
    how.flags = as_path | O_DIRECTORY;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    const char* const relative = path == "/" ? "." : path.c_str();
    const int opened = static_cast<int>(::syscall(SYS_openat2, *descriptor_, relative, &how, sizeof how));
    if (opened >= 0) return Descriptor(opened);
    if (errno == ENOENT || errno == ENOTDIR) return Descriptor();
    // A link is on the way (or the kernel has no openat2): part by part, and by the rule for links.
    if (errno == ELOOP || errno == ENOSYS || errno == EPERM) return walk(path);
    fail(path, "be opened", errno);
}

Descriptor Beneath::walk(const std::string& path) const {
    std::vector<Descriptor> above;  // the way we came, for `..`: never above the root
    above.emplace_back(::openat(*descriptor_, ".", as_path | O_DIRECTORY));
    std::vector<std::string> left;
    push_parts(left, path);
    for (int links = 0; !left.empty();) {
        const std::string part = std::move(left.back());
        left.pop_back();
        if (part == "..") {
            if (above.size() > 1) above.pop_back();
            continue;
        }
        Descriptor next(::openat(*above.back(), part.c_str(), as_path | O_NOFOLLOW));
        if (!next && (errno == ENOENT || errno == ENOTDIR)) return Descriptor();
        if (!next) fail(path, "be opened", errno);
        const mode_t type = attributes(*next).stx_mode & S_IFMT;
        if (type == S_IFLNK) {
            if (!trusted(*above.back()))
                throw Error(fmt::format("{}: {} on the way is a link in a directory others can write", named(path),
                                        quoted_name(part)))
                    .help("name the path it leads to");
            if (++links > 40) fail(path, "be opened", ELOOP);
            const std::string target = read_link(*next, path);
            if (target.starts_with('/')) above.resize(1);
            push_parts(left, target);
        } else if (type == S_IFDIR) {
            above.push_back(std::move(next));
        } else {
            return Descriptor();
        }
    }
    return std::move(above.back());
}

Descriptor Beneath::nearest(const std::string& path) const {
    for (std::string up = path;; up = parent_of(up))
        if (Descriptor found = directory(up)) return found;
}

Spot Beneath::spot(const std::string& path) const {
    Descriptor found = directory(parent_of(path));
    if (!found) return {};
    return {std::make_shared<const Descriptor>(std::move(found)), name_of(path)};
}

Spot Near::spot(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    fresh_ = !directory_ || slash == 0 || path.compare(0, slash, path_) != 0;
    if (!fresh_) return {directory_, name_of(path)};
    Spot found = beneath_.spot(path);
    directory_ = found.directory;
    path_ = parent_of(path);
    return found;
}

Descriptor Beneath::topmost(int directory) const {
    const struct statx root = attributes(*descriptor_);
    Descriptor here(::openat(directory, ".", as_path | O_DIRECTORY));
    for (;;) {
        const struct statx found = attributes(*here);
        if (found.stx_ino == root.stx_ino && region_of(found) == region_of(root)) return here;
        Descriptor up(::openat(*here, "..", as_path | O_DIRECTORY));
        if (!up) return here;
        const struct statx above = attributes(*up);
        if (region_of(above) != region_of(found) || above.stx_ino == found.stx_ino) return here;
        here = std::move(up);
    }
}

}  // namespace chaos::rollback
