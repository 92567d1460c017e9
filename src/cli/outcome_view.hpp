// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/system/outdated.hpp>

#include "plan_view.hpp"
#include "problems.hpp"

namespace chaos::cli {

/// How a run ended, beside the plan it followed: what apply, rollback, recover and setup show.
struct RunView {
    std::optional<PlanView> plan;
    std::optional<Outcome> outcome;  ///< Nothing where nothing was run.
    const Sources* sources = nullptr;
    std::string verb = "apply";
    std::optional<Outdated> outdated{};  ///< Where packages changed on the running system.
    std::string next;                    ///< The command to type next; empty where there is none.
};

Json to_json(const RunView&);
Json to_json(const Window&);
std::string render(const RunView&, Style, bool verbose);  ///< Without the plan, which was shown before it ran.

Exit exit_of(const Outcome&);
Exit exit_of_recovery(const Outcome&);  ///< Recovering well is to be as it was.

}  // namespace chaos::cli
