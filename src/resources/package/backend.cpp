// SPDX-License-Identifier: Apache-2.0
#include "backend.hpp"

#include <fmt/format.h>

namespace chaos::resources {

Renewal Backend::renewal(const Host&, const UpgradeWish&) const {
    throw Error(fmt::format("{} can not be asked by looking alone what it would upgrade", name()))
        .help(fmt::format("declare the versions you want in packages:, or: {} upgrade", name()));
}

const Backend* backend_of(Packages::Keeper keeper) {
    switch (keeper) {
        case Packages::Keeper::apt: return &apt_backend();
        case Packages::Keeper::pacman: return &pacman_backend();
        case Packages::Keeper::dnf: return &dnf_backend();
        case Packages::Keeper::zypper: return &zypper_backend();
        case Packages::Keeper::none: break;
    }
    return nullptr;
}

}  // namespace chaos::resources
