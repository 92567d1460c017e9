// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/git_mirror.hpp>

#include "commands.hpp"

namespace chaos::cli {

/// Brings what manifests use from elsewhere, as `chaos modules fetch` does. They are of a repository whose url is `of`:
/// modules of its server are fetched as whoever fetches that. Throws Error (git::Unanswered where a server did not send
/// one) and Problems.
void fetch_modules(Context&, const std::vector<std::string>& manifests, const std::string& of, const git::Access&);

}  // namespace chaos::cli
