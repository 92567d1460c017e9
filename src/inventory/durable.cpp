// SPDX-License-Identifier: Apache-2.0
#include <chaos/durable.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chaos/error.hpp>
#include <chaos/named.hpp>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "descriptor.hpp"

namespace chaos::durable {

namespace {

[[noreturn]] void fail(const char* doing, const std::string& path, int reason = errno) {
    throw Error(fmt::format("can not {} {}: {}", doing, named(path), std::strerror(reason)));
}

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == path.npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
    throw Error(fmt::format("expected {} to be chaos's own, but {}", path, what)).help(fmt::format("ls -ld {}", path));
}

void refuse_foreign(const std::string& path, const struct stat& about, bool or_root) {
    if (about.st_uid != ::geteuid() && !(or_root && about.st_uid == 0))
        throw Error(fmt::format("{} belongs to user {}, and this is user {}", path, about.st_uid, ::geteuid()))
            .help(fmt::format("ls -ld {}", path));
    if (about.st_mode & (S_IWGRP | S_IWOTH))
        throw Error(fmt::format("others may write to {} (mode {:04o})", path, about.st_mode & 07777U))
            .help(fmt::format("see what is in it, then: chmod go-rwx {}", path));
}

/// Nothing where there is none.
std::optional<struct stat> look(const std::string& path) {
    struct stat about {};
    if (::lstat(path.c_str(), &about) == 0) return about;
    if (errno != ENOENT && errno != ENOTDIR) fail("look at", path);
    return std::nullopt;
}

/// Among our own files there is one name for it: what a cut left there is written anew by the next. Among others' a
/// name that nobody has: `~` is what editors call what they keep.
std::string name_among_ours(const std::string& path) {
    return path + "~";
}
std::string name_among_others(const std::string& path) {
    return fmt::format("{}.{}~", path, ::getpid());
}

/// Written beside what it shall replace, and gone again where that fails.
class Beside {
public:
    Beside(const std::string& path, std::string name, unsigned mode) : path_(path), name_(std::move(name)) {
        ::unlink(name_.c_str());  // of one that was killed
        file_ = Descriptor(::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
        if (!file_) fail("write", path);
    }
    Beside(const Beside&) = delete;
    ~Beside() {
        if (!name_.empty()) ::unlink(name_.c_str());
    }

    void write(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t put = ::write(file_.number(), text.data(), text.size());
            if (put < 0 && errno == EINTR) continue;
            if (put <= 0) fail("write", path_, put == 0 ? ENOSPC : errno);
            text.remove_prefix(static_cast<std::size_t>(put));
        }
    }

    /// Whose it is matters where root writes what is somebody else's; others can not give away.
    void become(const struct stat& there) const {
        if (::fchown(file_.number(), there.st_uid, there.st_gid) != 0 && ::geteuid() == 0) fail("write", path_);
        if (::fchmod(file_.number(), there.st_mode & 07777) != 0) fail("write", path_);
    }

    void publish() {
        if (::fsync(file_.number()) != 0) fail("sync", path_);
        if (::rename(name_.c_str(), path_.c_str()) != 0) fail("write", path_);
        name_.clear();
        const std::string above = parent_of(path_);
        const Descriptor directory(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        // One that may be written and not read is synced with all of its file system.
        if ((directory ? ::fsync(directory.number()) : ::syncfs(file_.number())) != 0) fail("sync", above);
    }

private:
    const std::string path_;
    std::string name_;
    Descriptor file_;
};

}  // namespace

std::optional<std::string> read(const std::string& path, std::size_t most) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file && errno == ENOENT) return std::nullopt;
    struct stat about {};
    if (!file || ::fstat(file.number(), &about) != 0) fail("read", path);
    if (!S_ISREG(about.st_mode)) throw Error(path + " is no regular file");
    refuse_foreign(path, about, false);
    std::string text;
    char block[16384];
    for (ssize_t got; (got = ::read(file.number(), block, sizeof block)) != 0;) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("read", path);
        text.append(block, static_cast<std::size_t>(got));
        if (text.size() > most) throw Error(path + " is larger than what is written there");
    }
    return text;
}

void replace(const std::string& path, std::string_view text, unsigned mode) {
    Beside fresh(path, name_among_ours(path), mode);
    fresh.write(text);
    fresh.publish();
}

void write_out(const std::string& path, std::string_view text, unsigned mode) {
    Beside fresh(path, name_among_others(path), mode);
    fresh.write(text);
    fresh.publish();
}

void write_once(const std::string& path, std::string_view text) {
    if (::access(path.c_str(), F_OK) != 0) replace(path, text);
}

void rewrite(const std::string& path, std::string_view text, unsigned mode) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
    struct stat there {};
    if (!real || ::stat(real.get(), &there) != 0) {
        if (errno != ENOENT) fail("write", path);
        return write_out(path, text, mode);
    }
    Beside fresh(real.get(), name_among_others(real.get()), 0600);
    fresh.write(text);
    fresh.become(there);
    fresh.publish();
}

void sync_directory(const std::string& path) {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.number()) != 0) fail("sync", path);
}

void sync_all(const std::string& path) {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::syncfs(directory.number()) != 0) fail("sync", path);
}

void make_directory(const std::string& path) {
    struct stat about {};
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const bool last = slash == path.npos;
        const auto part = path.substr(0, slash);
        if (part.ends_with('/')) continue;
        if (::mkdir(part.c_str(), last ? 0700 : 0755) == 0)
            sync_directory(parent_of(part));
        else if (errno != EEXIST && (last || ::stat(part.c_str(), &about) != 0))
            fail("make the state directory", part);
        if (last) break;
    }
    if (::lstat(path.c_str(), &about) != 0) fail("look at", path);
    if (S_ISLNK(about.st_mode)) refuse(path, "it is a link");
    if (!S_ISDIR(about.st_mode)) refuse(path, "it is not a directory");
    refuse_foreign(path, about, false);
    if ((about.st_mode & 07777) != 0700 && ::chmod(path.c_str(), 0700) != 0) fail("make private", path);
}

bool trusted(const std::string& path, bool or_root) {
    const auto above = parent_of(path);
    const auto directory = look(above);
    if (!directory) return false;
    if (S_ISLNK(directory->st_mode)) refuse(above, "it is a link");
    refuse_foreign(above, *directory, or_root);

    const auto file = look(path);
    if (!file) return false;
    if (S_ISLNK(file->st_mode)) refuse(path, "it is a link");
    if (!S_ISREG(file->st_mode)) refuse(path, "it is not a regular file");
    if (file->st_nlink != 1) refuse(path, fmt::format("it has {} names", file->st_nlink));
    refuse_foreign(path, *file, or_root);
    return true;
}

}  // namespace chaos::durable
