// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace chaos::resources::dnf {

/// For the Python that dnf runs in: reads a question on its standard input, and answers it by what was fetched.
extern const std::string_view program;

}  // namespace chaos::resources::dnf
