// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run.hpp"

namespace chaos::cli {

/// Writes the way to a site to a file (0600) that `chaos apply` takes. The host's key is made where there is none.
void save_plan(Context&, const World&, const View&, const Planned&, const History*);

/// Whether the one word after `apply` is such a file.
bool names_saved_plan(const Options&);

/// Does what was shown when the plan was saved, or refuses: where something it is about is not as it was then. With
/// --continue only that, and what waits for it, is left out.
Exit apply_saved(Context&);

}  // namespace chaos::cli
