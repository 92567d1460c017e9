// SPDX-License-Identifier: Apache-2.0
// What can not come back because somebody else has by now what it had for itself, and what needs that.
#include <fmt/format.h>

#include <algorithm>

#include "taking_back.hpp"

namespace chaos::rollback {
/// By number in the catalog; where nothing goes back, neither side is there.
std::vector<Change> TakingBack::going_back() const {
    std::vector<Change> all;
    for (std::size_t i = 0; i < back_.site.catalog.size(); ++i) {
        const Resource& resource = back_.site.catalog[i];
        all.push_back({resource.id, {}, {}, {}});
        if (same(resource.type->schema(), back_.observed[i], back_.goal[i])) continue;
        all.back().before = back_.observed[i], all.back().after = back_.goal[i];
    }
    return all;
}

/// One that can not come back must not hold up the others: it stays, and is named; so is what needs it, which would be
/// another one's then, or fail.
void TakingBack::leave_what_is_taken(const View& view) {
    std::vector<Change> all = going_back();
    std::map<std::string, std::string> missing;  // names that do not come back, and whose they are
    const auto in_the_way = [&](std::size_t i) -> std::string {
        const ResourceType& type = *back_.site.catalog[i].type;
        if (!missing.empty())
            for (const std::string& name : claimed(type, all[i].after, {Claim::Role::needs, Claim::Role::watches}))
                if (const auto found = missing.find(name); found != missing.end())
                    return fmt::format("{} can not come back, and it needs that", found->second);
        return type.in_the_way(view, all[i], all);
    };
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string why = all[i].after ? in_the_way(i) : std::string();
        if (why.empty()) continue;
        const ResourceType& type = *back_.site.catalog[i].type;
        const auto stays = claimed(type, all[i].before, {Claim::Role::provides});
        for (const std::string& name : claimed(type, all[i].after, {Claim::Role::provides}))
            if (std::find(stays.begin(), stays.end(), name) == stays.end()) missing.emplace(name, to_text(all[i].id));
        tell({all[i].id, "", "as before the run", "as the run left it", why});
        back_.goal[i] = back_.observed[i];
        all[i].before = all[i].after = State();
        i = static_cast<std::size_t>(-1);  // what was in order with it may not be so without it
    }
}

}  // namespace chaos::rollback
