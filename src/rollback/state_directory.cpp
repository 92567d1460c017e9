// SPDX-License-Identifier: Apache-2.0
#include "state_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <chaos/error.hpp>
#include <chaos/named.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "descriptor.hpp"

namespace chaos::rollback {
namespace {

struct NoRoom {};

void write_all(int descriptor, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t n = write(descriptor, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT)) throw NoRoom();
        if (n < 0) fail_on("can not write", path);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

// What two looks at a file must agree on for a copy made between them to be whole.
struct Look {
    std::uint64_t inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    friend bool operator==(const Look&, const Look&) = default;
};

Look look(const std::string& path) {
    struct stat it {};
    if (lstat(path.c_str(), &it) != 0) {
        if (errno == ENOENT) return {};
        fail_on("can not look at", path);
    }
    return {it.st_ino, static_cast<std::uint64_t>(it.st_size), it.st_mtim.tv_sec, it.st_mtim.tv_nsec};
}

void copy_file(const std::string& from, const std::string& to) {
    const Descriptor in(open(from.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!in) {
        if (errno == ENOENT) return;
        fail_on("can not read", from);
    }
    const Descriptor out(open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!out) fail_on("can not write", to);
    std::array<char, 1 << 16> block;
    for (;;) {
        const ssize_t n = read(*in, block.data(), block.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail_on("can not read", from);
        if (n == 0) return;
        write_all(*out, {block.data(), static_cast<std::size_t>(n)}, to);
    }
}

// A database, and what of a change may lie beside it.
constexpr std::array<const char*, 3> suffixes = {"", "-wal", "-journal"};

}  // namespace

void fail_on(const std::string& doing, const std::string& path) {
    throw Error(fmt::format("{} {}: {}", doing, named(path), std::strerror(errno)));
}

std::string read_file(const std::string& path) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file) fail_on("can not read", path);
    std::string bytes;
    std::array<char, 1 << 14> block;
    for (;;) {
        const ssize_t n = read(*file, block.data(), block.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail_on("can not read", path);
        if (n == 0) return bytes;
        bytes.append(block.data(), static_cast<std::size_t>(n));
    }
}

std::optional<Digest> digest_of_file(const std::string& path) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file && errno == ENOENT) return std::nullopt;
    if (!file) fail_on("can not read", path);
    Hasher hasher;
    std::string piece(256 * 1024, '\0');
    for (;;) {
        const ssize_t n = read(*file, piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail_on("can not read", path);
        if (n == 0) return hasher.finish();
        hasher.add({piece.data(), static_cast<std::size_t>(n)});
    }
}

bool maps_hold(std::int64_t magic) {
    // NFS, CIFS, SMB, SMB2, 9p, FUSE, Ceph, AFS (two), Coda, VirtualBox, OCFS2, GFS2, Lustre, VMware
    constexpr std::array<std::int64_t, 15> shared = {0x6969,     0xFF534D42, 0x517B,     0xFE534D42, 0x01021997,
                                                     0x65735546, 0x00C36400, 0x5346414F, 0x6B414653, 0x73757245,
                                                     0x786F4256, 0x7461636F, 0x01161970, 0x0BD00BD0, 0xBACBACBC};
    return std::find(shared.begin(), shared.end(), magic & 0xFFFFFFFF) == shared.end();
}

std::int64_t file_system_of(const std::string& path) {
    struct statfs it {};
    if (statfs(path.c_str(), &it) != 0) fail_on("can not look at the file system of", path);
    return static_cast<std::int64_t>(it.f_type);
}

namespace {

/// Copies of processes that were killed before they could take theirs away: named by the process, and our own.
void sweep_copies(const char* place) {
    constexpr std::string_view prefix = "chaos-look-";
    const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(place), closedir);
    for (const dirent* entry; open && (entry = readdir(open.get()));) {
        const std::string_view name = entry->d_name;
        if (!name.starts_with(prefix)) continue;
        int pid = 0;
        const auto rest = name.substr(prefix.size());
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), pid);
        if (error != std::errc() || *end != '-' || kill(pid, 0) == 0 || errno != ESRCH) continue;
        struct stat about {};
        const std::string directory = std::string(place) + "/" + entry->d_name;
        if (lstat(directory.c_str(), &about) != 0 || !S_ISDIR(about.st_mode) || about.st_uid != geteuid()) continue;
        for (const char* suffix : {"", "-wal", "-shm"}) unlink((directory + "/store.db" + suffix).c_str());
        rmdir(directory.c_str());
    }
}

}  // namespace

PrivateCopy::PrivateCopy(const std::string& database) {
    for (const char* place : {"/dev/shm", "/run", "/tmp", "/var/tmp"}) {
        sweep_copies(place);
        directory_ = fmt::format("{}/chaos-look-{}-XXXXXX", place, getpid());
        if (!mkdtemp(directory_.data())) continue;
        try {
            copy(database);
            return;
        } catch (const NoRoom&) {  // it may be elsewhere
            leave();
        } catch (...) {
            leave();
            throw;
        }
    }
    throw Error(fmt::format("{} can not be written to, and there is no place for a copy to look at", database))
        .help("mount -t tmpfs tmpfs /tmp");
}

void PrivateCopy::copy(const std::string& database) const {
    // Somebody may be writing who sees this disk otherwise than we do: then the copy is torn, and made again.
    for (int attempt = 0; attempt < 10; ++attempt) {
        std::array<Look, suffixes.size()> before;
        std::transform(suffixes.begin(), suffixes.end(), before.begin(),
                       [&](const char* suffix) { return look(database + suffix); });
        empty();
        for (const char* suffix : suffixes) copy_file(database + suffix, path() + suffix);
        if (std::equal(suffixes.begin(), suffixes.end(), before.begin(),
                       [&](const char* suffix, const Look& seen) { return look(database + suffix) == seen; }))
            return;
    }
    throw Busy(fmt::format("the store {} is being written to all the time", database));
}

PrivateCopy::~PrivateCopy() {
    leave();
}

void PrivateCopy::leave() const noexcept {
    empty();
    unlink((path() + "-shm").c_str());
    rmdir(directory_.c_str());
}

void PrivateCopy::empty() const noexcept {
    for (const char* suffix : suffixes) unlink((path() + suffix).c_str());
}

}  // namespace chaos::rollback
