// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace chaos {

/// The name a person most likely meant, by edit distance; empty where none is near enough to be worth saying.
std::string_view nearest(std::string_view written, std::span<const std::string_view> names);

}  // namespace chaos
