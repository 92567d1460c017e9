// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/check.hpp>
#include <optional>
#include "scope.hpp"

namespace chaos {

/// One item of `checks`; nothing where its `when` does not hold. Throws Error.
std::optional<Check> read_check(const Value& item, Scope&);

/// `confirm: true`, `false` or a time: the seconds of the window, 0 for none. Throws Error.
std::int64_t read_window(const Value&);

}  // namespace chaos
