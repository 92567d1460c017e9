// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/resource.hpp>

namespace chaos::rollback {

/// The names of what a state makes (Claim::Role::provides): two that stand at once have none in common.
inline std::vector<std::string> provided(const ResourceType& type, const State& state) {
    std::vector<Claim> claims;
    if (state) type.claims(state, claims);
    std::vector<std::string> names;
    for (Claim& claim : claims)
        if (claim.role == Claim::Role::provides) names.push_back(std::move(claim.name));
    return names;
}

}  // namespace chaos::rollback
