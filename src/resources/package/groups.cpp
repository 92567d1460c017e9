// SPDX-License-Identifier: Apache-2.0
#include "groups.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "leavings.hpp"
#include "moves.hpp"
#include "solver.hpp"

namespace chaos::resources {
namespace {

bool is_installed(const Packages& packages, const std::string& name) {
    const auto* there = packages.find(name);
    return there && there->installed();
}

/// Nothing of its own but that it is there: its packages say the rest.
Package whole(std::string name, std::vector<std::string> members) {
    Package group{.name = std::move(name)};
    group.members = std::move(members);
    return group;
}

State of_group(Package one, const std::string& key) {
    if (!one.comes) one.comes.emplace();
    one.comes->emplace_back("why", key + " has it");
    std::sort(one.comes->begin(), one.comes->end());
    return State::of(std::move(one));
}

Error unknown(const View& view, const Change& change) {
    const auto& backend = *backend_of(view.once<Packages>().keeper);
    const auto name = change.id.key.substr(1);
    if (!backend.has_lists(view.host()))
        return Error(change.where,
                     fmt::format("group {} is not known: {} has no package lists yet", name, backend.name()))
            .help(std::string(backend.refresh_hint()));
    if (view.expects_more())
        return Error(change.where, fmt::format("group {} is not known yet, and a repository of this run may bring it: "
                                               "what it has must be known before anything is touched",
                                               name))
            .help("apply the repositories first: chaos apply --only 'repository:*'");
    std::vector<std::pair<std::size_t, std::string>> near;
    constexpr std::size_t most = 3;
    for (const auto& [other, members] : view.once<Groups>().all) {
        const bool is_part = other.find(name) != other.npos || name.find(other) != name.npos;
        if (const auto distance = is_part ? 1 : solver::edits(name, other, most); distance <= most)
            near.emplace_back(distance, "\"@" + other + "\"");
    }
    std::sort(near.begin(), near.end());
    std::vector<std::string> names;
    for (auto& [distance, other] : near)
        if (names.size() < most) names.push_back(std::move(other));
    return Error(change.where, fmt::format("group {}: no repository of this host has it", name))
        .help(names.empty() ? "write its packages one by one" : fmt::format("did you mean {}?", listed(names, " or ")));
}

}  // namespace

Groups Groups::read(const View& view) {
    const auto* backend = backend_of(view.once<Packages>().keeper);
    return {backend && backend->has_lists(view.host()) ? backend->groups(view) : GroupTable()};
}

const std::set<std::string>* Groups::members(std::string_view key) const {
    const auto found = all.find(key.substr(1));
    return found == all.end() ? nullptr : &found->second;
}

State seen_group(const View& view, const Package& wanted) {
    auto members = wanted.members;
    if (members.empty())
        if (const auto* now = view.once<Groups>().members(wanted.name)) members.assign(now->begin(), now->end());
    const auto& packages = view.once<Packages>();
    const bool is_whole = std::all_of(members.begin(), members.end(),
                                      [&](const std::string& name) { return is_installed(packages, name); });
    if (members.empty() || !is_whole) return {};
    auto group = whole(wanted.name, std::move(members));
    group.purge = wanted.purge;
    group.allow_removals = wanted.allow_removals;
    return State::of(std::move(group));
}

Ungrouped::Ungrouped(const View& view, std::span<Change> asked, Diagnostics& problems) : view_(view), asked_(asked) {
    for (std::size_t i = 0; i < asked.size(); ++i)
        if (!is_group(asked[i].id.key)) {
            named_.insert(asked[i].id.key);
            if (auto change = without_leavings(asked[i])) changes_.push_back(std::move(*change)), origin_.push_back(i);
        }
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (!is_group(asked[i].id.key)) continue;
        if (!asked[i].after) {
            go(i);
        } else if (const auto* members = view.once<Groups>().members(asked[i].id.key)) {
            come(i, *members);
        } else {
            problems.add(unknown(view, asked[i]));
        }
    }
}

void Ungrouped::add(std::size_t group, const std::string& name, State before, State after) {
    if (!named_.insert(name).second) return;
    changes_.push_back({{package_kind, name}, std::move(before), std::move(after), asked_[group].where});
    origin_.push_back(group);
}

void Ungrouped::come(std::size_t group, const std::set<std::string>& members) {
    const auto& packages = view_.once<Packages>();
    const auto& wanted = *asked_[group].after.as<Package>();
    for (const auto& name : members) {
        if (is_installed(packages, name)) continue;
        const auto* there = packages.find(name);
        Package one{.name = name};
        one.allow_removals = wanted.allow_removals;
        add(group, name, there && there->present() ? State::of(seen(view_, *there, name)) : State(),
            State::of(std::move(one)));
    }
    auto goal = wanted;
    goal.members.assign(members.begin(), members.end());
    asked_[group].after = State::of(std::move(goal)).with_inputs(asked_[group].after.inputs());
}

/// What a run brought for it, and nobody else asks for.
void Ungrouped::go(std::size_t group) {
    const auto& packages = view_.once<Packages>();
    const auto* past = past_of(view_);
    for (const auto& name : asked_[group].before.as<Package>()->members) {
        const auto* there = packages.find(name);
        if (!past || !there || !past->brought(package_kind, name) || is_of_another(*past, name)) continue;
        auto one = *there;
        one.automatic = true;  // it came for the group, by name
        if (may_go_along(one))
            add(group, name, going_with(State::of(seen(view_, *there, name)), asked_[group]), State());
    }
}

bool Ungrouped::is_of_another(const Past& past, const std::string& member) const {
    for (const auto& [name, members] : view_.once<Groups>().all) {
        if (!members.contains(member)) continue;
        const auto key = "@" + name;
        const bool goes = std::any_of(asked_.begin(), asked_.end(),
                                      [&](const Change& change) { return change.id.key == key && !change.after; });
        if (!goes && past.is_somebodys(package_kind, key)) return true;
    }
    return false;
}

std::vector<Companion> Ungrouped::take(std::vector<Companion> along) {
    for (auto& one : along) one.because = origin_.at(one.because);
    std::vector<bool> changes(asked_.size());
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        Change& change = changes_[i];
        const std::size_t asked = origin_[i];
        if (!is_group(asked_[asked].id.key)) {
            if (is_left(asked_[asked].after) && !change.after) change.after = asked_[asked].after;
            if (change.after && change.after.spec() == change.before.spec()) change.after = asked_[asked].before;
            change.before = asked_[asked].before;
            asked_[asked] = std::move(change);
        } else if (changes_version(change)) {
            changes[asked] = true;
            if (change.after) change.after = of_group(*change.after.as<Package>(), asked_[asked].id.key);
            along.push_back({std::move(change), asked});
        }
    }
    for (std::size_t i = 0; i < asked_.size(); ++i)  // all that it has is needed, or asked for, by others
        if (is_group(asked_[i].id.key) && !asked_[i].after && !changes[i]) asked_[i].after = asked_[i].before;
    return along;
}

std::vector<Change> without_groups(std::span<const Change> changes) {
    std::vector<Change> packages;
    for (const Change& change : changes)
        if (!is_group(change.id.key)) packages.push_back(change);
    return packages;
}

}  // namespace chaos::resources
