// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "descriptor.hpp"

namespace chaos::rollback {

/// A name in an open directory: what every change works on, so that nobody can turn a path under our hands.
/// Empty where the directory is not there. The root itself is "." in itself.
struct Spot {
    std::shared_ptr<const Descriptor> directory;
    std::string name;
    explicit operator bool() const { return directory != nullptr; }
    int at() const { return **directory; }
};

/// Where names can be renamed to each other: one mount of one file system (a btrfs subvolume counts as one).
struct Region {
    std::uint64_t mount = 0, device = 0;
    friend auto operator<=>(const Region&, const Region&) = default;
};

/// Paths of the managed system, resolved beneath its root and never out of it.
///
/// Links in a path are followed only where root (or, for a plain user, he himself) alone could have laid them: a link
/// in a directory that somebody else can write is an Error.
class Beneath {
public:
    explicit Beneath(const std::string& root);

    Spot spot(const std::string& path) const;
    Descriptor directory(const std::string& path) const;  ///< For paths' sake (O_PATH); empty where there is none.
    Descriptor nearest(const std::string& path) const;    ///< The directory, or the first above it that is there.

    const std::string& root() const { return root_; }  ///< Absolute, without links.

    /// Where the machine that runs chaos has it.
    std::string outside(const std::string& path) const { return root_ == "/" ? path : root_ + path; }
    /// The other way round; empty where it is not beneath the root.
    std::string inside(const std::string& machine_path) const;
    std::string path_of(int directory) const;  ///< Of an open directory, in the root.

    Descriptor topmost(int directory) const;  ///< The highest directory of its region in the root.

private:
    Descriptor walk(const std::string& path) const;

    std::string root_;
    Descriptor descriptor_;
};

/// One pass over many names: those that follow one another in one directory share its descriptor. For looking, and for
/// directories of ours: who changes a name of the host asks Beneath for each, so that nobody can move the directory.
class Near {
public:
    explicit Near(const Beneath& beneath) : beneath_(beneath) {}

    Spot spot(const std::string& path);
    bool is_fresh() const { return fresh_; }  ///< The last spot is in another directory than the one before.

    /// Begins a pass with nothing known, and keeps nothing open after it.
    class Pass {
    public:
        explicit Pass(Near& near) : near_(near) { near_.directory_.reset(); }
        ~Pass() { near_.directory_.reset(); }
        Pass(const Pass&) = delete;
        Pass& operator=(const Pass&) = delete;

    private:
        Near& near_;
    };

private:
    const Beneath& beneath_;
    std::shared_ptr<const Descriptor> directory_;
    std::string path_;
    bool fresh_ = true;
};

Region region_of(int descriptor);

/// The directory part and the last part of a path that begins with /.
std::string parent_of(const std::string& path);
std::string name_of(const std::string& path);
/// Without //, /./ and a / at the end. Throws Error where it is not absolute or has a part `..`.
std::string clean_path(const std::string& path);

/// "PATH: can not DO: why", as an Error.
[[noreturn]] void fail(const std::string& path, std::string_view doing, int error);

}  // namespace chaos::rollback
