// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::gitops {

/// What was put right so often in so short a time that somebody else must want it otherwise, and is left for a while.
struct Left {
    std::string id;
    std::int64_t times = 0, until = 0;  ///< Until: seconds since 1970.
};

/// What was put right lately, without a person's word. Times are seconds since 1970.
class Drifting {
public:
    static constexpr std::int64_t most = 3, within_s = 600, left_s = 3600;

    Drifting() = default;
    static Drifting read(std::string_view text);  ///< What is no line of ours is passed over: it is only a memory.
    std::string text() const;

    /// It was put right now. The answer: it is left from now on.
    bool repaired(const std::string& id, std::int64_t now);

    std::vector<Left> left(std::int64_t now) const;  ///< A clock that was set back leaves nothing for longer.

private:
    struct Known {
        std::string id;
        std::vector<std::int64_t> repairs{};  ///< The last ones.
        std::int64_t since = 0;               ///< Left since then; 0: it is not.
    };
    std::vector<Known> known_{};
};

/// How often may be acted on what changes by itself: a few times at once, then now and then. Times are milliseconds of
/// any clock that goes on.
class Rate {
public:
    static constexpr std::int64_t burst = 5, each_ms = 10'000;

    std::int64_t wait_ms(std::int64_t now) const;  ///< 0: now.
    void acted(std::int64_t now);

private:
    std::vector<std::int64_t> last_{};
};

}  // namespace chaos::gitops
