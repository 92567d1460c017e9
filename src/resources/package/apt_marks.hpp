// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::resources::apt {

/// Marks packages as automatic, or as asked for: what `apt-mark auto` and `manual` do, without reading the whole
/// archive for it. Those that are not installed are passed by.
void mark_automatic(WritableHost&, const std::vector<std::string>& packages, bool automatic);

/// A package as extended_states names it.
struct Marked {
    std::string name, architecture;
};

/// The text of extended_states with these marks, as apt would write it: what else stands there stays.
std::string with_marks(std::string_view states, std::vector<Marked>, bool automatic);

}  // namespace chaos::resources::apt
