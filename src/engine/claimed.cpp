// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chaos/resource.hpp>

namespace chaos {

std::vector<std::string> claimed(const ResourceType& type, const State& state,
                                 std::initializer_list<Claim::Role> roles) {
    std::vector<Claim> claims;
    if (state) type.claims(state, claims);
    std::vector<std::string> names;
    for (Claim& claim : claims)
        if (std::find(roles.begin(), roles.end(), claim.role) != roles.end()) names.push_back(std::move(claim.name));
    return names;
}

}  // namespace chaos
