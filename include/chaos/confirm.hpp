// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace chaos {

/// How long a person has where nobody says how long.
constexpr std::int64_t standard_window_s = 120;
/// What may be asked for.
constexpr std::int64_t shortest_window_s = 1, longest_window_s = 7 * 86400;

/// The time in which a run that ended must be confirmed, or it is taken back. It is told by the clock that nobody sets
/// (CLOCK_BOOTTIME); the other one counts only across boots, and never makes it longer.
struct Window {
    std::int64_t run = 0;
    std::int64_t seconds = 0;      ///< How long it is.
    std::string life;              ///< Of the host: life_of_host() when `until` was set.
    std::int64_t until = 0;        ///< CLOCK_BOOTTIME in that life, nanoseconds.
    std::int64_t until_real = 0;   ///< For people, and for another life: nanoseconds since 1970.
    int lives = 0;                 ///< How many boots it has seen.
    std::string connection;        ///< The ssh connection that the run was begun from; empty: none.
    std::int64_t left_ns() const;  ///< What is left of it now; 0 where it is over.
};

/// One boot of one kernel, or one start of a container on it.
std::string life_of_host();

}  // namespace chaos
