// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>

namespace chaos {

/// Nanoseconds since 1970. What was changed before this, as its file system says, and is looked at from now on can not
/// change once more and bear the same times: the clock of file systems may stand still for a tick, which is allowed for
/// (git's racy rule).
inline std::int64_t steady_before() {
    constexpr std::int64_t second = 1'000'000'000, tick = 20'000'000;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * second + now.tv_nsec - tick;
}

}  // namespace chaos
