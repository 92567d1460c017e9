// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <string>
#include <string_view>

namespace chaos::resources::apt {

inline constexpr int lock_wait_s = 600;

/// Who holds a lock of dpkg or apt, as "apt-get (pid 712, since 2 min)"; empty where nobody does. The age is that of
/// the process.
std::string lock_holder(const Host&);

/// Waits until nobody holds one, telling who does, at first, when that changes, and every half minute. `waited_s` is
/// how long it was waited for already, and is added to. Throws Error after lock_wait_s, or where the run was asked to
/// stop.
void wait_for_locks(WritableHost&, int& waited_s);

/// What apt-get and dpkg say where somebody holds a lock.
bool is_about_a_lock(std::string_view errors);

}  // namespace chaos::resources::apt
