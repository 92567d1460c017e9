// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>

#include "beneath.hpp"
#include "image.hpp"

namespace chaos::rollback {

/// How much of a name is looked at: what it is; with its extended attributes; with its content; with its flags, too.
enum class Depth : char { names, meta, content, whole };

/// What lies there. `bytes` gets the content of a regular file of at most Content::in_memory bytes.
/// Its digest is of what was read while nobody wrote: it is read again where somebody did.
Image capture(const Spot&, Depth, std::string* bytes = nullptr);

/// What an inode is that is open already; O_PATH will do.
Image capture(int descriptor, const std::string& path);

/// As capture, to be compared with these: content is read only where the size is one of theirs.
Image capture_like(const Spot&, std::span<const Image* const> others);

/// The inode that this image was taken of, by the handle it has in Image::others (O_PATH), found from a directory of
/// its file system. `gone`: no name leads to it any more; else none is an inode that may not be asked for.
Descriptor open_others(int directory, const Image& was, bool& gone);
/// Gives an inode this name, too, where it is as the image says, to its time. False, and nothing is made, where not.
bool rejoin(const Spot& name, int descriptor, const Image& was);

/// The same inode, not written and not changed since: what a look again, and one after an EXCHANGE, must find.
bool untouched(const Image& now, const Image& then);

/// Extended attributes by name. The text form is Image::extended.
using Extended = std::map<std::string, std::string>;
Extended extended_from(std::string_view text);
std::string to_text(const Extended&);

/// What chmod to this mode makes of an access ACL among them: its owner, mask (or group) and other entries follow.
std::string with_mode(const std::string& extended, std::uint32_t mode);
/// Without capabilities: they were given to a content, not to a name.
std::string without_capabilities(const std::string& extended);

/// What chattr said of another file, for the one that takes its place: compressed, not copied on write, not dumped.
/// Before it has a content: for some it is too late then. False where the file system does not take it.
bool give_flags(int descriptor, std::uint32_t flags);

/// Owner, mode, extended attributes (capabilities last: chown takes them away), in this order. By descriptor; O_PATH
/// will do. What is as wished is not touched.
void change_meta(int descriptor, const Image& wished, const std::string& path);

/// Whether what is there can be a change_meta from one to the other that was cut somewhere: ours to finish or to undo.
bool between(const Image& now, const Image& from, const Image& to);

}  // namespace chaos::rollback
