// SPDX-License-Identifier: Apache-2.0
#include "nearest.hpp"

#include <algorithm>
#include <vector>

namespace chaos {

namespace {

/// Insertions, removals, replacements and swaps of neighbours (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(last), last.swap(row);
    }
    return last[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view written, std::span<const std::string_view> names) {
    std::string_view best;
    std::size_t least = std::max<std::size_t>(1, std::min<std::size_t>(written.size() / 3, 3)) + 1;
    if (written.size() > 64) return best;
    for (const std::string_view name : names) {
        if (name.size() > written.size() + 3) continue;
        if (const std::size_t d = distance(written, name); d < least) best = name, least = d;
    }
    return best;
}

}  // namespace chaos
