// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>

namespace chaos::rollback {

/// A path as it lies on the disk, with everything that is put back: content, mode, owner, ACL, extended attributes,
/// times.
struct Image {
    Entry::Kind kind = Entry::Kind::absent;
    std::uint32_t mode = 0, uid = 0, gid = 0;
    std::uint64_t size = 0;
    std::int64_t modified = 0;  ///< mtime in nanoseconds: put back, never compared.
    std::string target;         ///< Of a link.
    Digest content;             ///< Of a regular file; its bytes are a blob of the store, or a file in objects/.
    std::string
        extended;  ///< Extended attributes, ACLs and capabilities among them: sorted, name and value length-prefixed.
    std::uint64_t device = 0, inode = 0;  ///< Which inode it was: to know our own again. Not compared.
    std::int64_t changed = 0;             ///< ctime in nanoseconds; of this look, not recorded and not compared.
    std::int64_t born = 0;    ///< btime of that inode in nanoseconds, 0 where the file system does not tell.
    std::string others;       ///< Of a file with other names: the kernel's handle of its inode. Not compared.
    std::uint32_t flags = 0;  ///< What chattr said of a file; of a look at Depth::whole, not recorded and not compared.

    explicit operator bool() const { return kind != Entry::Kind::absent; }

    /// The same type, content, mode, owner, target and extended attributes.
    bool same_as(const Image& other) const;
    bool same_inode(const Image& other) const {
        return device == other.device && inode == other.inode && born == other.born;
    }
    /// The same, where the other was recorded maybe before a boot: a device has another number then, a subvolume of
    /// btrfs at each mount.
    bool same_inode_as_recorded(const Image& other) const { return inode == other.inode && born == other.born; }
};

/// One name changed: of a run, or found changed beside what a step of it did (an effect).
struct Operation {
    std::int64_t run = 0, step = 0, number = 0;  ///< number: within the run, in the order of publishing.
    std::string path;                            ///< In the root.
    Image before, after;
    std::string
        staged;  ///< In the root: where the new inode is made and the old one lies afterwards; below trash/
                 ///< where a whole tree goes, and stays. Empty: mode, owner and attributes are changed in place.
    bool effect = false;
};

/// Two files that are the same, but not of the same age: nothing that is compared, but a file that goes back to the
/// byte has its time again.
inline bool differ_in_time_alone(const Image& before, const Image& after) {
    return before.kind == Entry::Kind::file && before.same_as(after) && before.modified != after.modified;
}

/// Whether going from the one to the other writes anything: what is compared, or the time of a file.
inline bool differ(const Image& before, const Image& after) {
    return !before.same_as(after) || differ_in_time_alone(before, after);
}

std::string to_text(const Image&);        ///< One line, for the store.
Image image_from_text(std::string_view);  ///< Throws Error where it is not one.

}  // namespace chaos::rollback
