// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>

namespace chaos {

/// What JSON has no word for (a secret, bytes) is written as a mapping of one key that begins with `$`: its mark.
Value marked(std::string_view mark, Value inner);

/// A mapping that would be read as a mark.
bool looks_marked(const Value&);

/// A copy in which nothing is secret any more: what is closed as a whole.
Value without_secrecy(const Value&);

}  // namespace chaos
