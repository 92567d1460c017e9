// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/fact.hpp>
#include <chaos/resource.hpp>

namespace chaos {

/// The kinds and facts of one run. A value, made by whoever wires the parts.
struct Registry {
    std::vector<const ResourceType*> types;
    std::vector<Fact> facts;

    const ResourceType* type(std::string_view name) const;     ///< By singular name; null where there is none.
    const ResourceType* section(std::string_view name) const;  ///< By section name or singular name.
};

std::vector<const ResourceType*> builtin_types();  ///< src/resources/meson.build has the list: one word a kind.
std::vector<Fact> builtin_facts();

}  // namespace chaos
