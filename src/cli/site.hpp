// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan_view.hpp"
#include "problems.hpp"
#include "work.hpp"

namespace chaos::cli {

/// A site as it was read, and the way to it from what is there: what check, plan, diff, drift, graph and apply share.
struct Planned {
    Site site;
    Graph graph;
    States observed, goal;
    Plan plan;
    bool known = false;          ///< Something of this site is recorded: it was applied before.
    std::vector<Error> remarks;  ///< Worth saying, but nothing is wrong.
};

/// The manifests, to their end, and what is chosen of them. Throws Problems with all that is wrong in them. Who
/// compares nothing with the host (`only_looks`) goes on where the keys of secrets are lacking.
Site read_manifests(Context&, const World&, const View&, const std::vector<std::string>& paths, Provenance* = nullptr,
                    bool only_looks = false);

/// Leaves out of a site what these name (ids, patterns), as --skip does; what names nothing in it is no matter.
void leave_out(Site&, const Registry&, const std::vector<std::string>& names);

/// Throws Problems where this host lacks what kinds of the site need; all of them are named. Who only looks (`changing`
/// false) needs no root.
void demand(const Site&, const Host&, bool changing);

/// The way to a site on a host that can not be looked at: all of it is to be made.
Planned plan_unseen(Site);

/// Says which resources only root can apply, where this is somebody else.
void say_who_may_apply(Console&, const Site&, const Host&, const Sources&);

/// Looks, decides, plans, and finds out without trying what would fail. Throws Problems.
Planned look_and_plan(Context&, const World&, const View&, Site, const History*);

/// Whose the resources are; `moved`: this site lies elsewhere now. Throws Problems.
void check_owners(Site&, const History&, bool moved);

/// Finds out without trying what would fail of a plan; what must not be shown of it is hidden. Throws Problems.
void check_planned(Planned&, const View&, const Registry&, const History*);

/// The history for a verb that only looks, null where there is none; says it where a run was cut.
std::unique_ptr<History> look_at_history(Context&, const World&);

/// What a run would take away that needs a person's word, or --removals: more than ten resources and a third of the
/// site that left the manifest; what `exclusive` removes for the first time, or much of it at once.
std::vector<Error> removals_to_agree_to(const Planned&, const Options&);

/// Throws Problems where it does not get that word.
void guard_against_mass_removal(const Options&, Work&, const Planned&);

/// With --require-undo: throws Problems where something of the plan could be taken back by best effort only, or not.
void demand_undo(const Planned&, const Options&);

void say(Console&, const std::vector<Error>& remarks, const Sources&);

/// A word as a shell takes it: for the next command to type.
std::string quoted(const std::string& word);
std::string command_line(std::string_view verb, const Options&);  ///< chaos VERB and what this command was given.

}  // namespace chaos::cli
