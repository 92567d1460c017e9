// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/source.hpp>
#include <string>
#include <vector>

namespace chaos {

/// A manifest as `chaos fmt` writes it.
struct Formatted {
    std::string text;
    std::vector<Place> untouched;  ///< Entries of the top level that were left as they are, being beyond it.
};

/// A manifest in the one layout: two blanks of indentation, none inside brackets, one after a colon or comma, never two
/// empty lines. Comments, order, anchors, quotes and every text stay. What it means is the same, or the entry is left
/// as it is. Throws Error where it is no YAML that chaos reads.
Formatted format_manifest(Sources&, std::uint16_t source);

}  // namespace chaos
