// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/schema.hpp>

namespace chaos {

/// Where a kind keeps what is true of one making of a thing alone: a seen attribute `fresh`. It is recorded of that
/// change, for who takes it back, and is no part of what a site owns: what is made again is another making.
inline bool is_of_its_run(const Field& field) {
    return field.role == Field::Role::seen && field.name == "fresh";
}

}  // namespace chaos
