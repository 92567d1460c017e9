// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/root_host.hpp>

namespace chaos::cli {

/// Where this program is; in an image, where a package of it would be. Throws Error where a unit could not name it.
std::string program_in(const RootHost&);

}  // namespace chaos::cli
