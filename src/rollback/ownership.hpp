// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>

#include "store.hpp"

namespace chaos::rollback {

/// True where the store says already all that a run of this site without changes would record: who owns what, which
/// attributes of it are declared, and where the site lives. No value is decoded.
bool is_recorded(const Site&, const Store&);

}  // namespace chaos::rollback
