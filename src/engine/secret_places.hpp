// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/schema.hpp>

namespace chaos {

/// What has a secret in it is its owner's alone, where no mode is said: also where it is there already.
void keep_to_owner(const Schema&, Value::Map& attributes);

/// A secret can stand where it can be kept from being seen: contents, what is named for it, and mappings of names and
/// values. Throws Error where it stands elsewhere; `field` is null for a meta attribute.
void refuse_where_shown(const Schema&, const Field* field, const Value& key, const Value&);

}  // namespace chaos
