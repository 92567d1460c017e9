// SPDX-License-Identifier: Apache-2.0
#include <chaos/root_host.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>

#include <chaos/bus.hpp>
#include <chaos/named.hpp>
#include <chaos/process.hpp>

#include "descriptor.hpp"

namespace chaos {
namespace {

constexpr std::int64_t second = 1'000'000'000;

Error cannot(const char* what, std::string_view path, int error) {
    return Error(fmt::format("can not {} {}: {}", what, named(path), std::strerror(error)));
}

std::int64_t nanoseconds(const timespec& time) {
    return time.tv_sec * second + time.tv_nsec;
}

Entry entry_of(const struct stat& st) {
    Entry entry;
    entry.kind = S_ISREG(st.st_mode)   ? Entry::Kind::file
                 : S_ISDIR(st.st_mode) ? Entry::Kind::directory
                 : S_ISLNK(st.st_mode) ? Entry::Kind::link
                                       : Entry::Kind::other;
    entry.mode = st.st_mode & 07777;
    entry.uid = st.st_uid;
    entry.gid = st.st_gid;
    entry.links = static_cast<std::uint32_t>(st.st_nlink);
    entry.size = static_cast<std::uint64_t>(st.st_size);
    entry.device = st.st_dev;
    entry.inode = st.st_ino;
    entry.modified = nanoseconds(st.st_mtim);
    entry.changed = nanoseconds(st.st_ctim);
    return entry;
}

/// Absence is an answer; a file where a directory was expected means that nothing is below it.
bool absent(int error) {
    return error == ENOENT || error == ENOTDIR;
}

void check(const std::string& path) {
    if (path.empty() || path[0] != '/' || path.find('\0') != path.npos)
        throw Error(fmt::format("expected an absolute path, got \"{}\"", path));
}

/// Opening a device is not looking: it rewinds tapes and arms watchdogs. They live below some /dev, and there what a
/// name is is asked before it is opened. (Asking always costs a third of a look.)
bool may_be_device(std::string_view path) {
    return path.find("/dev/") != path.npos;
}

/// Reads what is left. False where it is more than `most` bytes.
bool read_all(int file, std::string& bytes, std::size_t expected, std::size_t most, std::string_view path) {
    // A page at least: the files of /proc/sys give their value in the first read, and only as much as it asks for.
    bytes.resize(std::max<std::size_t>(std::min(expected, most) + 1, 4096));
    std::size_t have = 0;
    for (;;) {
        const ssize_t got = ::read(file, bytes.data() + have, bytes.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw cannot("read", path, errno);
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
        if (have > most) return false;
        if (have == bytes.size()) bytes.resize(std::min(most + 1, std::max<std::size_t>(have * 2, 4096)));
    }
    bytes.resize(have);
    return true;
}

/// A small file fits a buffer on the stack, and one read says that it ended. What grew meanwhile, or says of itself
/// that it is empty (as /proc does), is read to its end.
bool read_content(int file, Entry& entry, std::string& content, std::size_t most, std::string_view path) {
    if (entry.size > most) return false;
    std::array<char, 16384> buffer;
    if (entry.size > 0 && entry.size < buffer.size()) {
        const ssize_t got = ::read(file, buffer.data(), buffer.size());
        if (got >= 0 && static_cast<std::uint64_t>(got) == entry.size) {
            content.assign(buffer.data(), entry.size);
            return true;
        }
        if (::lseek(file, 0, SEEK_SET) < 0) throw cannot("read", path, errno);
    }
    std::string bytes;
    if (!read_all(file, bytes, entry.size, most, path)) return false;
    if (bytes.size() != entry.size) {
        struct stat st;
        if (::fstat(file, &st) == 0) entry = entry_of(st);
    }
    content = std::move(bytes);
    return true;
}

std::string link_target(int link, std::string_view path) {
    std::array<char, PATH_MAX> buffer;
    const ssize_t got = ::readlinkat(link, "", buffer.data(), buffer.size());
    if (got < 0) throw cannot("read the link", path, errno);
    return {buffer.data(), static_cast<std::size_t>(got)};
}

std::string real_path(int file) {
    std::array<char, PATH_MAX> buffer;
    const ssize_t got = ::readlink(fmt::format("/proc/self/fd/{}", file).c_str(), buffer.data(), buffer.size());
    return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
}

class NoServices final : public Services {
public:
    bool answers() const override { return false; }
    std::vector<Unit> units() const override { return {}; }
    Unit unit(const std::string& name) const override { return {name, "not-found", "inactive", "dead"}; }
};

}  // namespace

struct RootHost::Parts {
    Descriptor root;
    std::string path, state = "/var/lib/chaos";
    bool live = false, superuser = false;
    Cache* cache = nullptr;
    const Past* past = nullptr;
    NoServices no_services;
    std::unique_ptr<Services> services = nullptr;

    mutable std::mutex remembering{};
    mutable std::map<std::string, Digest> remembered{};  ///< Digests of big files by what tells that one is unchanged.
    mutable std::map<std::string, Digest> fresh{};       ///< Of these, what the cache does not have yet.

    int open(const std::string& path, int flags) const;
    Descriptor open_path(const std::string& path) const;
    Descriptor reopen(const Descriptor& located, const std::string& path) const;
    Entry look_carefully(const std::string& path, std::string* content, std::size_t most, int error) const;
    Digest digest_of(int file, const Entry& entry, const std::string& path) const;
};

/// The one path walk. Answers a descriptor, or -1 and errno.
int RootHost::Parts::open(const std::string& name, int flags) const {
    check(name);
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT;
    int file = -1;
    // EAGAIN: something was renamed while a `..` was walked, and it is not known to have stayed in the root.
    for (int again = 0; again < 64; ++again) {
        file = static_cast<int>(::syscall(SYS_openat2, root.number(), name.c_str(), &how, sizeof how));
        if (file >= 0 || (errno != EAGAIN && errno != EINTR)) break;
    }
    // Not the owner's, and no right to pass over that: then looking moves the access time.
    if (file < 0 && errno == EPERM && (flags & O_NOATIME)) return open(name, flags & ~O_NOATIME);
    return file;
}

Descriptor RootHost::Parts::open_path(const std::string& name) const {
    return Descriptor(open(name, O_PATH | O_NOFOLLOW));
}

/// Opens for reading what was found to be a regular file: that very inode, whatever its name means by now.
Descriptor RootHost::Parts::reopen(const Descriptor& located, const std::string& name) const {
    const std::string self = fmt::format("/proc/self/fd/{}", located.number());
    Descriptor file(::open(self.c_str(), O_RDONLY | O_CLOEXEC | (superuser ? O_NOATIME : 0)));
    if (!file && errno == EPERM) file = Descriptor(::open(self.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) throw cannot("open", name, errno);
    return file;
}

/// What could not be opened at once: a link, a socket, a device, a directory one may not read; or it is an error.
Entry RootHost::Parts::look_carefully(const std::string& name, std::string* content, std::size_t most,
                                      int error) const {
    const Descriptor located = open_path(name);
    if (!located) {
        if (absent(errno)) return {};
        throw cannot("look at", name, errno);
    }
    struct stat st;
    if (::fstat(located.number(), &st) < 0) throw cannot("look at", name, errno);
    Entry entry = entry_of(st);
    if (entry.kind == Entry::Kind::link) *content = link_target(located.number(), name);
    if (entry.kind != Entry::Kind::file || entry.size > most) return entry;
    if (error && error != EAGAIN) throw cannot("open", name, error);
    const Descriptor file = reopen(located, name);
    read_content(file.number(), entry, *content, most, name);
    return entry;
}

/// The digest of a file's bytes, remembered by what tells that they are unchanged. Never of one that was changed in the
/// last two seconds: it could be changed again within one tick of its file system's clock, and look the same (git's
/// racy rule).
Digest RootHost::Parts::digest_of(int file, const Entry& entry, const std::string& name) const {
    const std::string key = fmt::format("digest-{:x}-{:x}-{:x}-{:x}-{:x}", entry.device, entry.inode, entry.size,
                                        entry.modified, entry.changed);
    {
        const std::lock_guard lock(remembering);
        const auto known = remembered.find(key);
        if (known != remembered.end()) return known->second;
    }
    if (cache) {
        const auto kept = cache->get(key);
        if (kept && kept->size() == 32 && kept->find_first_not_of("0123456789abcdef") == kept->npos)
            return digest_from_hex(*kept);
    }

    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
    Hasher hasher;
    std::string buffer(256 * 1024, '\0');
    for (;;) {
        const ssize_t got = ::read(file, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw cannot("read", name, errno);
        if (got == 0) break;
        hasher.add({buffer.data(), static_cast<std::size_t>(got)});
    }
    const Digest digest = hasher.finish();

    struct stat st;
    if (::fstat(file, &st) == 0) {
        const Entry after = entry_of(st);
        const bool steady =
            after.size == entry.size && after.modified == entry.modified && after.changed == entry.changed;
        const std::int64_t settled = nanoseconds(now) - 2 * second;
        if (steady && entry.changed < settled && entry.modified < settled) {
            const std::lock_guard lock(remembering);
            remembered[key] = fresh[key] = digest;
        }
    }
    return digest;
}

RootHost::RootHost(const std::string& root, Cache* cache) : parts_(std::make_unique<Parts>()) {
    parts_->root = Descriptor(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat here, slash;
    if (!parts_->root || ::fstat(parts_->root.number(), &here) < 0)
        throw Error(fmt::format("can not open the root directory {}: {}", named(root), std::strerror(errno)));
    if (::stat("/", &slash) < 0) throw cannot("look at", "/", errno);
    parts_->live = here.st_dev == slash.st_dev && here.st_ino == slash.st_ino;
    parts_->path = parts_->live ? "/" : real_path(parts_->root.number());
    if (parts_->path.empty()) parts_->path = root;
    parts_->superuser = ::geteuid() == 0;
    parts_->cache = cache;
    if (parts_->live) parts_->services = std::make_unique<SystemdServices>();
}

RootHost::~RootHost() {
    if (!parts_->cache) return;
    for (const auto& [key, digest] : parts_->fresh) parts_->cache->put(key, hex(digest));
}

bool RootHost::live() const {
    return parts_->live;
}
bool RootHost::superuser() const {
    return parts_->superuser;
}
const std::string& RootHost::root() const {
    return parts_->path;
}
int RootHost::root_descriptor() const {
    return parts_->root.number();
}

Entry RootHost::look(const std::string& path, std::string* content, std::size_t most) const {
    if (content && may_be_device(path)) return parts_->look_carefully(path, content, most, 0);

    // In the running system the kernel's own root is ours: one call instead of three.
    struct stat st;
    if (!content && parts_->live) {
        check(path);
        if (::fstatat(AT_FDCWD, path.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) return entry_of(st);
        if (absent(errno)) return {};
        throw cannot("look at", path, errno);
    }

    // The fifo of somebody else does not block with O_NONBLOCK; a regular file does not care.
    const int flags = content ? O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | (parts_->superuser ? O_NOATIME : 0)
                              : O_PATH | O_NOFOLLOW;
    const Descriptor file(parts_->open(path, flags));
    if (!file) {
        if (absent(errno)) return {};
        if (content) return parts_->look_carefully(path, content, most, errno);
        throw cannot("look at", path, errno);
    }
    if (::fstat(file.number(), &st) < 0) throw cannot("look at", path, errno);
    Entry entry = entry_of(st);
    if (content && entry.kind == Entry::Kind::file) read_content(file.number(), entry, *content, most, path);
    return entry;
}

std::vector<std::string> RootHost::list(const std::string& path) const {
    Descriptor directory(parts_->open(path, O_RDONLY | O_DIRECTORY));
    if (!directory) {
        if (absent(errno)) return {};
        throw cannot("list", path, errno);
    }
    struct Closer {
        void operator()(DIR* stream) const { ::closedir(stream); }
    };
    const std::unique_ptr<DIR, Closer> stream(::fdopendir(directory.number()));
    if (!stream) throw cannot("list", path, errno);
    directory.release();  // it is the stream's now
    std::vector<std::string> names;
    for (errno = 0; const dirent* each = ::readdir(stream.get()); errno = 0) {
        const std::string_view name = each->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno) throw cannot("list", path, errno);
    std::sort(names.begin(), names.end());
    return names;
}

Content RootHost::content(const std::string& path) const {
    const Descriptor located = parts_->open_path(path);
    if (!located) throw cannot("read", path, errno);
    struct stat st;
    if (::fstat(located.number(), &st) < 0) throw cannot("look at", path, errno);
    Entry entry = entry_of(st);
    if (entry.kind != Entry::Kind::file) throw Error(fmt::format("can not read {}: not a regular file", named(path)));

    const Descriptor file = parts_->reopen(located, path);
    std::string bytes;
    if (read_content(file.number(), entry, bytes, Content::in_memory, path)) return Content(std::move(bytes));
    std::string lies_at = real_path(file.number());
    if (lies_at.empty()) lies_at = parts_->live ? path : parts_->path + path;
    return Content(std::move(lies_at), entry.size, parts_->digest_of(file.number(), entry, path));
}

Output RootHost::ask(const Command& command) const {
    Child child(command, parts_->path, Child::Held::to_looking);
    child.release();
    return child.wait();
}

std::string RootHost::state_directory() const {
    return parts_->state;
}

void RootHost::keep_state_in(const std::string& path) {
    parts_->state = path;
}

const Services& RootHost::services() const {
    return parts_->services ? *parts_->services : parts_->no_services;
}

Cache* RootHost::cache() const {
    return parts_->cache;
}

const Past* RootHost::past() const {
    return parts_->past;
}

void RootHost::recall(const Past* past) {
    parts_->past = past;
}

}  // namespace chaos
