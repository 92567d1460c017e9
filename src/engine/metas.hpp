// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/resource.hpp>
#include <string>

#include "linker.hpp"

namespace chaos {

/// What a meta attribute says, put into the resource, or into what it says of others: true there.
bool read_meta(Resource&, Links&, const std::string& name, Value);

}  // namespace chaos
