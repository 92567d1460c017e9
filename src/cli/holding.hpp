// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/holds.hpp>

namespace chaos::cli {

std::string in_words(const Hold&);

}  // namespace chaos::cli
