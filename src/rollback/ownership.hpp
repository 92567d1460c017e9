// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>

#include "store.hpp"

namespace chaos::rollback {

/// True where the store says already all that a run of this site without changes would record: who owns what, which
/// attributes of it are declared and as what, and where the site lives. Values are decoded only where they differ.
bool is_recorded(const Site&, const States& observed, const Store&);

}  // namespace chaos::rollback
