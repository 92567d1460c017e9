// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/gitops/decision.hpp>
#include <chaos/witness.hpp>

/// A turn that finds the host as it was plans nothing: what the last plan looked at is kept in DIRECTORY/sight.
namespace chaos::gitops {

/// What decides beside manifest and host: this program, what was recorded, and what is on hold.
std::string circumstances(const std::string& state_directory, std::int64_t now);

/// All that a plan comes from beside the host: these, the commit and manifest, and the settings. Another one,
/// and nothing is known.
std::string circumstances(const Settings&, const Memory&, const std::string& state_directory, std::int64_t now);

/// What was seen of a host while nothing was to be done, or while what drifted was left, under these circumstances.
void keep_sight(const std::string& directory, const std::string& circumstances, const Sight&);

/// What was kept, where it was seen under these circumstances.
std::optional<Sight> kept_sight(const std::string& directory, const std::string& circumstances);

/// Whether all is still so. Into the memory goes how many things were compared, and what was another. Never throws:
/// what can not be read tells nothing.
Noticed notice(const std::string& directory, const std::string& circumstances, const Host&, Memory&);

}  // namespace chaos::gitops
