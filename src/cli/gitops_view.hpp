// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/confirm.hpp>
#include <chaos/gitops/memory.hpp>
#include <chaos/gitops/outside.hpp>
#include <chaos/holds.hpp>

#include "follow.hpp"

namespace chaos::cli {

/// How following stands.
struct FollowingView {
    gitops::Settings settings;
    gitops::Memory memory;
    bool enabled = false;        ///< The timer is there.
    bool timer_differs = false;  ///< It is not as the settings want it.
    std::vector<Hold> holds;
    std::optional<Window> window;
    std::int64_t now = 0;  ///< Seconds since 1970.
};

/// suspended, held, waits (to be confirmed), failed, stale, new (nothing was applied yet), pending, drifted or synced.
std::string state_of(const FollowingView&);

Json to_json(const FollowingView&);
std::string render(const FollowingView&, Style, bool verbose);

/// Public halves of keys.
struct KeysView {
    std::vector<std::string> keys;
};
Json to_json(const KeysView&);
std::string render(const KeysView&, Style, bool verbose);

/// What is on hold.
struct HoldsView {
    std::vector<Hold> holds;
};
Json to_json(const HoldsView&);
std::string render(const HoldsView&, Style, bool verbose);
Json to_json(const Hold&);

/// What a turn is to the outside.
gitops::Event event_of(const FollowView&);

}  // namespace chaos::cli
