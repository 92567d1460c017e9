// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "world.hpp"

namespace chaos::cli {

/// Before a run: throws Error where what is recorded of it would not last, and nobody said that it need not.
void demand_lasting_history(const Options&, const World&);

}  // namespace chaos::cli
