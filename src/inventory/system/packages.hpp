// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/system/packages.hpp>

namespace chaos::packages {

Packages of_pacman(const Host&);
Packages of_rpm(const Host&, Packages::Keeper);

}  // namespace chaos::packages
