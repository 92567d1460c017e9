// SPDX-License-Identifier: Apache-2.0
// What a publish will do, looked up before anything is done: the Operations with their before-images, and where each
// is staged.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <algorithm>
#include <cerrno>
#include <chaos/named.hpp>
#include <iterator>
#include <tuple>

#include "mounts.hpp"
#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

using Verb = Wish::Verb;

std::string_view word(Entry::Kind kind) {
    switch (kind) {
        case Entry::Kind::absent: return "absent";
        case Entry::Kind::file: return "a regular file";
        case Entry::Kind::directory: return "a directory";
        case Entry::Kind::link: return "a link";
        case Entry::Kind::other: break;
    }
    return "a device, socket or pipe";
}

bool same_content(const Image& one, const Image& other) {
    return one.kind == other.kind && one.target == other.target && one.content == other.content;
}

/// A rename into this directory from the stage would be refused (EXDEV) although it is one mount: it is encrypted with
/// a key of its own, or counted for a project of its own.
bool apart(int directory) {
    struct statx found {};
    if (::statx(directory, "", AT_EMPTY_PATH, STATX_TYPE, &found) == 0 && (found.stx_attributes & STATX_ATTR_ENCRYPTED))
        return true;
    const Descriptor open(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct fsxattr attributes {};
    return open && ::ioctl(*open, FS_IOC_FSGETXATTR, &attributes) == 0 && attributes.fsx_projid != 0 &&
           (attributes.fsx_xflags & FS_XFLAG_PROJINHERIT);
}

/// syncfs of these writes what was written, and says so where it could not.
bool syncs_whole(int descriptor) {
    constexpr long f2fs = 0xF2F52010, bcachefs = 0xca451a4e, zfs = 0x2fc12fc1;
    struct statfs found {};
    if (::fstatfs(descriptor, &found)) return false;
    switch (static_cast<long>(found.f_type)) {
        case EXT4_SUPER_MAGIC:
        case XFS_SUPER_MAGIC:
        case BTRFS_SUPER_MAGIC:
        case OVERLAYFS_SUPER_MAGIC:
        case TMPFS_MAGIC:
        case f2fs:
        case bcachefs:
        case zfs: return true;
        default: return false;
    }
}

bool is_overlay(int descriptor) {
    struct statfs found {};
    return ::fstatfs(descriptor, &found) == 0 && found.f_type == OVERLAYFS_SUPER_MAGIC;
}

/// In the order of their digests.
std::vector<Content> each_once(const std::vector<Content>& contents) {
    std::map<Digest, const Content*> found;
    for (const Content& content : contents) found.emplace(content.digest(), &content);
    std::vector<Content> once;
    once.reserve(found.size());
    for (const auto& [digest, content] : found) once.push_back(*content);
    return once;
}

/// Mount points below a path of this machine: a tree with one in it can not be moved.
std::string mount_below(const std::string& path) {
    for (const Mount& mount : mounts())
        if (mount.point == path || mount.point.starts_with(path + "/")) return mount.point;
    return {};
}

}  // namespace

Manner manner_of(const Operation& operation) {
    if (operation.staged.empty()) return Manner::in_place;
    // STATE/trash/RUN/NAME; what lies beside a target, or at the top of a mount, is called .chaos-
    const std::string above = parent_of(operation.staged);
    const bool tree = name_of(parent_of(above)) == "trash" && !name_of(above).starts_with(".chaos-") &&
                      !name_of(operation.staged).starts_with(".chaos-");
    if (!operation.before) return tree ? Manner::from_trash : Manner::appear;
    if (operation.after) return Manner::swap;
    if (tree) return Manner::to_trash;
    return operation.before.kind == Entry::Kind::directory ? Manner::empty_away : Manner::disappear;
}

void StagedHost::Parts::touch(int directory, const std::string& changed_directory) {
    const std::uint64_t device = region_of(directory).device;
    auto found = file_systems.find(device);
    if (found == file_systems.end()) {
        Descriptor open(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!open) fail(changed_directory, "be opened", errno);
        const bool whole = syncs_whole(*open);
        found = file_systems.emplace(device, FileSystem{std::move(open), whole, {}}).first;
    }
    if (!found->second.whole) found->second.directories.insert(changed_directory);
}

const Surroundings& StagedHost::Parts::surroundings_of(const std::string& path) {
    const auto [found, fresh] = surroundings.try_emplace(parent_of(path));
    Surroundings& here = found->second;
    if (!fresh) return here;
    const Descriptor above = beneath.nearest(found->first);
    here.directory = beneath.path_of(*above);
    here.apart = apart(*above);
    here.region = region_of(*above);
    touch(*above, here.directory);
    return here;
}

std::string StagedHost::Parts::stage_name(const std::string& path) {
    const Surroundings& above = surroundings_of(path);
    const std::string name = fmt::format("{}-{}", nonce, ++counter);
    if (above.apart) {
        // Beside the target, where a ~ at the end makes those who read whole directories skip it.
        std::string beside = fmt::format("{}/.chaos-{}-{}~", above.directory == "/" ? "" : above.directory, run, name);
        stages.push_back(beside);
        return beside;
    }
    std::string& stage = stage_of[above.region];
    if (stage.empty()) {
        const Descriptor own = state_in_root.empty() ? Descriptor() : beneath.directory(state_in_root);
        if (own && region_of(*own) == above.region) {
            stage = fmt::format("{}/stage/{}", state_in_root, run);
        } else {
            const std::string top = beneath.path_of(*beneath.topmost(*beneath.nearest(parent_of(path))));
            stage = fmt::format("{}/.chaos-{}-{}", top == "/" ? "" : top, run, nonce);
        }
        stages.push_back(stage);
    }
    return stage + "/" + name;
}

std::optional<Move> StagedHost::Parts::look_at(const Wish& wish, bool gone, std::vector<Content>& blobs) {
    const Spot spot = near.spot(wish.trash.empty() ? lies_at(wish.path) : wish.path);
    gone &= lies_at(wish.path) == wish.path;
    Move move;
    Operation& operation = move.operation;
    operation.run = run, operation.step = wish.step, operation.path = wish.path;
    std::string bytes;
    if (spot && !gone) operation.before = capture(spot, wish.verb == Verb::meta ? Depth::meta : Depth::whole, &bytes);
    const Image& before = operation.before;
    if (wish.verb == Verb::meta && !before)
        throw Error(
            fmt::format("{}: expected something there to give a mode and owner, found nothing", named(wish.path)));
    operation.after = wished(wish, before);
    const Image& after = operation.after;
    if (!before && !after) return std::nullopt;
    const bool other_time = wish.verb == Verb::restore && differ_in_time_alone(before, after);
    if (before && after && before.same_as(after) && !other_time) return std::nullopt;
    const bool directory = before.kind == Entry::Kind::directory;
    if (before && after && directory != (after.kind == Entry::Kind::directory) && !wish.over_other)
        throw Error(fmt::format("{}: expected {}, found {}", named(wish.path), word(after.kind), word(before.kind)))
            .help("remove it first, or give the other a path of its own");
    if (wish.path == "/" && !(before && after && same_content(before, after)))
        throw Error("/: the root itself can not be made, replaced or removed");
    if (after.kind == Entry::Kind::other && !(before && same_content(before, after)) && wish.trash.empty())
        throw Error(fmt::format("{}: {} can not be made again", named(wish.path), word(after.kind)));
    if (!wish.trash.empty() && !before && after) {
        operation.staged = wish.trash;
        if (const Spot kept = beneath.spot(wish.trash); kept) operation.after = capture(kept, Depth::meta);
        // An earlier run may have changed it before it was thrown away: it comes back as it was before both.
        const Image& wanted = wish.image;
        if (operation.after.kind == wanted.kind) {
            operation.after.mode = wanted.mode, operation.after.uid = wanted.uid, operation.after.gid = wanted.gid;
            operation.after.extended = wanted.extended;
        }
        if (!operation.after) throw Error(fmt::format("{}: is not in the trash any more", named(wish.path)));
        touch(*beneath.nearest(parent_of(wish.path)), parent_of(wish.path));
        touch(*beneath.nearest(parent_of(wish.trash)), parent_of(wish.trash));
        return move;
    }
    if (before && after && same_content(before, after) && after.kind != Entry::Kind::absent && !other_time) {
        touch(spot.at(), parent_of(wish.path));
        return move;
    }
    operation.staged = stage_name(wish.path);
    if (after.kind == Entry::Kind::file) move.content = content_of(wish);
    if (before.kind == Entry::Kind::file && before.size <= Content::in_memory) blobs.emplace_back(std::move(bytes));
    if (wish.verb == Verb::restore && wish.content.held() && wish.content.size() > 0) blobs.push_back(wish.content);
    return move;
}

std::vector<Move> StagedHost::Parts::look_at_tree(const Wish& wish, std::vector<Content>& blobs) {
    std::vector<Move> moves;
    const Spot spot = spot_of(wish.path);
    const Image top = spot ? capture(spot, Depth::meta) : Image();
    if (!top) return moves;
    if (wish.path == "/") throw Error("/: the root itself can not be removed");
    if (top.kind != Entry::Kind::directory) {
        if (auto move = look_at(wish, false, blobs)) moves.push_back(std::move(*move));
        return moves;
    }
    const std::string state_here = state_in_root;
    if (!state_here.empty() && (state_here == wish.path || state_here.starts_with(wish.path + "/")))
        throw Error(fmt::format("{}: holds chaos's own state ({}) and can not be removed", named(wish.path),
                                named(state_here)));
    const Descriptor inside(::openat(spot.at(), spot.name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inside) fail(wish.path, "be opened", errno);
    if (const std::string mount = mount_below(beneath.outside(beneath.path_of(*inside))); !mount.empty())
        throw Error(fmt::format("{}: something is mounted at {}", named(wish.path), named(mount)))
            .help("umount it first");
    const Descriptor own = state_here.empty() ? Descriptor() : beneath.directory(state_here);
    const bool in_one_move = own && region_of(*own) == region_of(spot.at()) && region_of(*own) == region_of(*inside) &&
                             !is_overlay(*own) && !apart(spot.at());
    if (!in_one_move) {
        expand_tree(wish, top, moves, blobs);
        return moves;
    }
    Move move;
    move.operation.run = run, move.operation.step = wish.step, move.operation.path = wish.path;
    move.operation.before = top;
    move.operation.staged = fmt::format("{}/trash/{}/{}-{}", state_here, run, nonce, ++counter);
    touch(spot.at(), parent_of(wish.path));
    touch(*own, state_here);
    moves.push_back(std::move(move));
    return moves;
}

/// A tree that can not be moved in one piece (another mount than the state's, an overlay's lower directory): each of
/// its names goes by itself, and each can come back by itself.
void StagedHost::Parts::expand_tree(const Wish& wish, const Image& top, std::vector<Move>& moves,
                                    std::vector<Content>& blobs) {
    Footprint below;
    const std::string_view path = wish.path;
    below.contents = {&path, 1};
    std::vector<std::pair<std::string, bool>> todo{{wish.path, top.kind == Entry::Kind::directory}};
    for (std::size_t i = 0; i < todo.size(); ++i) {
        if (!todo[i].second) continue;
        const std::string directory = todo[i].first;
        for (const std::string& name : looking.list(directory)) {
            std::string entry = directory + "/" + name;
            if (const Wish* own = queue.find(entry); own && !own->makes()) continue;  // by itself, before the tree
            const bool is_directory = looking.look(entry).kind == Entry::Kind::directory;
            todo.emplace_back(std::move(entry), is_directory);
        }
    }
    for (auto entry = todo.rbegin(); entry != todo.rend(); ++entry) {
        Wish one;
        one.verb = Verb::remove, one.path = entry->first, one.step = wish.step;
        if (auto move = look_at(one, false, blobs)) moves.push_back(std::move(*move));
    }
}

/// Two spellings of one name, or a name in a directory that nobody makes: found before anything is touched.
void StagedHost::Parts::check_parents(const std::vector<Move>& moves) const {
    std::map<std::tuple<Region, std::uint64_t, std::string>, const std::string*> seen;
    std::set<std::string> made;
    Region region;
    struct stat directory {};
    const Near::Pass pass(near);
    for (const Move& move : moves) {
        const std::string& path = move.operation.path;
        const std::string parent = parent_of(path);
        const Operation& operation = move.operation;
        if (operation.after.kind == Entry::Kind::directory && operation.before.kind != Entry::Kind::directory)
            made.insert(path);
        const Spot spot = near.spot(lies_at(path));
        if (!spot) {
            if (!made.contains(parent))
                throw Error(fmt::format("{}: the directory {} is not there", named(path), named(parent)))
                    .help(fmt::format("declare directory: {}", named(parent)));
            continue;
        }
        if (near.is_fresh()) {
            if (::fstat(spot.at(), &directory)) fail(parent, "be looked at", errno);
            region = region_of(spot.at());
        }
        const auto [other, fresh] = seen.emplace(std::tuple(region, directory.st_ino, spot.name), &path);
        if (!fresh && *other->second != path)
            throw Error(fmt::format("{} and {} are one file", named(*other->second), named(path)))
                .help("declare it once");
    }
}

std::vector<Move> StagedHost::Parts::look(std::vector<Content>& blobs) {
    std::vector<Move> moves;
    std::vector<std::string> trees;
    const Near::Pass pass(near);
    surroundings.clear();
    const std::vector<const Wish*> wishes = queue.in_order();
    moves.reserve(wishes.size());
    for (const Wish* wish : wishes) {
        if (wish->verb == Verb::remove_tree) {
            std::vector<Move> tree = look_at_tree(*wish, blobs);
            std::move(tree.begin(), tree.end(), std::back_inserter(moves));
            trees.push_back(wish->path);
            continue;
        }
        const bool gone = std::any_of(trees.begin(), trees.end(), [&](const std::string& tree) {
            return wish->path == tree || wish->path.starts_with(tree + "/");
        });
        if (auto move = look_at(*wish, gone, blobs)) moves.push_back(std::move(*move));
    }
    if (moves.empty()) return moves;
    check_parents(moves);
    refuse_fixed(moves);
    blobs = each_once(blobs);
    refuse_what_does_not_fit(moves, blobs);
    return moves;
}

}  // namespace chaos::rollback
