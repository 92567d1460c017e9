// SPDX-License-Identifier: Apache-2.0
#include "clock.hpp"

#include <fmt/format.h>

#include <chaos/schema.hpp>
#include <ctime>

#include "options.hpp"
#include "text.hpp"

namespace chaos::cli {

std::int64_t milliseconds() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

std::int64_t seconds_now() {
    return static_cast<std::int64_t>(std::time(nullptr));
}

std::int64_t time_from(std::string_view option, const std::string& text, std::int64_t now) {
    try {
        return now + Codec<Seconds>::decode(Value(text)).count;
    } catch (const Error&) {  // a date, then
    }
    for (const char* form :
         {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
        std::tm broken{};
        broken.tm_isdst = -1;
        const char* end = ::strptime(text.c_str(), form, &broken);
        if (end && !*end) return static_cast<std::int64_t>(std::mktime(&broken));
    }
    throw Usage(
        fmt::format("--{}: expected a time as 8h, or a date as '2026-11-21 14:00', found '{}'", option, escape(text)));
}

}  // namespace chaos::cli
