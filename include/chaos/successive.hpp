// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/schema.hpp>
#include <chaos/value.hpp>

namespace chaos {

/// What is ours of a resource after several changes of ours in a row, as they were recorded: `made` by those so far,
/// then one more from `before` to `after`. What somebody else changed between two of them is not ours, and no part of
/// it, unless the later one changed that again: members and keys one by one, every other attribute as a whole. Null:
/// absent.
Value made_after(const Schema&, const Value& made, const Value& before, const Value& after);

}  // namespace chaos
