// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/git_mirror.hpp>
#include <chaos/gitops/decision.hpp>

#include "run.hpp"

namespace chaos::cli {

/// A repository that this host follows, or is made from once: `gitops` and `pull` are uses of it.
struct Followed {
    gitops::Settings settings;
    std::string directory;   ///< What is kept of it: STATE/gitops.
    bool elsewhere = false;  ///< Asked for this once: what is remembered of the one that is followed is not of it.
    std::string again = "chaos gitops reconcile";  ///< What a person types to have it done again.
};

/// By /etc/chaos/gitops.yml (of the root), and the options over it. Throws Problems with its mistakes, Error where
/// there is neither that file nor a url.
Followed followed(Context&, const World&, const std::string& url = {});

/// Runs that came since the last turn: a person's rollback of one of ours (a run of a manifest below `site`) holds the
/// host there until it is brought back, and one of ours that was not confirmed has failed.
void notice_runs(gitops::Memory&, const History&, const std::string& site);

/// What following came to, this time.
struct FollowView {
    gitops::Settings settings;
    gitops::Decision decision;
    gitops::Memory memory;
    git::Commit tried{};  ///< What was to be applied.
    std::string signer;   ///< Who signed what was applied; empty: nobody need to.
    std::optional<RunView> run{};
    std::vector<Error> errors{};  ///< Why a commit could not be applied.
    Exit exit = Exit::well;
    bool recovered = false;  ///< It failed the last time, and does not any more.
    bool once = false;       ///< Of a repository that is not followed: nothing tries it again by itself.
    std::string again{};     ///< What has it tried again.
};

/// One turn: asks, decides, does. Throws Busy where another turn or run is at work.
FollowView follow(Context&, const Followed&, gitops::Asked);

/// A turn, and what is said of it. By a timer, nothing where nothing happened.
Exit follow_and_tell(Context&, const std::string& url, gitops::Asked);

/// The manifest of a commit, checked out at DIRECTORY/NAME, for looking; its path.
std::string manifest_at(Context&, const World&, const View&, const Followed&, const std::string& name,
                        const std::string& commit);

Json to_json(const FollowView&);
std::string render(const FollowView&, Style, bool verbose);

}  // namespace chaos::cli
