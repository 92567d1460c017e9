// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commands.hpp"

namespace chaos::cli {

/// Brings what manifests use from elsewhere, as `chaos modules fetch` does. Throws Error and Problems.
void fetch_modules(Context&, const std::vector<std::string>& manifests);

}  // namespace chaos::cli
