// SPDX-License-Identifier: Apache-2.0
#include "leavings.hpp"

#include <algorithm>

namespace chaos::resources {

bool is_left(const State& state) {
    const auto* package = state.as<Package>();
    return package && package->removed.value_or(false);
}

State without_leavings(const State& state) {
    return is_left(state) ? State() : state;
}

Leavings::Leavings(std::span<const Change> changes) {
    for (const Change& change : changes) {
        Change other = change;
        other.before = without_leavings(change.before), other.after = without_leavings(change.after);
        if (other.before || other.after)
            others_.push_back(std::move(other));
        else if (is_left(change.before))
            going_.push_back(change.id.key);
        if (is_left(change.after)) coming_.push_back(change.after.as<Package>());
    }
}

void Leavings::go(WritableHost& host, const Backend& backend) const {
    const View view(host);
    const auto& packages = view.once<Packages>();
    auto names = going_;
    std::erase_if(names, [&](const std::string& name) { return !packages.find(name); });
    backend.keep_left(host, names);
    backend.purge(host, names);
}

void Leavings::come_back(WritableHost& host, const Backend& backend) const {
    const View view(host);
    for (const auto* package : coming_)
        if (!view.once<Packages>().find(package->name))
            backend.bring_left_back(host, package->name, package->version.value_or(""));
}

}  // namespace chaos::resources
