// SPDX-License-Identifier: Apache-2.0
// How long a run may still be confirmed.
#include <fmt/format.h>

#include <algorithm>
#include <chaos/transaction.hpp>
#include <ctime>

#include "expiry.hpp"
#include "lock.hpp"
#include "processes.hpp"

namespace chaos {

namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t time_of(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return now.tv_sec * second + now.tv_nsec;
}

}  // namespace

/// A container that starts again lives on under the same kernel: only its first process tells.
std::string life_of_host() {
    const auto first = rollback::process(1);
    return fmt::format("{} {}", rollback::boot_id(), first ? first->started : 0);
}

std::int64_t Window::left_ns() const {
    if (life == life_of_host()) return std::max<std::int64_t>(0, until - time_of(CLOCK_BOOTTIME));
    // A host that boots again and again shall not have a new window each time, whatever its clock says.
    if (lives > 0) return 0;
    return std::clamp<std::int64_t>(until_real - time_of(CLOCK_REALTIME), 0, seconds * second);
}

std::string to_text(const Window& window) {
    const std::time_t until = window.until_real / second;
    std::tm parts{};
    localtime_r(&until, &parts);
    return fmt::format("run {} waits to be confirmed until {:02}:{:02}:{:02}", window.run, parts.tm_hour, parts.tm_min,
                       parts.tm_sec);
}

namespace rollback {

Window window_from_now(Window window, std::int64_t left_ns) {
    window.life = life_of_host();
    window.until = time_of(CLOCK_BOOTTIME) + left_ns;
    window.until_real = time_of(CLOCK_REALTIME) + left_ns;
    return window;
}

}  // namespace rollback
}  // namespace chaos
