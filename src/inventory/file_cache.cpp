// SPDX-License-Identifier: Apache-2.0
#include <chaos/file_cache.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <chaos/digest.hpp>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <vector>

#include "descriptor.hpp"

namespace chaos {
namespace {

constexpr std::int64_t hour = 3600;
constexpr std::size_t seal =
    32;  ///< A file begins with the digest of the rest: nothing is synced, a power cut may tear it.

bool ours(const struct stat& st) {
    return st.st_uid == ::geteuid() && !(st.st_mode & 0022);
}

/// A name may say anything; a file name is one of ours and short.
bool plain(const std::string& name) {
    return name.size() <= 128 && !name.empty() && name[0] != '.' &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == name.npos;
}

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(file, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

}  // namespace

FileCache::FileCache(std::string directory, std::uint64_t most) : directory_(std::move(directory)), most_(most) {}

std::string FileCache::file_of(const std::string& name) const {
    return fmt::format("{}/{}", directory_, plain(name) ? name : "~" + hex(digest(name)));
}

std::optional<std::string> FileCache::get(const std::string& name) const {
    const Descriptor file(::open(file_of(name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat st;
    if (!file || ::fstat(file.number(), &st) < 0 || !S_ISREG(st.st_mode) || !ours(st)) return std::nullopt;
    std::string bytes(static_cast<std::size_t>(st.st_size), '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
        const ssize_t got = ::read(file.number(), bytes.data() + have, bytes.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return std::nullopt;
        have += static_cast<std::size_t>(got);
    }
    if (have < seal) return std::nullopt;
    const std::string sealed = bytes.substr(0, seal);
    bytes.erase(0, seal);
    if (sealed != hex(digest(bytes))) return std::nullopt;
    // Used today: prune() goes by it. Not more often than hourly: a look should not write.
    if (std::time(nullptr) - st.st_mtime > hour) ::futimens(file.number(), nullptr);
    return bytes;
}

void FileCache::put(const std::string& name, const std::string& bytes) {
    if (bytes.size() > most_ / 4) return;
    struct stat st;
    if (::mkdir(directory_.c_str(), 0700) < 0 && errno != EEXIST) return;
    if (::lstat(directory_.c_str(), &st) < 0 || !S_ISDIR(st.st_mode) || !ours(st)) return;

    std::uint32_t chance = 0;
    if (::getrandom(&chance, sizeof chance, 0) != sizeof chance) return;
    const std::string apart = fmt::format("{}/.new-{}-{:08x}", directory_, ::getpid(), chance);
    {
        const Descriptor file(::open(apart.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file) return;
        if (!write_all(file.number(), hex(digest(bytes))) || !write_all(file.number(), bytes)) {
            ::unlink(apart.c_str());
            return;
        }
    }
    if (::rename(apart.c_str(), file_of(name).c_str()) < 0) ::unlink(apart.c_str());
    if (chance % 64 == 0) prune();
}

void FileCache::prune() {
    struct Kept {
        std::int64_t used;
        std::uint64_t size;
        std::string name;
    };
    struct Closer {
        void operator()(DIR* stream) const { ::closedir(stream); }
    };
    const std::unique_ptr<DIR, Closer> stream(::opendir(directory_.c_str()));
    if (!stream) return;
    const int directory = ::dirfd(stream.get());
    std::vector<Kept> all;
    std::uint64_t total = 0;
    while (const dirent* each = ::readdir(stream.get())) {
        struct stat st;
        if (::fstatat(directory, each->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode)) continue;
        const std::string name = each->d_name;
        // A writer that was killed left it.
        if (name.starts_with(".new-") && std::time(nullptr) - st.st_mtime > hour)
            ::unlinkat(directory, each->d_name, 0);
        if (name[0] == '.') continue;
        all.push_back({st.st_mtime, static_cast<std::uint64_t>(st.st_blocks) * 512, name});
        total += all.back().size;
    }
    if (total <= most_) return;
    std::sort(all.begin(), all.end(), [](const Kept& a, const Kept& b) { return a.used < b.used; });
    for (const Kept& each : all) {
        if (total <= most_ / 4 * 3) return;
        if (::unlinkat(directory, each.name.c_str(), 0) == 0) total -= each.size;
    }
}

}  // namespace chaos
