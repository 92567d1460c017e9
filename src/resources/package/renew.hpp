// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/upgrades.hpp>

#include "package.hpp"

namespace chaos::resources {

/// Upgrades where the package manager decides, and not libsolv: it is asked what it would do.
Upgrades upgrades_by_manager(const View&, const UpgradeWish&);

/// One package that changes, to be planned: to this version (empty: it goes), for this entry of the catalog where it
/// was not meant itself.
void add_upgrade(Upgrades&, const View&, const std::string& name, const std::string& version,
                 std::optional<std::uint32_t> because, const Reason&);

}  // namespace chaos::resources
