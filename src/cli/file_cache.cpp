// SPDX-License-Identifier: Apache-2.0
#include "file_cache.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/digest.hpp>
#include <vector>

namespace chaos::cli {

namespace {

constexpr std::size_t most_entries = 1000;
constexpr off_t biggest = 256 << 20;

/// A name may be anything; a file's may not.
std::string file_name(const std::string& name) { return hex(digest(name)); }

bool write_all(int file, const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        const ssize_t written = ::write(file, bytes.data() + at, bytes.size() - at);
        if (written < 0) return false;
        at += static_cast<std::size_t>(written);
    }
    return true;
}

/// /a/b/c and what is missing above it.
void make_directories(const std::string& path) {
    for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
        ::mkdir(path.substr(0, at).c_str(), 0755);
    ::mkdir(path.c_str(), 0700);
}

}  // namespace

FileCache::FileCache(std::string directory) : directory_(std::move(directory)) {}

int FileCache::open_directory(bool make) const {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int directory = ::open(directory_.c_str(), flags);
    if (directory < 0 && make) make_directories(directory_), directory = ::open(directory_.c_str(), flags);
    struct stat about {};
    if (directory >= 0 && (::fstat(directory, &about) != 0 || about.st_uid != ::geteuid() || (about.st_mode & 022))) {
        ::close(directory);
        return -1;
    }
    return directory;
}

std::optional<std::string> FileCache::get(const std::string& name) const {
    const int directory = open_directory(false);
    if (directory < 0) return std::nullopt;
    const int file = ::openat(directory, file_name(name).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ::close(directory);
    if (file < 0) return std::nullopt;
    std::optional<std::string> bytes;
    struct stat about {};
    if (::fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_size <= biggest) {
        bytes.emplace(static_cast<std::size_t>(about.st_size), '\0');
        std::size_t at = 0;
        for (ssize_t got; at < bytes->size() && (got = ::read(file, bytes->data() + at, bytes->size() - at)) > 0;)
            at += static_cast<std::size_t>(got);
        if (at != bytes->size()) bytes.reset();
    }
    ::close(file);
    return bytes;
}

void FileCache::put(const std::string& name, const std::string& bytes) {
    const int directory = open_directory(true);
    if (directory < 0) return;
    const std::string final_name = file_name(name), draft = fmt::format("{}.{}", final_name, ::getpid());
    const int file = ::openat(directory, draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file >= 0) {
        const bool whole = write_all(file, bytes);
        if (::close(file) != 0 || !whole || ::renameat(directory, draft.c_str(), directory, final_name.c_str()) != 0)
            ::unlinkat(directory, draft.c_str(), 0);
        forget_oldest(directory);
    }
    ::close(directory);
}

void FileCache::forget_oldest(int directory) const {
    DIR* entries = ::fdopendir(::dup(directory));
    if (!entries) return;
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(entries))
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    ::closedir(entries);
    if (names.size() <= most_entries) return;
    std::vector<std::pair<std::time_t, std::string>> by_age;
    for (std::string& name : names) {
        struct stat about {};
        if (::fstatat(directory, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0)
            by_age.emplace_back(about.st_mtime, std::move(name));
    }
    std::sort(by_age.begin(), by_age.end());
    // A tenth at a time, so that not every put has to look at all.
    for (std::size_t i = 0; i < by_age.size() && i < most_entries / 10; ++i)
        ::unlinkat(directory, by_age[i].second.c_str(), 0);
}

}  // namespace chaos::cli
