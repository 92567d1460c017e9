// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "outcome_view.hpp"
#include "site.hpp"
#include "work.hpp"

namespace chaos::cli {

/// A site applied from these manifests: what apply does, and setup with a manifest of its own.
Exit apply_manifests(Context&, const std::vector<std::string>& paths);

/// On whose behalf a run is, and where its manifest came from.
struct Errand {
    std::string who, manifest;                    ///< As in Request.
    std::string revision{}, author{}, message{};  ///< Likewise.
    std::vector<std::string> held{};              ///< Ids and patterns of what a person works on: left out.
    bool silent = false;                          ///< Says nothing where nothing is to be done.
    bool tells_changes = false;                   ///< Who asked reads what was to be changed when it is over.
};

/// The same, without the last word: nothing where somebody did not agree. `eye`: the world's host, or what looks at it.
std::optional<RunView> run_manifests(Context&, const World&, const Host& eye, const std::vector<std::string>& paths,
                                     Errand);

/// Shows a plan, asks, and runs it: the end of `apply`, whose view of the host must be gone by now. Nothing where
/// somebody did not agree.
std::optional<RunView> carry_out(Context&, const World&, Work&, const Planned&, const Errand&);

/// What differs between the host as two runs left it: `chaos diff RUN RUN`.
Exit diff_runs(Context&);

/// Takes back what an earlier run left open, and says it; false where there was nothing. Throws Problems where that did
/// not end well: nothing may be done on top of it. A run that waits to be confirmed is taken back where its window is
/// over; else throws Busy.
bool recover_first(Context&, Transactor&);
bool recover_cut(Context&, Transactor&);  ///< The same, but for what waits.

/// Whether this run must be confirmed. Throws Usage where it was asked for, and there is nobody who could.
Confirmation confirmation_for(const Context&, const World&, const Planned&);

/// What runs with code that a run of this plan replaced; nothing where no package changed, or on an image.
std::optional<Outdated> outdated_after(const World&, const Plan&, const Outcome&);

/// Shows how it ended: errors first, then the result with the command to type next.
Exit tell(Context&, RunView);

/// A run as a person names it. Throws Usage where it is no number.
std::int64_t run_number(const std::string& word);

/// Whether anything was ever recorded for this root. Makes nothing to find that out.
bool has_history(const World&);

}  // namespace chaos::cli
