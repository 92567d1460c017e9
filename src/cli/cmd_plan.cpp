// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "apply_saved.hpp"
#include "run.hpp"
#include "settled.hpp"

namespace chaos::cli {

namespace {

constexpr std::size_t all_lines = 100'000;

Planned plan_only(Context& context, const World& world, const Host& eye, const std::string& save_to = {}) {
    const View view(eye);
    Site site = read_manifests(context, world, view, manifests(context.options), nullptr, world.recorded.has_value());
    if (world.recorded) return plan_unseen(std::move(site));
    demand(site, *world.host, false);
    const auto history = look_at_history(context, world);
    Planned planned = look_and_plan(context, world, view, std::move(site), history.get());
    if (!save_to.empty()) save_plan(context, world, view, planned, history.get());
    return planned;
}

}  // namespace

Exit plan(Context& context) {
    const World world = wire(context);
    const std::string& file = context.options.output;
    if (world.recorded && !file.empty()) throw Usage("--facts and -o: a plan is saved where it is to be applied");
    std::optional<Settled> settled;
    if (!world.recorded && file.empty()) settled.emplace(context, world);
    if (settled && settled->says_it_again()) return Exit::well;
    const Planned planned = plan_only(context, world, settled ? settled->eye() : world.subject(), file);
    PlanView view = view_of(planned.site.catalog, planned.plan, context.sources, {});
    view.title = planned.site.name;
    view.checks = asked_of(planned.site, context.sources);
    view.confirmation = confirmation_for(context, world, planned);
    if (world.recorded) view.unseen = name_of(*world.recorded, context.options);
    if (!view.changes.empty() && !world.recorded)
        view.next = file.empty() ? command_line("apply", context.options) : "chaos apply " + quoted(file);
    if (!view.next.empty() && !context.options.removals && !removals_to_agree_to(planned, context.options).empty())
        view.next += " --removals";
    say(context.console, planned.remarks, context.sources);
    if (!world.recorded && !view.changes.empty())
        say_who_may_apply(context.console, planned.site, *world.host, context.sources);
    show(context.console, view);
    demand_undo(planned, context.options);
    if (!view.changes.empty()) return Exit::pending;
    if (settled) settled->keep();
    return Exit::well;
}

/// The plan's contents in full; of what has none to show (a secret, a user), only that it changes.
Exit diff(Context& context) {
    const auto& words = context.options.arguments;
    const auto is_number = [](const std::string& word) { return word.find_first_not_of("0123456789") == word.npos; };
    if (words.size() == 2 && std::all_of(words.begin(), words.end(), is_number)) return diff_runs(context);
    const World world = wire(context.options);
    Settled settled(context, world);
    if (settled.says_it_again()) return Exit::well;
    const Planned planned = plan_only(context, world, settled.eye());
    PlanView view = view_of(planned.site.catalog, planned.plan, context.sources, {.diff_lines = all_lines});
    view.title = planned.site.name;
    for (ChangeView& change : view.changes)
        std::erase_if(change.attributes, [](const AttributeView& attribute) { return attribute.diff.empty(); });
    show(context.console, view);
    if (!view.changes.empty()) return Exit::pending;
    settled.keep();
    return Exit::well;
}

}  // namespace chaos::cli
