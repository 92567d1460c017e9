// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/holds.hpp>

namespace chaos::cli {

std::string in_words(const Hold&);
std::int64_t seconds_now();   ///< Since 1970.
std::int64_t milliseconds();  ///< Of a clock that nobody sets.

}  // namespace chaos::cli
