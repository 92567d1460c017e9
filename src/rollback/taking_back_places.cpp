// SPDX-License-Identifier: Apache-2.0
// Who has the place that several had in turn, and what has none to come back to.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "provided.hpp"
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
        for (std::string& name : provided(*back_.site.catalog[i].type, bases_[i] ? bases_[i] : targets_[i])) {
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

/// What would come back to where another thing stays is left, and named.
void TakingBack::leave_what_has_no_place(const View&) {
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

/// That the mark of a command is gone (the path that it creates) does not say that what it did is. What was recorded of
/// it goes back; its undo is run where that is asked for.
void TakingBack::stand_by_what_was_run() {
    const Catalog& catalog = back_.site.catalog;
    const auto has_lost_its_mark = [&](std::size_t i) {
        return runs_commands(*catalog[i].type) && bases_[i] && !targets_[i] && !back_.observed[i];
    };
    for (const OfPath& of : paths_)
        if (of.owner && has_lost_its_mark(*of.owner) &&
            (!of.made.before.same_as(of.made.after) || differ_in_time_alone(of.made.before, of.made.after)))
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
