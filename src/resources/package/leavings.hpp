// SPDX-License-Identifier: Apache-2.0
// What a removal left of packages: configuration that dpkg goes on knowing, though the package is not installed.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "package.hpp"

namespace chaos::resources {

/// It is such a state: not installed, and not purged.
bool is_left(const State&);

/// The state as it is to a package manager's transaction: such a package is not there.
State without_leavings(const State&);

/// Changes of packages, apart: what a transaction makes, and what is done beside it.
class Leavings {
public:
    explicit Leavings(std::span<const Change>);
    /// Those that change what is installed.
    const std::vector<Change>& others() const { return others_; }
    /// What was left goes: kept, then purged.
    void go(WritableHost&, const Backend&) const;
    /// What was left comes back, where it is not there.
    void come_back(WritableHost&, const Backend&) const;

private:
    std::vector<Change> others_;
    std::vector<std::string> going_;
    std::vector<const Package*> coming_;  ///< Of the changes.
};

}  // namespace chaos::resources
