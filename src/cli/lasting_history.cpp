// SPDX-License-Identifier: Apache-2.0
#include "lasting_history.hpp"

#include <unistd.h>

#include <cstdlib>

#include <chaos/lasting.hpp>

namespace chaos::cli {

void demand_lasting_history(const Options& options, const World& world) {
    if (!options.state_directory.empty()) return;
    const char* home = std::getenv("HOME");  // what a person without root changes lies there
    const bool person = ::geteuid() != 0 && world.host->root() == "/" && home;
    refuse_what_would_not_last(person ? home : world.host->root(), world.state_directory);
}

}  // namespace chaos::cli
