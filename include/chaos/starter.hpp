// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/registry.hpp>
#include <string>
#include <vector>

namespace chaos {

/// What `chaos init` writes: manifests to begin with, as the kinds describe themselves.
struct Starter {
    std::string_view name, doc;
};
std::span<const Starter> starters();

/// A file that a starter consists of. The first is the site.
struct StarterFile {
    std::string name;  ///< Beside the site: `modules/greeting.yml`.
    std::string text;
};

/// Commented, laid out, and right as they are. Throws Error where there is no starter of this name.
std::vector<StarterFile> starter(const Registry&, std::string_view name);

}  // namespace chaos
