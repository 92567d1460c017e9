// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace chaos {

/// Before the first run: throws Error where what is recorded would be gone after the next boot, or hidden by it, and
/// what lies in the root would not. Who names the directory himself has decided.
void refuse_what_would_not_last(const std::string& root, const std::string& state_directory);

}  // namespace chaos
