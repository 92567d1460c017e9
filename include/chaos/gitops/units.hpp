// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/gitops/settings.hpp>

namespace chaos::gitops {

/// A manifest that makes a host follow its repository: the settings, the units, the timer that runs; and one that
/// leaves nothing of it. They are applied like any other. `program`: its absolute path.
std::string manifest_to_follow(const Settings&, const std::string& program);
std::string manifest_to_stop();

constexpr const char* settings_file = "/etc/chaos/gitops.yml";
constexpr const char* timer_file = "/etc/systemd/system/chaos-pull.timer";

/// What these settings want of the timer: where the file says otherwise, it was edited since.
std::string timer_unit(const Settings&);

}  // namespace chaos::gitops
