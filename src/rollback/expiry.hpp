// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/confirm.hpp>
#include <chaos/host.hpp>
#include <chaos/reporter.hpp>

namespace chaos::rollback {

/// The window as it is where this much of it is left now.
Window window_from_now(Window, std::int64_t left_ns);

/// Makes sure that a run will be taken back when its window is over, whatever becomes of this process and of the
/// program: a copy of it that runs by itself (<state>/window), a timer of systemd, and a unit for the next boot;
/// without systemd a process that waits. All of it is durable when this returns, and nothing of the run may be done
/// before. Throws Error where it can not be, and then leaves nothing behind.
void arm(const Host&, const std::string& state_directory, std::int64_t seconds, Reporter&);

/// Takes all that away, where it is there. Throws Error where it can not.
void disarm(const Host&, const std::string& state_directory);
/// Room in the state directory for taking back, made by arm(): released where a window ends, or where there is no
/// other.
void keep_reserve(const std::string& state_directory);
bool release_reserve(const std::string& state_directory);  ///< False where there is none.

bool is_armed(const std::string& state_directory);

}  // namespace chaos::rollback
