// SPDX-License-Identifier: Apache-2.0
#include "renew.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "../kinds.hpp"
#include "moves.hpp"

namespace chaos::resources {
namespace {

using Stays = Upgrades::Stays;

void check_names(const Packages& packages, const UpgradeWish& wish) {
    for (const std::string& name : wish.names)
        if (const auto* there = packages.find(name); !there || !there->installed())
            throw Error(fmt::format("package {} is not installed: upgrade changes what is there", name))
                .help(fmt::format("declare it: packages: [{}]", name));
}

}  // namespace

void add_upgrade(Upgrades& found, const View& view, const std::string& name, const std::string& version,
                 std::optional<std::uint32_t> because, const Reason& reason) {
    auto [before, one] = along(view, name, version, reason);
    State goal;
    if (version.empty())
        before = with_why(before, reason.why);
    else
        goal = State::of(std::move(one));
    Resource resource;
    resource.type = &package_type();
    resource.id = {resource.type->schema().name, name};
    resource.wanted = goal ? goal : before;
    resource.absent = !goal;
    resource.companion = because.has_value();
    resource.because = because.value_or(0);
    found.catalog.push_back(std::move(resource));
    found.observed.push_back(before);
    found.goal.push_back(goal);
}

Upgrades upgrades_by_manager(const View& view, const UpgradeWish& wish) {
    const auto& packages = view.once<Packages>();
    const auto& backend = *backend_of(packages.keeper);
    check_names(packages, wish);
    if (!backend.has_lists(view.host()))
        throw Error(fmt::format("{} has fetched no lists of packages", backend.name()))
            .help("chaos upgrade --refresh always");
    auto renewal = backend.renewal(view.host(), wish);
    Upgrades found;
    found.stays = std::move(renewal.stays);
    found.not_security = renewal.not_security;
    for (auto& one : found.stays)
        if (one.why == Stays::Why::held) one.reason = backend.unhold_hint(one.name);
    // What is there becomes newer; what comes or goes does so for that. For which, these package managers do not tell.
    std::stable_partition(renewal.moves.begin(), renewal.moves.end(), [&](const Move& move) {
        const auto* there = packages.find(move.name);
        return move.kind == Move::Kind::install && there && there->installed();
    });
    for (const Move& move : renewal.moves) {
        const auto* there = packages.find(move.name);
        const bool goes = move.kind == Move::Kind::remove;
        if (goes && !wish.removals)
            throw Error(fmt::format("the upgrade would remove {}", move.name)).help("chaos upgrade --allow-removals");
        const bool meant = !goes && there && there->installed();
        if (meant && there->version == move.version) continue;
        if (!meant && found.catalog.empty())
            throw Error(fmt::format("package {} would change, and nothing was asked for", move.name))
                .help(backend.ask_about(move.name));
        add_upgrade(found, view, move.name, goes ? "" : move.version, meant ? std::nullopt : std::optional(0U),
                    move.reason);
    }
    return found;
}

}  // namespace chaos::resources
