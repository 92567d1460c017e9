// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>

namespace chaos {

/// A section that is a module, as a mapping: of its parameters; or, where it has entries, from key to parameters.
Value::Map body_of_section(const Value& key, const Value& said);

/// The items of `use` that a section is the same as.
Value::List uses_of_section(const Value& key, const Value& said);

}  // namespace chaos
