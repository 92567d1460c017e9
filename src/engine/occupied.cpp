// SPDX-License-Identifier: Apache-2.0
// What goes back to not being there: a directory only where nothing of somebody else's is in it, and what is taken away
// many at once only where nobody else has come to need it.
#include <algorithm>
#include <chaos/plan.hpp>
#include <iterator>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace chaos {

namespace {

using Role = Claim::Role;

std::vector<std::string> paths_of(const Resource& resource, const State& state) {
    std::vector<std::string> paths;
    for (const std::string& name : claimed(*resource.type, state, {Role::provides, Role::brings}))
        if (name.starts_with("path:") || name.starts_with("home:")) paths.push_back(name.substr(5));
    return paths;
}

bool claims(const Resource& resource, const State& state, Role role, const std::string& name) {
    const auto names = claimed(*resource.type, state, {role});
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// A tree that is one resource's with all that is in it, as `tree:PATH` says: a checkout.
bool is_whole_tree(const Resource& resource, const State& state, const std::string& path) {
    return claims(resource, state, Role::provides, "tree:" + path);
}

/// It comes with somebody, filled.
bool is_home(const Resource& resource, const State& state, const std::string& path) {
    return claims(resource, state, Role::brings, "home:" + path);
}

/// What useradd put there, as it put it there.
bool is_skeleton(const View& view, const std::string& path, const std::string& name) {
    std::string has, given;
    const Entry there = view->look(path, &has), model = view->look("/etc/skel/" + name, &given);
    return there.kind == model.kind && there.kind == Entry::Kind::file && has == given;
}

/// What the kept ones need stays with them: a user's group.
void keep_what_they_need(const Catalog& catalog, const States& observed, States& goal,
                         std::vector<std::uint32_t>& kept) {
    std::unordered_map<std::string, std::uint32_t> going;
    for (std::uint32_t i = 0; i < catalog.size(); ++i) {
        if (!observed[i] || goal[i]) continue;
        for (std::string& name : claimed(*catalog[i].type, observed[i], {Role::provides}))
            going.emplace(std::move(name), i);
    }
    for (std::size_t k = 0; k < kept.size(); ++k)
        for (const std::string& name : claimed(*catalog[kept[k]].type, observed[kept[k]], {Role::needs})) {
            const auto needed = going.find(name);
            if (needed == going.end() || goal[needed->second]) continue;
            goal[needed->second] = observed[needed->second];
            kept.push_back(needed->second);
        }
}

/// Whom it stands for as well: who came into it since (into a group), and who can not be without it. Where it was
/// declared for whom it is, its own state tells.
std::vector<std::string> served_by(const Resource& resource, const View& view, const State& observed,
                                   const Emptying& emptying) {
    auto served = resource.type->needed_by(view, observed);
    auto joined = claimed(*resource.type, observed, {Role::serves});
    if (!emptying.over_members && claimed(*resource.type, resource.wanted, {Role::serves}).empty())
        std::move(joined.begin(), joined.end(), std::back_inserter(served));
    return served;
}

/// What others came to stand in since is theirs as well: a group, that of its members.
void keep_what_serves(const Catalog& catalog, const View& view, const States& observed, States& goal,
                      const Emptying& emptying, std::vector<std::uint32_t>& kept) {
    std::vector<std::pair<std::uint32_t, std::vector<std::string>>> serving;
    for (std::uint32_t i = 0; i < catalog.size(); ++i) {
        if (!observed[i] || goal[i] || catalog[i].where) continue;
        if (auto served = served_by(catalog[i], view, observed[i], emptying); !served.empty())
            serving.emplace_back(i, std::move(served));
    }
    if (serving.empty()) return;
    std::unordered_map<std::string, std::uint32_t> there;
    for (std::uint32_t i = 0; i < catalog.size(); ++i)
        for (std::string& name :
             claimed(*catalog[i].type, observed[i] ? observed[i] : catalog[i].wanted, {Role::provides}))
            there.emplace(std::move(name), i);
    for (const auto& [i, served] : serving) {
        const auto names = claimed(*catalog[i].type, observed[i], {Role::provides});
        const auto needs = [&](const Resource& one, const State& state) {
            const auto needed = claimed(*one.type, state, {Role::needs});
            return std::find_first_of(needed.begin(), needed.end(), names.begin(), names.end()) != needed.end();
        };
        const auto lets_go = [&](const std::string& name) {
            const auto its = there.find(name);
            if (its == there.end()) return false;
            const std::uint32_t one = its->second;
            return !goal[one] || (needs(catalog[one], observed[one]) && !needs(catalog[one], goal[one]));
        };
        if (std::all_of(served.begin(), served.end(), lets_go)) continue;
        goal[i] = observed[i];
        kept.push_back(i);
    }
}

/// What goes back to another state: in a home, that is what it was filled with, or what was put in its place.
bool returns(const Resource& resource, const State& observed, const State& goal) {
    return observed && goal && !same(resource.type->schema(), observed, goal);
}

/// Asks the kinds whose tools see what hangs together: one they leave in place is needed by others.
std::vector<std::uint32_t> keep_needed(const Catalog& catalog, const View& view, const States& observed, States& goal) {
    std::vector<std::uint32_t> kept;
    std::map<const ResourceType*, std::vector<std::uint32_t>> going;
    for (std::uint32_t i = 0; i < catalog.size(); ++i)
        if (observed[i] && !goal[i] && !catalog[i].where && catalog[i].type->batches() &&
            catalog[i].type->way() == Way::opaque)
            going[catalog[i].type].push_back(i);
    for (const auto& [type, numbers] : going) {
        std::vector<Change> changes;
        for (const std::uint32_t i : numbers) changes.push_back({catalog[i].id, observed[i], {}, {}});
        // What becomes another one at the same time is told as well, by a change that changes nothing: what it needs
        // now says nothing of what it needs then.
        for (std::uint32_t i = 0; i < catalog.size(); ++i)
            if (catalog[i].type == type && returns(catalog[i], observed[i], goal[i]))
                changes.push_back({catalog[i].id, observed[i], observed[i], {}});
        Diagnostics told_again_with_the_plan;
        type->resolve(view, changes, told_again_with_the_plan);
        for (std::size_t k = 0; k < numbers.size(); ++k)
            if (changes[k].after) goal[numbers[k]] = observed[numbers[k]], kept.push_back(numbers[k]);
    }
    return kept;
}

/// Every directory above what is to be there, or to come; `unchanged`: only above what stays as it is.
std::unordered_set<std::string> used_by_what_stays(const Catalog& catalog, const States& observed, const States& goal,
                                                   bool unchanged) {
    std::unordered_set<std::string> used;
    for (std::uint32_t i = 0; i < catalog.size(); ++i) {
        if (!goal[i] || (unchanged && returns(catalog[i], observed[i], goal[i]))) continue;
        for (std::string& path : paths_of(catalog[i], goal[i]))
            for (auto cut = path.rfind('/'); cut != 0 && cut != path.npos; cut = path.rfind('/')) {
                path.resize(cut);
                if (!used.insert(path).second) break;
            }
    }
    return used;
}

std::vector<std::uint32_t> keep_paths(const Catalog& catalog, const View& view, const States& observed, States& goal,
                                      const Emptying& emptying) {
    std::unordered_map<std::string, std::uint32_t> going;
    std::vector<std::pair<std::string, std::uint32_t>> paths;
    for (std::uint32_t i = 0; i < catalog.size(); ++i) {
        if (!observed[i] || goal[i]) continue;
        for (std::string& path : paths_of(catalog[i], observed[i])) {
            going.emplace(path, i);
            paths.emplace_back(std::move(path), i);
        }
    }
    if (paths.empty()) return keep_needed(catalog, view, observed, goal);
    // What only changes may let go of a path, too: keys of which none is left have no file.
    for (std::uint32_t i = 0; i < catalog.size(); ++i) {
        if (!returns(catalog[i], observed[i], goal[i])) continue;
        const auto stays = paths_of(catalog[i], goal[i]);
        for (std::string& path : paths_of(catalog[i], observed[i]))
            if (std::find(stays.begin(), stays.end(), path) == stays.end()) going.emplace(std::move(path), i);
    }
    const auto used = used_by_what_stays(catalog, observed, goal, false);
    const auto homes_in_use = used_by_what_stays(catalog, observed, goal, true);
    std::unordered_set<std::string> returning;
    for (std::uint32_t i = 0; i < catalog.size(); ++i)
        if (returns(catalog[i], observed[i], goal[i]))
            for (std::string& path : paths_of(catalog[i], goal[i])) returning.insert(std::move(path));
    // A place that others of its kind stay in as well (the database of all of a person's keys) is not one's own.
    std::unordered_set<std::string> shared;
    for (std::uint32_t i = 0; i < catalog.size(); ++i)
        if (observed[i] && goal[i])
            for (const std::string& path : paths_of(catalog[i], goal[i]))
                shared.insert(std::string(catalog[i].id.type) + ' ' + path);
    // What is in a directory has a longer path than it: decided before it is.
    std::sort(paths.begin(), paths.end(), [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
    auto kept = keep_needed(catalog, view, observed, goal);
    for (const auto& [path, i] : paths) {
        if (view->look(path).kind != Entry::Kind::directory) continue;
        const auto names = view->list(path);
        const bool home = is_home(catalog[i], observed[i], path);
        if (!home && shared.contains(std::string(catalog[i].id.type) + ' ' + path)) {
            going.erase(path);
            continue;
        }
        const auto is_ours = [&, &path = path](const std::string& name) {
            const std::string inside = (path == "/" ? path : path + "/") + name;
            return going.contains(inside) || (home && (returning.contains(inside) || is_skeleton(view, inside, name)));
        };
        const bool empties = !(home ? homes_in_use : used).contains(path) &&
                             (is_whole_tree(catalog[i], observed[i], path) ||
                              std::binary_search(emptying.whole.begin(), emptying.whole.end(), i) ||
                              std::all_of(names.begin(), names.end(), is_ours));
        if (empties) continue;
        going.erase(path);
        goal[i] = observed[i];
        kept.push_back(i);
    }
    keep_what_they_need(catalog, observed, goal, kept);
    return kept;
}

}  // namespace

std::vector<std::uint32_t> keep_occupied(const Catalog& catalog, const View& view, const States& observed, States& goal,
                                         const Emptying& emptying) {
    auto kept = keep_paths(catalog, view, observed, goal, emptying);
    keep_what_serves(catalog, view, observed, goal, emptying, kept);
    return kept;
}

}  // namespace chaos
