// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/root_host.hpp>
#include <chaos/transaction.hpp>

#include "options.hpp"

namespace chaos::cli {

/// The parts of one run, put together: what kinds there are, the root, what may be kept.
struct World {
    Registry registry;
    std::unique_ptr<Cache> cache;  // outlives the host, which writes to it when it ends
    std::unique_ptr<RootHost> host;
    std::string state_directory;
};
World wire(const Options&);

/// The name of the person at the keyboard, sudo seen through.
std::string who();

unsigned processors();

}  // namespace chaos::cli
