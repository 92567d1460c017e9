// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chaos/check.hpp>
#include <chaos/reporter.hpp>

#include "staged_host.hpp"

namespace chaos::rollback {

/// Asks until it answers as wished, or its time is over: then throws Error, at its place, with what came. Ends at once
/// where somebody stops the run. What an image can not answer is not asked, and that is said.
void ask(const Check&, StagedHost&, Reporter&, const std::atomic<bool>* stop);

}  // namespace chaos::rollback
