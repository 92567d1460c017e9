// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/registry.hpp>
#include <chaos/reporter.hpp>
#include <chaos/seal.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// Care of what is recorded: letting go of old runs, checking it, saving what is left of a damaged store. Each takes the
// lock of the store, or throws Busy.
namespace chaos {

/// Which runs stay. The newest `keep` always do; of the others a run goes with all before it where it ended longer ago
/// than `seconds`, or where the store would else be larger than `bytes`. Where neither is said, all others go.
struct Retention {
    std::size_t keep = 1;       ///< At least 1: what the last run left can always be taken back.
    std::int64_t seconds = -1;  ///< -1: not said.
    std::int64_t bytes = -1;    ///< -1: not said.
};

/// What letting go did, or would do.
struct Pruned {
    std::vector<std::int64_t> runs;      ///< That went, oldest first.
    std::int64_t oldest = 0;             ///< The oldest that stays; 0: there is none.
    std::int64_t before = 0, after = 0;  ///< Bytes of the store and what lies beside it; `after` as reckoned.
    std::size_t contents = 0;            ///< That no run needs any more.
    std::vector<std::string> trees;  ///< Removed directories that were kept, and are not any more: paths in the root.
};

/// Lets go of old runs, always the oldest ones: what stays can be taken back as before, and what is owned keeps its
/// origin. What kinds keep beside the store goes with them. Killed anywhere, the store is whole, and the next time does
/// the rest. `now`: nanoseconds since 1970.
Pruned prune_history(const Registry&, const Host&, const std::string& root, const std::string& state_directory,
                     const Retention&, std::int64_t now, bool dry_run, Reporter&);

/// Something of a store that is not as it was written.
struct Flaw {
    std::string what;               ///< In a sentence.
    std::vector<std::string> lost;  ///< What can not be told or put back any more: "run 3: file:/etc/motd".
};

/// How a store is.
struct Health {
    std::size_t runs = 0, contents = 0, objects = 0;  ///< That were looked at.
    std::vector<Flaw> flaws;
};

/// Reads all of it: every page, every content against its digest, every value that is closed. Changes nothing.
Health check_history(const std::string& state_directory);

/// What was saved of a damaged store.
struct Salvage {
    std::string kept;  ///< Where the damaged one lies now, whole, with what of objects/ was; empty: it was sound.
    std::vector<std::pair<std::string, std::int64_t>> rows;  ///< By table: how many are in the new one.
    Health health;                                           ///< Of the new one: what is lost is in its flaws.
};

/// Makes a sound store of what can be read of a damaged one, which is kept aside whole beside it. A store that is sound
/// is left alone.
Salvage salvage_history(const std::string& state_directory, Reporter&);

bool has_key_of_host(const std::string& state_directory);

/// The host's own key for what must not lie open in a file; made, with the store, where there is none yet.
SealKey key_of_host(const std::string& state_directory);

/// Keeps the text of a run of another host beside the store, to be looked at; its path. Throws Error where the name is
/// none, or is taken by another text.
std::string keep_imported(const std::string& state_directory, const std::string& name, const std::string& text);

}  // namespace chaos
