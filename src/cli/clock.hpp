// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chaos::cli {

std::int64_t seconds_now();   ///< Since 1970.
std::int64_t milliseconds();  ///< Of a clock that nobody sets.

/// `8h`, or a date as 2026-11-21, 2026-11-21 14:00: seconds since 1970. Throws Usage.
std::int64_t time_from(std::string_view option, const std::string& text, std::int64_t now);

}  // namespace chaos::cli
