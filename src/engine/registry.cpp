// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chaos/registry.hpp>

namespace chaos {

const ResourceType* Registry::type(std::string_view name) const {
    const auto found =
        std::find_if(types.begin(), types.end(), [name](const auto* type) { return type->schema().name == name; });
    return found == types.end() ? nullptr : *found;
}

const ResourceType* Registry::section(std::string_view name) const {
    const auto found =
        std::find_if(types.begin(), types.end(), [name](const auto* type) { return type->schema().section == name; });
    return found == types.end() ? type(name) : *found;
}

}  // namespace chaos
