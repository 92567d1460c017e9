// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "interrupts.hpp"
#include "progress.hpp"
#include "run.hpp"

namespace chaos::cli {

namespace {

bool stands(const RunRecord& run) {
    return run.state == RunState::committed || run.state == RunState::partial;
}

/// The last run; or all after RUN.
std::vector<std::int64_t> chosen(const Options& options, const History& history) {
    std::vector<std::int64_t> runs;
    if (options.arguments.empty()) {
        for (const RunRecord& run : history.runs())
            if (runs.empty() && stands(run)) runs.push_back(run.number);
        return runs;
    }
    const std::int64_t last_to_stay = run_number(options.arguments[0]);
    if (last_to_stay != 0 && !history.run(last_to_stay))
        throw Problems{{Error(fmt::format("there is no run {}", last_to_stay)).help("chaos history")}, Exit::usage};
    for (const RunRecord& run : history.runs())
        if (run.number > last_to_stay && stands(run)) runs.push_back(run.number);
    return runs;
}

std::string title_of(const std::vector<std::int64_t>& runs) {
    std::vector<std::string> numbers;
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) numbers.push_back(std::to_string(*run));
    return fmt::format("taking back {} {}", runs.size() == 1 ? "run" : "runs", listed(numbers, 20));
}

}  // namespace

Exit rollback(Context& context) {
    const World world = wire(context.options);
    if (!has_history(world)) throw Error("nothing was ever applied here").help("chaos apply site.yml");
    Progress progress(context.console, context.sources);
    const auto transactor =
        Transactor::open(world.registry, *world.host, world.host->root(), world.state_directory, progress);
    recover_cut(context, *transactor);
    const std::vector<std::int64_t> runs = chosen(context.options, transactor->history());
    const Transactor::TakeBack back = transactor->plan_take_back(runs);

    RunView shown;
    shown.verb = "rollback";
    shown.plan = view_of(back.site.catalog, back.plan, context.sources, {});
    shown.plan->title = runs.empty() ? "no run to take back" : title_of(runs);
    shown.plan->conflicts = back.conflicts;
    shown.plan->stayed = back.stayed;
    for (const ResourceId& id : back.settles) shown.plan->settles.push_back(to_text(id));
    if (context.options.dry_run) {
        context.console.show(*shown.plan);
        return shown.plan->changes.empty() ? Exit::well : Exit::pending;
    }
    context.console.text(render(*shown.plan, context.console.style(), context.console.verbose()));
    if (!agreed(context, *shown.plan, fmt::format("Take back {}?", count(shown.plan->changes.size(), "change"))))
        return Exit::pending;
    shown.outcome = Outcome{};
    if (!runs.empty()) {
        const Interrupts interrupts(Interrupts::Meaning::takes_back);
        shown.outcome = transactor->take_back(back, who(), &Interrupts::flag());
        shown.outdated = outdated_after(world, back.plan, *shown.outcome);
    }
    return tell(context, std::move(shown));
}

}  // namespace chaos::cli
