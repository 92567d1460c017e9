// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "scope.hpp"

namespace chaos {

/// How a file lies on the lower ones.
enum class Strategy : char {
    merge,      ///< Resource by resource, attribute by attribute.
    override_,  ///< What lower layers said in the sections that it has is dropped.
    strict,     ///< Nothing of it may be said below already.
};

/// One file of a site, as it was read.
struct Document {
    Value root;  ///< A mapping.
    std::uint16_t source = 0;
    Strategy strategy = Strategy::merge;
    bool main = true;         ///< Asked for by itself, not included.
    std::string_view word{};  ///< Else: include or overlay,
    Place from{};             ///< and who says it.
};

/// Reads manifests with all they include and overlay, lowest first. A file that can not be read, or is no manifest, is
/// in `problems` and left out.
std::vector<Document> read_documents(Sources&, const std::vector<std::string>& paths, Scope&, Cache*,
                                     Diagnostics& problems);

/// The manifest of a module that comes with chaos: one document, or none where it can not be read.
std::vector<Document> read_document(Sources&, const std::string& shown, std::string text, Cache*);

}  // namespace chaos
