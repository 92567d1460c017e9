// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace chaos::rollback {

/// What was so from one run to another. One line of life is the rows of one thing, oldest first.
struct Row {
    std::int64_t id, from, to;  ///< to 0: lives
};
using Line = std::vector<Row>;

/// What of a line lives once these runs are taken back: walked back from its newest turn as long as that is one of
/// theirs. A turn of any other run ends it: what came later stands. 0: nothing lives.
inline std::int64_t row_before(const Line& line, const std::vector<std::int64_t>& taken_back) {
    const auto living_at = [&](std::int64_t moment) -> std::int64_t {  // just before that run
        for (const Row& row : line)
            if (row.from < moment && (row.to == 0 || row.to >= moment)) return row.id;
        return 0;
    };
    std::vector<std::int64_t> turns;
    for (const Row& row : line) {
        turns.push_back(row.from);
        if (row.to) turns.push_back(row.to);
    }
    std::sort(turns.begin(), turns.end(), std::greater<>());
    std::int64_t lives = living_at(INT64_MAX);
    for (const std::int64_t turn : turns) {
        if (std::find(taken_back.begin(), taken_back.end(), turn) == taken_back.end()) break;
        lives = living_at(turn);
    }
    return lives;
}

inline std::int64_t living_row(const Line& line) {
    const auto it = std::find_if(line.begin(), line.end(), [](const Row& row) { return row.to == 0; });
    return it == line.end() ? 0 : it->id;
}

}  // namespace chaos::rollback
