// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chaos {

/// A person at work on a host: what is named is left to her by what runs on its own, until then. It ends by itself.
struct Hold {
    std::string what{};  ///< An id, a pattern, or `all`.
    std::string who{}, why{};
    std::int64_t since = 0, until = 0;  ///< Seconds since 1970.

    friend bool operator==(const Hold&, const Hold&) = default;
};

/// Those that hold at `now`, the one that ends first before the others. None where nobody ever said so.
std::vector<Hold> holds(const std::string& state_directory, std::int64_t now);

/// Adds one, in the place of one of the same words. What is over is forgotten. Durable when it returns.
void add_hold(const std::string& state_directory, const Hold&, std::int64_t now);

/// Ends those of these words (`all` as such is one of them); false where there was none.
bool end_hold(const std::string& state_directory, const std::string& what, std::int64_t now);

/// "file:/etc/motd is held by ann until 14:03 (debugging)", the time as `at` says it.
std::string to_text(const Hold&, const std::string& at);

}  // namespace chaos
