// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>

namespace chaos::git {

/// What tip(), fetch() and check_out() of git_mirror.hpp ask (`do: mirror ...`), answered in this process, which gives
/// away for ever what it does not need for it. Throws Error.
Value::Map mirror_answer(const Value& question);

}  // namespace chaos::git
