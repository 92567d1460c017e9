// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/schema.hpp>

namespace chaos {

/// Where a kind keeps what becomes other by itself when its properties change: a seen attribute `along`, a mapping.
/// What a run found of it afterwards is recorded, and goes back with the properties, name by name.
inline bool goes_along(const Field& field) {
    return field.role == Field::Role::seen && field.merge == Merge::keys && field.name == "along";
}

}  // namespace chaos
