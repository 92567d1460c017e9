// SPDX-License-Identifier: Apache-2.0
// Recovery, and what a failed publish does: the table of rule 7, from nothing but the Operations and what is there.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chaos/named.hpp>
#include <exception>

#include "names.hpp"
#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

/// rmdir. False: something is in it, which is not ours.
bool remove_empty(const Spot& spot, const std::string& path) {
    if (::unlinkat(spot.at(), spot.name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    if (errno != ENOTEMPTY && errno != EEXIST) fail(path, "be removed", errno);
    return false;
}

/// The old inode itself: whatever was written to it through an open descriptor belongs to it.
bool is_old(const Image& kept, const Image& before) {
    return kept && before && (kept.same_inode_as_recorded(before) || kept.same_as(before));
}

/// Swaps the staged one in, and checks what came out. False, and all as it was: that was somebody's.
bool swap_in(const Spot& staged, const Spot& target, const Image& expected, const std::string& path) {
    if (!exchange(staged, target, path)) {
        if (::renameat(staged.at(), staged.name.c_str(), target.at(), target.name.c_str()))
            fail(path, "be put back", errno);
        return true;
    }
    bool right = untouched(capture(staged, Depth::names), expected);
    if (right && expected.kind == Entry::Kind::directory) right = remove_empty(staged, path);
    if (!right) exchange(staged, target, path);
    return right;
}

}  // namespace

/// From the bytes in the store, where the old inode is lost: as a new one, through the stage.
bool StagedHost::Parts::remake(const Operation& operation, const Spot& target, const Image& now) {
    const Image& before = operation.before;
    if (before.kind == Entry::Kind::other)
        throw Error(fmt::format("{}: its inode is lost, and a device, socket or pipe can not be made again",
                                named(operation.path)));
    make_stage_directory(operation.staged);
    const Spot staged = beneath.spot(operation.staged);
    if (!staged) fail(operation.path, "be staged", ENOENT);
    clear(staged, operation.staged);  // a copy that was cut
    touch(staged.at(), parent_of(operation.staged));
    make(staged, before, before.kind == Entry::Kind::file ? journal.blob(before.content) : Content(), operation.path);
    sync();  // its content before its name
    return now ? swap_in(staged, target, now, operation.path) : move_name(staged, target, operation.path);
}

bool StagedHost::Parts::bring_back_attributes(const Operation& operation, const Spot& target) {
    const Descriptor open(::openat(target.at(), target.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    const Image now = open ? capture(target, Depth::meta) : Image();
    // Attribute by attribute: what of them is neither as before nor as we made it is somebody's.
    if (!open || !between(now, operation.before, operation.after)) return false;
    change_meta(*open, operation.before, operation.path);
    return true;
}

bool StagedHost::Parts::bring_back_tree(const Operation& operation, const Spot& target) {
    const Spot trash = beneath.spot(operation.staged);
    const Image kept = trash ? capture(trash, Depth::names) : Image();
    const Image now = capture(target, Depth::names);
    if (operation.before) {
        if (!kept) return static_cast<bool>(now);  // not published, or already back; neither here nor there: lost
        return !now && move_name(trash, target, operation.path);
    }
    if (kept || !now) return true;
    if (!now.same_inode_as_recorded(operation.after)) return false;
    make_stage_directory(operation.staged);
    return move_name(target, beneath.spot(operation.staged), operation.path);
}

/// In a tree that was to come from the trash, and lies there: what was to be done in it then was not begun.
bool StagedHost::Parts::is_in_trash(const std::string& path, std::span<const Operation> operations) const {
    if (beneath.spot(path)) return false;
    return std::any_of(operations.begin(), operations.end(), [&](const Operation& tree) {
        return path.starts_with(tree.path + "/") && manner_of(tree) == Manner::from_trash &&
               beneath.spot(tree.staged + path.substr(tree.path.size()));
    });
}

/// `earlier`: what this run found at the path before, each time it changed it. False: it is somebody's by now.
bool StagedHost::Parts::bring_back(const Operation& operation, std::span<const Image* const> earlier) {
    const Image &before = operation.before, &after = operation.after;
    const std::string& path = operation.path;
    const Spot target = beneath.spot(path);
    if (!target) return !before;  // its directory is gone, and it with it
    touch(target.at(), parent_of(path));
    const Manner manner = manner_of(operation);
    if (manner == Manner::in_place) return bring_back_attributes(operation, target);
    if (manner == Manner::to_trash || manner == Manner::from_trash) return bring_back_tree(operation, target);

    std::vector<const Image*> known(earlier.begin(), earlier.end());
    known.insert(known.end(), {&before, &after});
    const Image now = capture_like(target, known);
    const bool aged = differ_in_time_alone(before, after) && now.modified == after.modified;
    if (now.same_as(before) && !aged) return true;
    // Back at where it was before an older change of this run: an undo before this one came that far.
    if (std::any_of(earlier.begin(), earlier.end(), [&](const Image* one) { return now.same_as(*one); })) return true;
    Spot staged = beneath.spot(operation.staged);
    Image kept = staged ? capture_like(staged, known) : Image();
    bool old = is_old(kept, before);
    if (staged && before && !old) {  // replaced without an exchange: replace()
        const Spot second{staged.directory, staged.name + ".old"};
        const Image linked = capture_like(second, known);
        if (is_old(linked, before)) staged = second, kept = linked, old = true;
    }
    if (staged) touch(staged.at(), parent_of(operation.staged));
    const bool as_we_made = after ? now.same_as(after) : !now;
    if (!as_we_made) {
        if (old) return false;                             // published, then edited
        return before || !now || static_cast<bool>(kept);  // a new name, and what we staged is in the stage no more
    }
    if (before && after) return old ? swap_in(staged, target, now, path) : remake(operation, target, now);
    if (before) return old ? move_name(staged, target, path) : remake(operation, target, now);
    if (after.kind == Entry::Kind::directory) return kept ? true : remove_empty(target, path);
    make_stage_directory(operation.staged);
    staged = beneath.spot(operation.staged);
    if (!staged) fail(path, "be taken back", ENOENT);
    if (kept) clear(staged, operation.staged);  // made once more, in an undo before this one that was cut
    if (!move_name(target, staged, path)) return false;
    if (untouched(capture(staged, Depth::names), now)) return true;
    move_name(staged, target, path);
    return false;
}

std::vector<Operation> StagedHost::Parts::unpublish(std::vector<Operation> operations) {
    std::sort(operations.begin(), operations.end(),
              [](const Operation& a, const Operation& b) { return a.number > b.number; });
    std::erase_if(operations, [](const Operation& operation) { return operation.effect; });
    // Every file system is opened before the first change: an error while it is written is told to these descriptors.
    for (const Operation& operation : operations)
        touch(*beneath.nearest(parent_of(operation.path)), parent_of(operation.path));
    std::vector<Operation> left;
    std::exception_ptr first;
    std::map<std::string_view, std::vector<const Image*>> earlier;  // by path, oldest first
    for (auto operation = operations.rbegin(); operation != operations.rend(); ++operation)
        earlier[operation->path].push_back(&operation->before);
    for (const Operation& operation : operations) {
        units_changed |= is_unit_file(operation.path);
        std::vector<const Image*>& older = earlier[operation.path];
        older.pop_back();
        try {
            if (!bring_back(operation, older) && !is_in_trash(operation.path, operations)) left.push_back(operation);
        } catch (const Error&) {
            if (!first) first = std::current_exception();
        }
    }
    if (first) std::rethrow_exception(first);
    return left;
}

std::vector<Operation> StagedHost::unpublish(std::vector<Operation> operations) {
    const std::lock_guard guard(parts_->mutex);
    return parts_->unpublish(std::move(operations));
}

}  // namespace chaos::rollback
