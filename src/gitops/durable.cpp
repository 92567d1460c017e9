// SPDX-License-Identifier: Apache-2.0
#include "durable.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chaos/error.hpp>
#include <cstring>

namespace chaos::durable {

namespace {

[[noreturn]] void fail(const char* doing, const std::string& path, int reason = errno) {
    throw Error(fmt::format("can not {} {}: {}", doing, path, std::strerror(reason)));
}

struct Descriptor {
    int number;
    explicit Descriptor(int opened) : number(opened) {}
    Descriptor(const Descriptor&) = delete;
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
};

void refuse_others(const struct stat& about, const std::string& path) {
    if (about.st_uid != ::geteuid()) throw Error(path + " belongs to somebody else, and is not trusted");
    if (about.st_mode & (S_IWGRP | S_IWOTH)) throw Error(path + " can be written by others, and is not trusted");
}

}  // namespace

std::optional<std::string> read(const std::string& path, std::size_t most) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file.number < 0 && errno == ENOENT) return std::nullopt;
    struct stat about {};
    if (file.number < 0 || ::fstat(file.number, &about) != 0) fail("read", path);
    if (!S_ISREG(about.st_mode)) throw Error(path + " is no regular file");
    refuse_others(about, path);
    std::string text;
    char block[16384];
    for (ssize_t got; (got = ::read(file.number, block, sizeof block)) != 0;) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("read", path);
        text.append(block, static_cast<std::size_t>(got));
        if (text.size() > most) throw Error(path + " is larger than what is written there");
    }
    return text;
}

void replace(const std::string& path, std::string_view text) {
    const std::string beside = path + "~", above = path.substr(0, path.rfind('/'));
    {
        ::unlink(beside.c_str());
        const Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (file.number < 0) fail("write", beside);
        while (!text.empty()) {
            const ssize_t put = ::write(file.number, text.data(), text.size());
            if (put < 0 && errno == EINTR) continue;
            if (put <= 0) fail("write", beside, put == 0 ? ENOSPC : errno);
            text.remove_prefix(static_cast<std::size_t>(put));
        }
        if (::fsync(file.number) != 0) fail("sync", beside);
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) fail("make", path);
    const Descriptor directory(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.number < 0 || ::fsync(directory.number) != 0) fail("sync", above);
}

void sync_all(const std::string& directory) {
    const Descriptor any(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (any.number < 0 || ::syncfs(any.number) != 0) fail("sync", directory);
}

void make_directory(const std::string& path) {
    for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
        if (::mkdir(path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST) fail("make", path.substr(0, slash));
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail("make", path);
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0) fail("look at", path);
    if (!S_ISDIR(about.st_mode)) throw Error(path + " is no directory");
    refuse_others(about, path);
}

}  // namespace chaos::durable
