// SPDX-License-Identifier: Apache-2.0
#include "succession.hpp"

#include "inode.hpp"
#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

std::string thrown(const Operation& operation) {
    return manner_of(operation) == Manner::to_trash ? operation.staged : "";
}

/// What an ACL says beside the mode: that changes with each chmod.
std::string beside_mode(const std::string& extended) {
    return with_mode(extended, 0);
}

const std::string* value_of(const Extended& attributes, const std::string& name) {
    const auto found = attributes.find(name);
    return found == attributes.end() ? nullptr : &found->second;
}

bool says_the_same(const std::string* a, const std::string* b) {
    return !a == !b && (!a || *a == *b);
}

/// Names that differ between what was left and what was found, and that the change which found them left alone.
void keep_extended(Image& before, const Image& left, const Image& found, const Image& after) {
    if (beside_mode(left.extended) == beside_mode(found.extended)) return;
    Extended goal = extended_from(before.extended);
    const Extended was = extended_from(beside_mode(left.extended)), is = extended_from(beside_mode(found.extended)),
                   stays = extended_from(beside_mode(after.extended)), now = extended_from(after.extended);
    Extended names = was;
    names.insert(is.begin(), is.end());
    for (const auto& [name, unused] : names) {
        const std::string* const value = value_of(is, name);
        if (says_the_same(value_of(was, name), value) || !says_the_same(value, value_of(stays, name))) continue;
        if (value)
            goal[name] = now.at(name);
        else
            goal.erase(name);
    }
    before.extended = to_text(goal);
}

/// What somebody changed between two changes of ours, and the later one left alone, stays.
void keep_theirs(Image& before, const Image& left, const Operation& next) {
    const Image &found = next.before, &after = next.after;
    if (before.kind != left.kind || left.kind != found.kind || found.kind != after.kind) return;
    if (left.kind == Entry::Kind::link) return;
    if (left.uid != found.uid && found.uid == after.uid) before.uid = after.uid;
    if (left.gid != found.gid && found.gid == after.gid) before.gid = after.gid;
    if (left.mode != found.mode && found.mode == after.mode) before.mode = after.mode;
    keep_extended(before, left, found, after);
    before.extended = with_mode(before.extended, before.mode);
    if (left.content && found.content && left.content != found.content && found.content == after.content) {
        take_content(before, after);
        before.modified = found.modified;
    }
}

}  // namespace

bool lacks_content(const Image& image) {
    return image.kind == Entry::Kind::file && !image.content;
}

void take_content(Image& image, const Image& from) {
    image.content = from.content;
    image.size = from.size;
}

bool is_another(const Succession& made, const Operation& next) {
    return !made.after && !next.before && next.after;
}

Succession::Succession(const Operation& first)
    : before(first.before),
      after(first.after),
      trash(thrown(first)),
      came_whole(manner_of(first) == Manner::from_trash) {}

void Succession::add(const Operation& next) {
    if (!after && next.before) {
        *this = Succession(next);
        return;
    }
    // A later run may have brought the tree back, and yet another one thrown it away again.
    if (next.after && !trash.empty() && next.staged == trash)
        trash.clear();
    else if (trash.empty() && before.kind == Entry::Kind::directory && next.before.same_inode_as_recorded(before))
        trash = thrown(next);
    const bool unread = lacks_content(before) && lacks_content(after);
    if (unread && next.before.kind == Entry::Kind::file) take_content(before, next.before);
    const Image last = after;
    keep_theirs(before, last, next);
    after = next.after;
    if (lacks_content(after) && last.kind == Entry::Kind::file) take_content(after, last);
}

}  // namespace chaos::rollback
