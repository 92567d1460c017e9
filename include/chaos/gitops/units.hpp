// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/gitops/settings.hpp>

namespace chaos::gitops {

/// A manifest that makes a host follow its repository: the settings, the units, the timer that runs; and one that
/// leaves nothing of it. They are applied like any other. `program`: its absolute path.
/// Not `at_work`: all of it is there, but nothing runs.
std::string manifest_to_follow(const Settings&, const std::string& program, bool at_work = true);
std::string manifest_to_stop();

/// What of it runs.
std::vector<std::string> units_of(const Settings&);

constexpr const char* settings_file = "/etc/chaos/gitops.yml";
constexpr const char* timer_file = "/etc/systemd/system/chaos-pull.timer";

/// What these settings want of the timer: where the file says otherwise, it was edited since.
std::string timer_unit(const Settings&);

}  // namespace chaos::gitops
