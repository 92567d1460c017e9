// SPDX-License-Identifier: Apache-2.0
// What is asked for, in order: what a later wish does to an earlier one of its name.
#include "staged_parts.hpp"

namespace chaos::rollback {

void Queue::drop(std::size_t place) {
    if (!wishes_[place]) return;
    wishes_[place].reset();
    --live_;
}

Wish* Queue::find(const std::string& path) {
    const auto found = by_path_.find(path);
    return found == by_path_.end() ? nullptr : &*wishes_[found->second];
}

void Queue::add(Wish wish) {
    const std::string path = wish.path;
    returning_.erase(path);
    if (!wish.trash.empty()) returning_[path] = wish.trash;
    const auto old = by_path_.find(path);
    if (!wish.makes() && gone(parent_of(path)) && in_trash(path).empty()) {  // it goes with the tree
        if (old == by_path_.end() || !wishes_[old->second]->makes()) return;
        drop(old->second);
        by_path_.erase(old);
        return;
    }
    if (old != by_path_.end()) {
        Wish& before = *wishes_[old->second];
        // What is made twice stays where it is, since what was queued after it may lie in it. What goes, goes last.
        if (before.makes() && wish.makes()) {
            wish.over_other |= before.over_other;
            if (wish.meta.owner.empty()) wish.meta.owner = before.meta.owner;
            if (wish.meta.group.empty()) wish.meta.group = before.meta.group;
            before = std::move(wish);
            return;
        }
        wish.over_other |= before.over_other || before.verb == Wish::Verb::remove;
        // A tree that was removed stays removed: the new name comes after it.
        if (before.verb != Wish::Verb::remove_tree) drop(old->second);
        by_path_.erase(old);
    }
    if (wish.verb == Wish::Verb::remove_tree) {
        returning_.erase(returning_.lower_bound(path + "/"), returning_.lower_bound(path + "0"));
        for (auto below = by_path_.lower_bound(path + "/"); below != by_path_.end() && below->first < path + "0";) {
            if (!wishes_[below->second]->makes()) {  // by itself, so that it comes back by itself
                ++below;
                continue;
            }
            drop(below->second);
            below = by_path_.erase(below);
        }
        if (!trees_.insert(path).second) {  // removed before, and something was made there since: that is dropped
            for (std::size_t i = 0; i < wishes_.size(); ++i)
                if (wishes_[i] && wishes_[i]->path == path) by_path_[path] = i;
            return;
        }
    }
    by_path_[path] = wishes_.size();
    wishes_.emplace_back(std::move(wish));
    ++live_;
}

bool Queue::gone(const std::string& path) const {
    if (trees_.empty()) return false;
    for (std::string up = path; up != "/"; up = parent_of(up))
        if (trees_.contains(up)) return true;
    return false;
}

std::vector<const Wish*> Queue::below(const std::string& directory) const {
    const std::string prefix = directory == "/" ? "/" : directory + "/";
    std::vector<const Wish*> out;
    for (auto at = by_path_.lower_bound(prefix); at != by_path_.end() && at->first.starts_with(prefix); ++at)
        if (at->first.find('/', prefix.size()) == std::string::npos && at->first.size() > prefix.size())
            out.push_back(&*wishes_[at->second]);
    return out;
}

std::vector<std::string> Queue::trees_in(const std::string& directory) const {
    std::vector<std::string> out;
    for (const std::string& tree : trees_)
        if (parent_of(tree) == directory) out.push_back(tree);
    return out;
}

std::string Queue::in_trash(const std::string& path) const {
    if (returning_.empty()) return {};
    for (std::string up = path; up != "/"; up = parent_of(up)) {
        if (const auto tree = returning_.find(up); tree != returning_.end())
            return tree->second + path.substr(up.size());
        if (trees_.contains(up)) break;  // it returned, and this of it goes
    }
    return {};
}

std::vector<const Wish*> Queue::in_order() const {
    std::vector<const Wish*> out;
    for (const std::optional<Wish>& wish : wishes_)
        if (wish) out.push_back(&*wish);
    return out;
}

}  // namespace chaos::rollback
