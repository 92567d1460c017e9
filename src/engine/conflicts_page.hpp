// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace chaos {

/// What find_conflicts() knows, for people: docs/conflicts.md.
std::string_view conflicts_page();

}  // namespace chaos
