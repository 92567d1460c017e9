// SPDX-License-Identifier: Apache-2.0
// What a manifest asks for before it may be used: a version of chaos, and what its `assert` says.
#pragma once

#include "scope.hpp"

namespace chaos {

/// `chaos: ">= 0.3"`, or several of them with commas; before all else, so that a newer manifest says so itself. Throws
/// Error where this program is none of them.
void check_version(const Value& needs);

/// One item of `assert`. Throws Error where it does not hold, with what it says; with `warn: true` that is a remark.
void check_assertion(const Value& item, Scope&, Diagnostics& problems);

}  // namespace chaos
