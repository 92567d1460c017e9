// SPDX-License-Identifier: Apache-2.0
#include "backend.hpp"

namespace chaos::resources {

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
