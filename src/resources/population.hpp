// SPDX-License-Identifier: Apache-2.0
// What a host has because somebody asked for it, not because it is part of the system: what `exclusive` is about.
#pragma once

#include <chaos/view.hpp>
#include <span>

namespace chaos::resources {

/// Users with the number of a person, 1000 to 59999.
std::vector<std::string> people(const View&);

/// Units that are enabled, though neither their package nor a preset of the vendor does that; without `.service`.
std::vector<std::string> enabled_by_hand(const View&);

/// Packages that were installed by hand, beside those declared (sorted), and that nothing needs which stays: not those
/// of the system (essential, required, important), no kernel, and nothing that this host is reached by.
std::vector<std::string> installed_by_hand(const View&, std::span<const std::string> declared);

/// Packages that were installed by hand and neither belong to the system (essential, required, important, kernels, boot
/// loaders) nor come along with it or with others of them; `libc6:i386` of a foreign architecture.
std::vector<std::string> asked_for_by_hand(const View&);

/// Of the paragraphs of dpkg's status, those of `candidates` (sorted) that nothing of the system and none of the others
/// brings along.
std::vector<std::string> not_brought(std::string_view status, const std::vector<std::string>& candidates);

/// Of the paragraphs of dpkg's status, those of `candidates` that can go together: nothing that stays needs them.
std::vector<std::string> not_needed(std::string_view status, std::vector<std::string> candidates);

}  // namespace chaos::resources
