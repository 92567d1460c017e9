// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

namespace chaos::cli {

namespace {

constexpr std::size_t all_lines = 100'000;

Planned plan_only(Context& context, const World& world) {
    const View view(world.subject());
    Site site = read_manifests(context, world, view, manifests(context.options), nullptr, world.recorded.has_value());
    if (world.recorded) return plan_unseen(std::move(site));
    demand(site, *world.host, false);
    const auto history = look_at_history(context, world);
    return look_and_plan(context, world, view, std::move(site), history.get());
}

}  // namespace

Exit plan(Context& context) {
    const World world = wire(context);
    const Planned planned = plan_only(context, world);
    PlanView view = view_of(planned.site.catalog, planned.plan, context.sources, {});
    view.title = planned.site.name;
    view.checks = asked_of(planned.site, context.sources);
    view.confirmation = confirmation_for(context, world, planned);
    if (world.recorded) view.unseen = name_of(*world.recorded, context.options);
    if (!view.changes.empty() && !world.recorded) view.next = command_line("apply", context.options);
    say(context.console, planned.remarks, context.sources);
    if (!world.recorded && !view.changes.empty())
        say_who_may_apply(context.console, planned.site, *world.host, context.sources);
    context.console.show(view);
    return view.changes.empty() ? Exit::well : Exit::pending;
}

/// The plan's contents in full; of what has none to show (a secret, a user), only that it changes.
Exit diff(Context& context) {
    const World world = wire(context.options);
    const Planned planned = plan_only(context, world);
    PlanView view = view_of(planned.site.catalog, planned.plan, context.sources, {.diff_lines = all_lines});
    view.title = planned.site.name;
    for (ChangeView& change : view.changes)
        std::erase_if(change.attributes, [](const AttributeView& attribute) { return attribute.diff.empty(); });
    context.console.show(view);
    return view.changes.empty() ? Exit::well : Exit::pending;
}

}  // namespace chaos::cli
