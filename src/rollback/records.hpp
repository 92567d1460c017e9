// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store.hpp"

namespace chaos::rollback {

// The words of enumerators, as columns have them. The way back throws Error where the word is not known.
std::string_view to_text(StepRecord::State);
std::string_view to_text(Undo);
RunState run_state_from(std::string_view);
ChangeRecord::Result result_from(std::string_view);
StepRecord::State step_state_from(std::string_view);
Undo undo_from(std::string_view);

/// Numbers with a space between them.
std::string to_text(const std::vector<std::int64_t>&);
std::vector<std::int64_t> numbers_from(std::string_view);

}  // namespace chaos::rollback
