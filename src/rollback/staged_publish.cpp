// SPDX-License-Identifier: Apache-2.0
// Staged inodes become visible, each in one rename.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chaos/named.hpp>

#include "names.hpp"
#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

Error changed_since(const std::string& path) {
    return Error(fmt::format("{} changed since the plan was made", named(path))).help("plan again: chaos plan");
}

Spot must_be_there(Spot spot, const std::string& path) {
    if (!spot) throw Error(fmt::format("{}: the directory {} is not there", named(path), named(parent_of(path))));
    return spot;
}

/// A directory that was swapped into the stage: gone, if it was empty. With something in it, it is somebody's.
bool went_empty(const Spot& spot) {
    return ::unlinkat(spot.at(), spot.name.c_str(), AT_REMOVEDIR) == 0;
}

/// Many operations are written down while their inodes are staged, at the price of one more sync before. Not where
/// staging changes what is there already: a tree in the trash.
bool is_worth_two_syncs(const std::vector<Move>& moves) {
    constexpr std::size_t many = 100;
    return moves.size() >= many && std::none_of(moves.begin(), moves.end(), [](const Move& move) {
               return manner_of(move.operation) == Manner::from_trash;
           });
}

}  // namespace

bool is_unit_file(const std::string& path) {
    return path.find("/systemd/system/") != path.npos || path.find("/systemd/user/") != path.npos;
}

void StagedHost::Parts::look_again(const Move& move) const {
    const Operation& operation = move.operation;
    const Spot spot = near.spot(operation.path);
    if (!spot) return;  // its directory is made by this publish
    const Image now = capture(spot, Depth::names);
    if (operation.before ? !untouched(now, operation.before) : static_cast<bool>(now))
        throw changed_since(operation.path);
}

void StagedHost::Parts::show(Move& move) {
    const Operation& operation = move.operation;
    const std::string& path = operation.path;
    const Spot target = must_be_there(beneath.spot(path), path);
    const Manner manner = manner_of(operation);
    if (manner == Manner::in_place) {
        const Descriptor open(::openat(target.at(), target.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!open) throw changed_since(path);
        if (!untouched(capture(target, Depth::names), operation.before)) throw changed_since(path);
        return change_meta(*open, operation.after, path);
    }
    if (manner == Manner::empty_away) {
        if (::unlinkat(target.at(), target.name.c_str(), AT_REMOVEDIR)) fail(path, "be removed", errno);
        return;
    }
    const Spot staged = must_be_there(near.spot(operation.staged), operation.staged);
    if (manner == Manner::appear || manner == Manner::from_trash) {
        if (!move_name(staged, target, path)) throw changed_since(path);
        return;
    }
    if (manner == Manner::disappear || manner == Manner::to_trash) {
        if (!move_name(target, staged, path)) throw Error(fmt::format("{}: is in the way", named(operation.staged)));
        if (untouched(capture(staged, Depth::names), operation.before)) return;
        move_name(staged, target, path);  // somebody's newer one: back, unless there is a yet newer one
        throw changed_since(path);
    }
    if (!exchange(staged, target, path)) {
        if (!untouched(capture(target, Depth::names), operation.before)) throw changed_since(path);
        return replace(staged, target, {staged.directory, staged.name + ".old"}, path);
    }
    if (untouched(capture(staged, Depth::names), operation.before) &&
        (operation.before.kind != Entry::Kind::directory || went_empty(staged)))
        return;
    // Until our own is back in the stage: what came out may be replaced by yet another while we put it back.
    for (int tries = 0; tries < 100; ++tries) {
        exchange(staged, target, path);
        if (capture(staged, Depth::names).same_inode(move.made)) break;
    }
    throw changed_since(path);
}

/// Before the first name changes: nobody has changed one of them since it was looked at.
void StagedHost::Parts::look_again(const std::vector<Move>& moves) const {
    const Near::Pass pass(near);
    std::set<std::string> going;  // what comes in their place can not be looked at yet
    for (const Move& move : moves) {
        const std::string& path = move.operation.path;
        bool replaces = false;
        for (std::string up = path; !going.empty() && up != "/"; up = parent_of(up)) replaces |= going.contains(up);
        if (!replaces) look_again(move);
        if (!move.operation.after) going.insert(path);
    }
}

/// Makes sure that all of this can be taken back. What many operations take to be written down goes on when it returns.
std::unique_ptr<Meanwhile> StagedHost::Parts::record(std::vector<Move>& moves, const std::vector<Content>& blobs) {
    std::vector<Operation*> operations;
    operations.reserve(moves.size());
    for (Move& move : moves) operations.push_back(&move.operation);
    const bool many = is_worth_two_syncs(moves);
    journal.announce(operations, {stages.begin() + static_cast<std::ptrdiff_t>(announced), stages.end()},
                     many ? Journal::Durable::now : Journal::Durable::with_intend);
    announced = stages.size();
    if (many) return std::make_unique<Meanwhile>([this, operations, &blobs] { journal.intend(operations, blobs); });
    journal.intend(operations, blobs);
    return nullptr;
}

/// Where much is staged, what else is to be done before the last look at the targets goes on while the disk takes its
/// time.
std::unique_ptr<Meanwhile> StagedHost::Parts::sync_staged(Meanwhile* recorded, const Planned& planned) {
    if (!recorded) return sync(), nullptr;
    auto synced = std::make_unique<Meanwhile>([this, all = to_be_synced()] { sync(all); });
    recorded->join();  // nothing is shown of which it is not known how it was
    if (planned.meanwhile) planned.meanwhile();
    return synced;
}

void StagedHost::Parts::publish(std::vector<Move>& moves, const std::vector<Content>& blobs, const Planned& planned) {
    std::unique_ptr<Meanwhile> recorded = record(moves, blobs);
    try {
        const auto is_newer = [&](const Move& move) { return move.operation.before.changed >= planned.since; };
        if (planned.holds && std::any_of(moves.begin(), moves.end(), is_newer)) planned.holds();
        stage(moves);
        const auto synced = sync_staged(recorded.get(), planned);
        validate(moves);
        if (synced) synced->join();
        look_again(moves);
        const Near::Pass pass(near);
        for (Move& move : moves) show(move);
    } catch (...) {
        recorded.reset();
        std::vector<Operation> operations;
        for (const Move& move : moves) operations.push_back(move.operation);
        unpublish(std::move(operations));
        if (sync_failed) throw Error(*sync_failed);  // whatever else failed beside it
        throw;
    }
    for (const Move& move : moves) {
        units_changed |= is_unit_file(move.operation.path);
        if (is_to_be_adopted(move.operation)) replaced_big.push_back(move.operation);
    }
}

void StagedHost::publish(const Planned& planned) {
    const std::lock_guard guard(parts_->mutex);
    parts_->owners.reset();
    parts_->unvalidated.clear();
    struct Discard {
        StagedHost& host;
        ~Discard() { host.discard(); }
    } const discard_at_the_end{*this};
    std::vector<Content> blobs;
    std::vector<Move> moves = parts_->look(blobs);
    if (!moves.empty()) parts_->publish(moves, blobs, planned);
    parts_->owners.reset();
}

}  // namespace chaos::rollback
