// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chaos {

/// Where secrets stand in clear on a line of a manifest, as bytes from and to: values of `password`, and what an entry
/// with `secret: true` holds. Goes by the text alone, for it may be one that can not be read; in doubt it is one.
std::vector<std::pair<std::size_t, std::size_t>> clear_secrets(std::string_view text, std::uint32_t line);

}  // namespace chaos
