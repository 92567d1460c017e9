// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <string>
#include <vector>

namespace chaos::resources::apt {

/// What runs of the units that some packages bring. Scripts that start a unit need not stop it when its package goes.
class RunningUnits {
public:
    RunningUnits(const Host&, const std::vector<std::string>& packages);

    /// Once those packages are gone: what still runs and has no unit file any more is stopped, and that is told.
    void stop_what_is_left(WritableHost&) const;

private:
    std::vector<std::string> running_;
};

}  // namespace chaos::resources::apt
