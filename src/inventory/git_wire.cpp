// SPDX-License-Identifier: Apache-2.0
#include "git_wire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/error.hpp>
#include <ctime>

namespace chaos::git {
namespace {

std::int64_t now_ms() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1'000'000;
}

}  // namespace

Patience::Patience(const Access& access)
    : stall_s_(access.stall_s),
      timeout_s_(access.timeout_s),
      moved_ms_(now_ms()),
      until_ms_(moved_ms_ + access.timeout_s * 1000) {}

void Patience::progress() {
    moved_ms_ = now_ms();
}

void Patience::check_total() const {
    if (now_ms() >= until_ms_)
        throw Error(fmt::format("it took longer than {} s and was given up", timeout_s_))
            .help("is the line so slow, or the repository so large? then allow it a longer timeout");
}

int Patience::left_ms() const {
    check_total();
    const auto now = now_ms(), left = moved_ms_ + stall_s_ * 1000 - now;
    if (left <= 0)
        throw Error(fmt::format("no byte came for {} s", stall_s_)).help("is the server at work? trying later may do");
    constexpr std::int64_t look_again = 1000;
    return static_cast<int>(std::min({left, until_ms_ - now, look_again}));
}

void refuse_more(const Access& access) {
    throw Error(fmt::format("more than {} MiB came, and that is more than is taken", access.most_bytes >> 20))
        .help("are there large files in its history? keep them elsewhere; half of what the disk has free may come");
}

}  // namespace chaos::git
