// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <string>
#include <vector>

namespace chaos::resources::apt {

/// Keeps what removals left of these packages (repack_left), so that it can come back. Synced when it returns.
void keep_left(WritableHost&, const std::vector<std::string>& keys);

/// By what was kept so: it is installed, of which nothing but its configuration is anything, and removed again. Where
/// nothing was kept, that is told.
void bring_left_back(WritableHost&, const std::string& key, const std::string& version);

}  // namespace chaos::resources::apt
