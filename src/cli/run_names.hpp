// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "site.hpp"

namespace chaos::cli {

/// Whether a run was not taken back: what it did was done to the host.
bool stands(const RunRecord&);

/// The run of this number. Throws Problems where there is none (any more).
RunRecord run_of(const History*, std::int64_t number);

/// Resources that a person means by an id or by a path: of a path those whose key it is, that claim it, or that changed
/// what lies there. Throws Error where it is neither.
std::vector<RecordedId> meant(const std::string& word, const History*, const Registry&);

const Schema* schema_of(const Registry&, const std::string& type);  ///< Null: a kind that this program does not know.

}  // namespace chaos::cli
