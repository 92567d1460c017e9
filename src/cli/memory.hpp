// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace chaos::cli {

/// Memory comes in large pieces, and none goes back to the system by itself: a run lives for milliseconds.
void take_memory_in_large_pieces();

/// That about so much will be used: its pages come in one call of the kernel, not by a fault for each of them, which
/// costs several times as much. No more than a hint.
void expect_to_use(std::size_t bytes);

/// What was freed goes back to the system: after something large that does not come again.
void give_back_freed_memory();

}  // namespace chaos::cli
