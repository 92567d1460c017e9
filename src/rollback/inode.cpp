// SPDX-License-Identifier: Apache-2.0
#include "inode.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chaos/named.hpp>
#include <climits>
#include <cstring>
#include <optional>

namespace chaos::rollback {
namespace {

constexpr const char* capability = "security.capability";
constexpr const char* access_acl = "system.posix_acl_access";
/// Flags that go over to another inode. Not that it is fixed, which is refused before; not what the file system says of
/// how it keeps it.
constexpr std::uint32_t lasting_flags = FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_NOCOMP_FL | FS_SYNC_FL |
                                        FS_NODUMP_FL | FS_NOATIME_FL | FS_JOURNAL_DATA_FL | FS_NOTAIL_FL | FS_NOCOW_FL;
constexpr std::uint32_t set_id_bits = S_ISUID | S_ISGID;

/// O_PATH descriptors have no fchmod, fgetxattr or read: this name of theirs has them all.
std::string by_descriptor(int descriptor) {
    return fmt::format("/proc/self/fd/{}", descriptor);
}

/// Opened, not only named (O_PATH).
bool is_open(int descriptor) {
    const int flags = ::fcntl(descriptor, F_GETFL);
    return flags >= 0 && !(flags & O_PATH);
}

bool set_mode(int descriptor, std::uint32_t mode) {
    return (is_open(descriptor) ? ::fchmod(descriptor, mode) : ::chmod(by_descriptor(descriptor).c_str(), mode)) == 0;
}

Entry::Kind kind_of(std::uint32_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG: return Entry::Kind::file;
        case S_IFDIR: return Entry::Kind::directory;
        case S_IFLNK: return Entry::Kind::link;
        default: return Entry::Kind::other;
    }
}

std::int64_t nanoseconds(const struct statx_timestamp& time) {
    return time.tv_sec * 1'000'000'000 + static_cast<std::int64_t>(time.tv_nsec);
}

/// 0, too, where a file system has no flags.
std::uint32_t flags_of(int file) {
    int flags = 0;
    return ::ioctl(file, FS_IOC_GETFLAGS, &flags) ? 0 : static_cast<std::uint32_t>(flags);
}

/// Where a lower layer's inode is copied up as it is renamed or changed, it is born once more: that says nothing.
bool is_overlay(const struct statx& found, int descriptor) {
    struct statfs system {};
    return found.stx_dev_major == 0 && ::fstatfs(descriptor, &system) == 0 && system.f_type == OVERLAYFS_SUPER_MAGIC;
}

/// Room for a handle, as the kernel writes it.
struct Handle {
    alignas(file_handle) std::array<char, sizeof(file_handle) + MAX_HANDLE_SZ> room{};
    file_handle* get() { return reinterpret_cast<file_handle*>(room.data()); }
};

/// The kernel's handle of an inode, its type before its bytes. Where the file system has none (overlays): its number,
/// as of type 0, by which those of one inode know each other.
std::string handle_of(int descriptor, std::uint64_t inode) {
    Handle handle;
    handle.get()->handle_bytes = MAX_HANDLE_SZ;
    int mount = 0;
    std::string bytes(sizeof(int), '\0');
    if (::name_to_handle_at(descriptor, "", handle.get(), &mount, AT_EMPTY_PATH))
        return bytes.append(reinterpret_cast<const char*>(&inode), sizeof inode);
    std::memcpy(bytes.data(), &handle.get()->handle_type, sizeof(int));
    return bytes.append(reinterpret_cast<const char*>(handle.get()->f_handle), handle.get()->handle_bytes);
}

void take_over(Image& image, const struct statx& found, bool tells_birth) {
    image.kind = kind_of(found.stx_mode);
    image.mode = found.stx_mode & 07777U;
    image.uid = found.stx_uid;
    image.gid = found.stx_gid;
    image.size = image.kind == Entry::Kind::directory ? 0 : found.stx_size;
    image.modified = nanoseconds(found.stx_mtime);
    image.changed = nanoseconds(found.stx_ctime);
    image.device = ::makedev(found.stx_dev_major, found.stx_dev_minor);
    image.inode = found.stx_ino;
    image.born = tells_birth && (found.stx_mask & STATX_BTIME) ? nanoseconds(found.stx_btime) : 0;
}

/// How many names it has.
std::uint32_t stat_into(Image& image, int descriptor, const std::string& name) {
    struct statx found {};
    if (::statx(descriptor, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME, &found))
        fail(name, "be looked at", errno);
    take_over(image, found, !is_overlay(found, descriptor));
    return found.stx_nlink;
}

/// The kernel's own measurements of a content: it makes them anew, and refuses foreign ones.
bool belongs_to_kernel(std::string_view name) {
    return name == "security.ima" || name == "security.evm";
}

/// An inode by descriptor. Opened for reading, it is asked itself; else by its name in /proc, which is slower.
struct Inode {
    int descriptor;
    bool readable = false;

    ssize_t list(char* to, std::size_t room) const {
        return readable ? ::flistxattr(descriptor, to, room) : ::listxattr(by_descriptor(descriptor).c_str(), to, room);
    }
    ssize_t value(const char* name, char* to, std::size_t room) const {
        return readable ? ::fgetxattr(descriptor, name, to, room)
                        : ::getxattr(by_descriptor(descriptor).c_str(), name, to, room);
    }
};

std::string read_extended(Inode inode, const std::string& name) {
    std::array<char, 1024> few;
    std::string many;
    std::string_view names;
    ssize_t length = inode.list(few.data(), few.size());
    if (length >= 0) {
        names = {few.data(), static_cast<std::size_t>(length)};
    } else if (errno == ERANGE) {
        many.resize(XATTR_LIST_MAX);
        length = inode.list(many.data(), many.size());
        if (length < 0) fail(name, "have its attributes listed", errno);
        names = {many.data(), static_cast<std::size_t>(length)};
    } else if (errno != ENOTSUP) {
        fail(name, "have its attributes listed", errno);
    }
    if (names.empty()) return {};
    Extended found;
    while (!names.empty()) {
        const std::string attribute(names.substr(0, names.find('\0')));
        names.remove_prefix(attribute.size() + 1);
        if (belongs_to_kernel(attribute)) continue;
        std::string value(256, '\0');
        ssize_t size = inode.value(attribute.c_str(), value.data(), value.size());
        if (size < 0 && errno == ERANGE) {
            value.resize(XATTR_SIZE_MAX);
            size = inode.value(attribute.c_str(), value.data(), value.size());
        }
        if (size < 0 && (errno == ENODATA || errno == ENOTSUP)) continue;  // gone meanwhile, or a name without a value
        if (size < 0) fail(name, "have its attribute " + attribute + " read", errno);
        value.resize(static_cast<std::size_t>(size));
        found.emplace(attribute, std::move(value));
    }
    return to_text(found);
}

void write_extended(int descriptor, const std::string& wished, const std::string& name) {
    const std::string now = read_extended({descriptor, is_open(descriptor)}, name);
    if (now == wished) return;
    const std::string path = by_descriptor(descriptor);
    const Extended have = extended_from(now), want = extended_from(wished);
    for (const auto& [attribute, value] : have)
        if (!want.contains(attribute) && ::removexattr(path.c_str(), attribute.c_str()) && errno != ENODATA)
            fail(name, "lose its attribute " + attribute, errno);
    const auto set = [&](const std::string& attribute, const std::string& value) {
        const auto old = have.find(attribute);
        if (old != have.end() && old->second == value) return;
        if (::setxattr(path.c_str(), attribute.c_str(), value.data(), value.size(), 0))
            fail(name, "get its attribute " + attribute, errno);
    };
    for (const auto& [attribute, value] : want)
        if (attribute != capability) set(attribute, value);
    if (const auto last = want.find(capability); last != want.end()) set(last->first, last->second);
}

/// One reading; false where it was written to meanwhile.
bool read_content(Image& image, int descriptor, const std::string& name, std::string* bytes) {
    std::string small, piece;
    const bool keep = image.size <= Content::in_memory;
    std::string& buffer = keep ? small : piece;
    buffer.resize(keep ? image.size + 1 : 256 * 1024);
    Hasher hasher;
    std::uint64_t total = 0;
    for (;;) {
        char* const to = keep ? buffer.data() + total : buffer.data();
        const std::size_t room = keep ? buffer.size() - total : buffer.size();
        if (room == 0) return false;  // it grew
        const ssize_t got = ::pread(descriptor, to, room, static_cast<off_t>(total));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail(name, "be read", errno);
        if (got == 0) break;
        if (!keep) hasher.add({to, static_cast<std::size_t>(got)});
        total += static_cast<std::uint64_t>(got);
        if (keep && static_cast<std::size_t>(got) < room) break;  // less than asked for: that was the end
    }
    if (total != image.size) return false;
    if (keep) {
        small.resize(total);
        image.content = digest(small);
        if (bytes) *bytes = std::move(small);
    } else {
        image.content = hasher.finish();
    }
    Image after;
    stat_into(after, descriptor, name);
    return after.modified == image.modified && after.size == image.size;
}

Descriptor open_name(const Spot& spot) {
    Descriptor found(::openat(spot.at(), spot.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!found && errno != ENOENT && errno != ENOTDIR) fail(spot.name, "be looked at", errno);
    return found;
}

void content_into(Image& image, Inode inode, const std::string& name, std::string* bytes) {
    Descriptor opened;
    if (!inode.readable) {
        constexpr int reading = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        opened = Descriptor(::open(by_descriptor(inode.descriptor).c_str(), reading));
        if (!opened) fail(name, "be read", errno);
        inode.descriptor = *opened;
    }
    for (int tries = 0; !read_content(image, inode.descriptor, name, bytes); ++tries) {
        if (tries == 20) throw Error(fmt::format("{}: is written to all the time and can not be kept", named(name)));
        stat_into(image, inode.descriptor, name);
    }
}

/// The common case, by its name alone. Empty: look closer, by a descriptor.
std::optional<Image> glance(const Spot& spot) {
    struct statx found {};
    if (::statx(spot.at(), spot.name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME,
                &found)) {
        if (errno == ENOENT || errno == ENOTDIR) return Image();
        fail(spot.name, "be looked at", errno);
    }
    if (S_ISLNK(found.stx_mode) || found.stx_dev_major == 0) return std::nullopt;  // its target; maybe an overlay
    Image image;
    take_over(image, found, true);
    return image;
}

Image look(Inode inode, const std::string& name, Depth depth) {
    Image image;
    const std::uint32_t names = stat_into(image, inode.descriptor, name);
    if (names > 1 && image.kind == Entry::Kind::file && depth != Depth::names)
        image.others = handle_of(inode.descriptor, image.inode);
    if (image.kind == Entry::Kind::link) {
        std::array<char, PATH_MAX> target;
        const ssize_t length = ::readlinkat(inode.descriptor, "", target.data(), target.size());
        if (length < 0) fail(name, "be read as a link", errno);
        image.target.assign(target.data(), static_cast<std::size_t>(length));
    }
    if (depth != Depth::names) image.extended = read_extended(inode, name);
    return image;
}

}  // namespace

Image capture(const Spot& spot, Depth depth, std::string* bytes) {
    if (depth == Depth::names)
        if (auto image = glance(spot)) return *std::move(image);
    Image image;
    struct stat found {};
    const char* const name = spot.name.c_str();
    if (depth >= Depth::content && ::fstatat(spot.at(), name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(found.st_mode)) {
        // The common case, with one descriptor for all. What can not be read is an Error below.
        const Descriptor file(::openat(spot.at(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (file) image = look({*file, true}, spot.name, depth);
        if (image.kind == Entry::Kind::file) {
            content_into(image, {*file, true}, spot.name, bytes);
            if (depth == Depth::whole) image.flags = flags_of(*file) & lasting_flags;
            return image;
        }
    }
    const Descriptor inode = open_name(spot);
    if (!inode) return {};
    image = look({*inode}, spot.name, depth);
    if (depth >= Depth::content && image.kind == Entry::Kind::file) content_into(image, {*inode}, spot.name, bytes);
    return image;
}

Image capture(int descriptor, const std::string& name) {
    return look({descriptor}, name, Depth::names);
}

Image capture_like(const Spot& spot, std::span<const Image* const> others) {
    const Descriptor found = open_name(spot);
    if (!found) return {};
    Image image = look({*found}, spot.name, Depth::meta);
    for (const Image* other : others)
        if (image.kind == Entry::Kind::file && other->kind == image.kind && other->size == image.size) {
            content_into(image, {*found}, spot.name, nullptr);
            break;
        }
    return image;
}

bool rejoin(const Spot& name, int descriptor, const Image& was) {
    Image now = look({descriptor}, name.name, Depth::meta);
    if (now.kind != Entry::Kind::file || now.size != was.size || now.modified != was.modified) return false;
    content_into(now, {descriptor}, name.name, nullptr);
    return now.same_as(was) && ::linkat(descriptor, "", name.at(), name.name.c_str(), AT_EMPTY_PATH) == 0;
}

Descriptor open_others(int directory, const Image& was, bool& gone) {
    const std::string& bytes = was.others;
    if (bytes.size() <= sizeof(int) || bytes.size() > sizeof(int) + MAX_HANDLE_SZ) return Descriptor();
    Handle handle;
    std::memcpy(&handle.get()->handle_type, bytes.data(), sizeof(int));
    if (handle.get()->handle_type == 0) return Descriptor();
    handle.get()->handle_bytes = static_cast<unsigned>(bytes.size() - sizeof(int));
    std::copy(bytes.begin() + sizeof(int), bytes.end(), reinterpret_cast<char*>(handle.get()->f_handle));
    const Descriptor open(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));  // O_PATH will not do
    if (!open) return Descriptor();
    Descriptor found(::open_by_handle_at(*open, handle.get(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    gone = !found && errno == ESTALE;
    return found;
}

bool untouched(const Image& now, const Image& then) {
    return now.kind == then.kind && now.same_inode(then) && now.mode == then.mode && now.uid == then.uid &&
           now.gid == then.gid &&
           (now.kind == Entry::Kind::directory ||  // entries of ours come and go in it
            (now.size == then.size && now.modified == then.modified));
}

bool give_flags(int descriptor, std::uint32_t flags) {
    const std::uint32_t now = flags_of(descriptor);
    int wished = static_cast<int>((now & ~lasting_flags) | (flags & lasting_flags));
    return static_cast<std::uint32_t>(wished) == now || ::ioctl(descriptor, FS_IOC_SETFLAGS, &wished) == 0;
}

void change_meta(int descriptor, const Image& wished, const std::string& path) {
    Image now;
    stat_into(now, descriptor, path);
    if (now.uid != wished.uid || now.gid != wished.gid) {
        if (::fchownat(descriptor, "", wished.uid, wished.gid, AT_EMPTY_PATH)) fail(path, "get its owner", errno);
        stat_into(now, descriptor, path);  // setuid and setgid may be gone by it
    }
    if (now.kind != Entry::Kind::link && now.mode != wished.mode && !set_mode(descriptor, wished.mode))
        fail(path, "get its mode", errno);
    write_extended(descriptor, wished.extended, path);
    if (now.kind == Entry::Kind::link || now.mode == wished.mode) return;
    stat_into(now, descriptor, path);
    if (now.mode != wished.mode && !set_mode(descriptor, wished.mode))
        fail(path, "get its mode", errno);  // an ACL that was taken off or put on had a say in it
}

bool between(const Image& now, const Image& from, const Image& to) {
    const auto owned_as = [&](const Image& one) { return now.uid == one.uid && now.gid == one.gid; };
    if (now.kind != from.kind || now.target != from.target || !(owned_as(from) || owned_as(to))) return false;
    const auto mode_of = [&](const Image& one) {
        return now.mode == one.mode || (now.mode | set_id_bits) == (one.mode | set_id_bits);
    };
    if (!mode_of(from) && !mode_of(to)) return false;
    const Extended old = extended_from(from.extended), made = extended_from(to.extended);
    const auto one_of = [&](const Extended& some, const std::string& name, const std::string& value) {
        const auto found = some.find(name);
        return found != some.end() && found->second == value;
    };
    for (const auto& [name, value] : extended_from(now.extended))
        if (name != access_acl && !one_of(old, name, value) && !one_of(made, name, value)) return false;
    // An ACL on the way is one of the two with the mode of either.
    const Extended have = extended_from(now.extended);
    const auto acl = have.find(access_acl);
    if (acl == have.end()) return true;
    for (const Image* list : {&from, &to})
        for (const Image* mode : {&from, &to})
            if (one_of(extended_from(with_mode(list->extended, mode->mode)), access_acl, acl->second)) return true;
    return false;
}

}  // namespace chaos::rollback
