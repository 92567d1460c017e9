// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "scope.hpp"

namespace chaos {

/// One file of a site, as it was read.
struct Document {
    Value root;  ///< A mapping.
    std::uint16_t source = 0;
};

/// Reads manifests with all they include and overlay, lowest first. A file that can not be read, or is no manifest, is
/// in `problems` and left out.
std::vector<Document> read_documents(Sources&, const std::vector<std::string>& paths, Scope&, Cache*,
                                     Diagnostics& problems);

}  // namespace chaos
