// SPDX-License-Identifier: Apache-2.0
#include "leavings.hpp"

namespace chaos::resources {

State left_of(const Package& wanted) {
    Package one{.name = wanted.name};
    one.removed = true;
    return State::of(std::move(one));
}

bool is_left(const State& state) {
    const auto* package = state.as<Package>();
    return package && package->removed.value_or(false);
}

std::optional<Change> without_leavings(const Change& change) {
    if (!is_left(change.after)) {
        if (!is_left(change.before) || !change.after) return change;
        Change comes = change;  // of what is there the package manager knows
        comes.before = State();
        return comes;
    }
    if (!change.before || is_left(change.before)) return std::nullopt;
    Change goes = change;
    Package there = *change.before.as<Package>();
    there.purge = false, there.fresh = false;
    goes.before = State::of(std::move(there)).with_inputs(change.before.inputs());
    goes.after = State();
    return goes;
}

std::vector<Change> without_leavings(std::span<const Change> changes) {
    std::vector<Change> others;
    for (const Change& change : changes)
        if (auto other = without_leavings(change)) others.push_back(std::move(*other));
    return others;
}

}  // namespace chaos::resources
