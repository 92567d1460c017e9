// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace chaos {

/// The name of a file in a message: as it is; where it has what is not seen or would make a line of its own, as `ls`
/// writes it for a shell: 'a'$'\n''b'.
std::string named(std::string_view path);

/// The same, in quotes in any case.
std::string quoted_name(std::string_view path);

}  // namespace chaos
