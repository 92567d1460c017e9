// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/seal.hpp>

#include "site.hpp"

namespace chaos::cli {

/// A plan as a file has it: what it was made for, and digests of what was seen. A plan is a function of states, so it
/// is not kept as steps: it is made again of the same goal, and must come out the same.
struct SavedPlan {
    Planned planned;  ///< Without `observed` and `plan`.
    States seen{};    ///< For writing: what is there, looked at once more when all was decided.
    std::string manifest, revision;
    bool moved = false;                  ///< It was made with --moved.
    std::vector<std::uint32_t> order{};  ///< Resources that change, as the steps have them.
    std::vector<Digest> digests{};       ///< Of `seen`, by resource: all of what changes, else its properties.
    std::vector<std::pair<Digest, Digest>> inputs{};  ///< What it listens to: as seen, and as it will be.
};

/// Only who has the host's key can make it.
Digest digest_of(const SealKey&, const Schema&, const State&, bool whole);

/// The largest such file that is read.
inline constexpr std::size_t largest_plan = 256 << 20;

/// A line with the program's version, the machine and a digest of all that only the host's key can make; then JSON, its
/// secrets closed with that key.
std::string to_text(const SavedPlan&, const Sources&, const SealKey&, const std::string& machine);

/// Whether a text begins as a saved plan does, of whatever version.
bool is_saved_plan(std::string_view text);

/// Throws Error, with the reason, where it is of another chaos or another machine, or is not as it was written.
SavedPlan saved_plan_from(std::string_view text, const Registry&, Sources&, const SealKey&, const std::string& machine);

}  // namespace chaos::cli
