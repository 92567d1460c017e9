// SPDX-License-Identifier: Apache-2.0
// What is not as its kind finds it: who has the place that several had in turn, what has none to come back to, and
// commands whose mark is gone.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "nowhere.hpp"
#include "taking_back.hpp"

namespace chaos::rollback {

/// A path may have been a file and a directory in turn: of what comes back and what goes, who is in the same place.
void TakingBack::find_rivals() {
    const auto is_missing = [](const State& state) { return !state; };
    if (std::none_of(bases_.begin(), bases_.end(), is_missing) ||
        std::none_of(targets_.begin(), targets_.end(), is_missing))
        return;
    std::unordered_map<std::string, std::uint32_t> first;
    std::map<std::string, std::vector<std::uint32_t>> shared;
    for (std::uint32_t i = 0; i < bases_.size(); ++i) {
        if (bases_[i] && targets_[i]) continue;
        for (std::string& name :
             claimed(*back_.site.catalog[i].type, bases_[i] ? bases_[i] : targets_[i], {Claim::Role::provides})) {
            const auto [held, fresh] = first.try_emplace(std::move(name), i);
            if (fresh || held->second == i) continue;
            auto& those = shared.try_emplace(held->first, 1, held->second).first->second;
            those.push_back(i);
        }
    }
    for (const auto& [name, those] : shared)
        for (const std::uint32_t one : those)
            for (const std::uint32_t other : those)
                if (one != other) rivals_[one].push_back(other);
}

/// What is found where one of the runs put something of another kind is that, and nobody's edit: of what had been there
/// before there is nothing.
void TakingBack::give_places_to_who_is_there() {
    const auto is_there = [&](std::uint32_t one) { return bases_[one] && back_.observed[one] && !hidden_[one]; };
    for (const auto& [i, others] : rivals_) {
        if (bases_[i] || std::none_of(others.begin(), others.end(), is_there)) continue;
        back_.observed[i] = State();
        hidden_[i].reset();
    }
}

/// What others are in, or need, stays with them.
void TakingBack::keep_what_is_occupied(const View& view) {
    Emptying emptying;
    emptying.over_members = resolution_ == Resolution::ours;
    States goal = back_.goal;
    auto occupied = keep_occupied(back_.site.catalog, view, back_.observed, goal, emptying);
    emptying.whole = trees_that_came(occupied, view);
    if (!emptying.whole.empty()) {
        goal = back_.goal;
        occupied = keep_occupied(back_.site.catalog, view, back_.observed, goal, emptying);
    }
    back_.goal = std::move(goal);
    for (const std::uint32_t i : occupied) {
        const Resource& kept = back_.site.catalog[i];
        // It was decided that it goes, and it does not.
        std::erase_if(back_.decided, [&](const Decided& told) {
            return told.conflict.id == kept.id && told.conflict.attribute.empty();
        });
        // A package that others came to need is no matter of dispute: it goes with the last of them.
        if (kept.type->batches() && kept.type->way() == Way::opaque)
            back_.decided.push_back({Decided::How::theirs, {kept.id, "", "absent", "present", "others need it"}});
        else
            tell({kept.id, "", "absent", "present", "there is something in it, or needs it"});
    }
}

/// Of these, directories that the runs brought back with all that is in them, and that nobody has touched since: they
/// go as they came.
std::vector<std::uint32_t> TakingBack::trees_that_came(const std::vector<std::uint32_t>& kept, const View& view) const {
    std::vector<std::uint32_t> whole;
    if (kept.empty()) return whole;
    std::set<std::string> came;  // where a tree could not be moved in one piece: its names, one by one
    for (const OfPath& of : paths_)
        if (!of.made.before && of.made.after) came.insert(of.path);
    for (const std::int64_t run : back_.runs)
        for (const ChangeRecord& change : place_.store.outlines(run)) came.erase(change.key);  // by itself
    for (const OfPath& of : paths_) {
        const bool is_kept = of.owner && std::find(kept.begin(), kept.end(), *of.owner) != kept.end();
        if (!is_kept || of.made.before || of.made.after.kind != Entry::Kind::directory) continue;
        const auto run = place_.store.run(last_runs_[*of.owner]);
        if (run && is_as_it_came(of, of.made.came_whole ? nullptr : &came, run->ended, view))
            whole.push_back(*of.owner);
    }
    std::sort(whole.begin(), whole.end());
    return whole;
}

bool TakingBack::is_as_it_came(const OfPath& tree, const std::set<std::string>* names, std::int64_t when,
                               const View& view) {
    std::vector<std::string> todo{tree.path};
    while (!todo.empty()) {
        const std::string path = std::move(todo.back());
        todo.pop_back();
        const Entry entry = view->look(path);
        if (entry.changed > when || (names && path != tree.path && !names->contains(path))) return false;
        if (entry.kind != Entry::Kind::directory) continue;
        for (const std::string& name : view->list(path)) todo.push_back(path + "/" + name);
    }
    return true;
}

/// What can not come back for want of a place is left, and named: the rest goes back.
void TakingBack::leave_what_has_no_place(const View& view) {
    leave_where_others_stay();
    leave_what_lies_nowhere(view);
}

void TakingBack::leave_where_others_stay() {
    for (const auto& [i, others] : rivals_) {
        State& goal = back_.goal[i];
        if (!goal || back_.observed[i]) continue;
        const auto stays =
            std::find_if(others.begin(), others.end(), [&](std::uint32_t one) { return !!back_.goal[one]; });
        if (stays == others.end()) continue;
        goal = State();
        tell({back_.site.catalog[i].id, "", "present", "absent",
              fmt::format("{} stays in its place", to_text(back_.site.catalog[*stays].id))});
    }
}

namespace {

bool is_at_or_below(std::string_view path, std::string_view directory) {
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

/// Whether a state of that kind comes with this directory, or with something in it.
bool brings(const ResourceType& type, const State& state, std::string_view directory) {
    const auto names = claimed(type, state, {Claim::Role::provides, Claim::Role::brings});
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        if (!name.starts_with("path:") && !name.starts_with("home:")) return false;
        const std::string_view place = std::string_view(name).substr(5);
        return is_at_or_below(directory, place) || is_at_or_below(place, directory);
    });
}

}  // namespace

/// What becomes another one and is no file: it may bring directories.
std::vector<std::uint32_t> TakingBack::what_may_bring() const {
    std::vector<std::uint32_t> found;
    for (std::uint32_t i = 0; i < back_.site.catalog.size(); ++i) {
        const ResourceType& type = *back_.site.catalog[i].type;
        if (type.way() != Way::files && back_.goal[i] && !same(type.schema(), back_.observed[i], back_.goal[i]))
            found.push_back(i);
    }
    return found;
}

/// A directory that is not there: a package, a command may bring it, and nothing tells beforehand. What is done by
/// calls to the host, or as lines of the files of accounts, brings what it claims and no more.
bool TakingBack::may_be_brought(const std::string& directory, const std::vector<std::uint32_t>& by) const {
    return std::any_of(by.begin(), by.end(), [&](std::uint32_t i) {
        const ResourceType& type = *back_.site.catalog[i].type;
        return (type.way() == Way::opaque && !type.footprint().lines) || brings(type, back_.goal[i], directory);
    });
}

/// The directory that it was in may have gone by a later run, or by somebody.
void TakingBack::leave_what_lies_nowhere(const View& view) {
    const Catalog& catalog = back_.site.catalog;
    std::vector<Coming> coming;
    for (std::uint32_t i = 0; i < catalog.size(); ++i) {
        if (catalog[i].type->way() != Way::files || !back_.goal[i] || back_.observed[i]) continue;
        if (comes_by_path(*catalog[i].type, back_.goal[i], catalog[i].id.key)) coming.push_back({catalog[i].id.key, i});
    }
    const auto by = what_may_bring();
    const auto is_there = [&](const std::string& directory) {
        const auto kind = view->look(directory).kind;
        return kind == Entry::Kind::directory || kind == Entry::Kind::link || may_be_brought(directory, by);
    };
    for (const std::uint32_t i : lying_nowhere(std::move(coming), is_there)) {
        back_.goal[i] = State();
        tell({catalog[i].id, "", "present", "absent", why_nowhere(catalog[i].id.key)});
    }
}

/// That the mark of a command is gone (the path that it creates) does not say that what it did is. What was recorded of
/// it goes back; its undo is run where that is asked for.
void TakingBack::stand_by_what_was_run() {
    const Catalog& catalog = back_.site.catalog;
    const auto has_lost_its_mark = [&](std::size_t i) {
        return runs_commands(*catalog[i].type) && bases_[i] && !targets_[i] && !back_.observed[i];
    };
    for (const OfPath& of : paths_)
        if (of.owner && has_lost_its_mark(*of.owner) && differ(of.made.before, of.made.after))
            back_.observed[*of.owner] = bases_[*of.owner];
    for (std::size_t i = 0; i < catalog.size(); ++i) {
        if (!has_lost_its_mark(i) || is_recorded(*catalog[i].type, bases_[i])) continue;
        Conflict conflict{catalog[i].id, "", "not run", "run", "what says so is gone, and its undo is not run"};
        if (resolution_ != Resolution::ours) {
            tell(std::move(conflict));
            continue;
        }
        back_.observed[i] = bases_[i];
        back_.decided.push_back({Decided::How::ours, std::move(conflict)});
    }
}

}  // namespace chaos::rollback
