// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "apply_saved.hpp"
#include "interrupts.hpp"
#include "lasting_history.hpp"
#include "revision.hpp"
#include "run.hpp"
#include "settled.hpp"

namespace chaos::cli {

Exit apply(Context& context) {
    if (names_saved_plan(context.options)) return apply_saved(context);
    if (context.options.go_on) throw Usage("--continue is for a saved plan: chaos apply --continue PLAN");
    return context.options.dry_run ? plan(context) : apply_manifests(context, context.options.arguments);
}

Exit apply_manifests(Context& context, const std::vector<std::string>& paths) {
    const World world = wire(context.options);
    Settled settled(context, world);
    if (settled.says_it_again()) return Exit::well;
    Errand errand{who(), fmt::format("{}", fmt::join(paths, " "))};
    if (!paths.empty()) errand.revision = revision_of(paths.front());
    auto shown = run_manifests(context, world, settled.eye(), paths, std::move(errand));
    if (!shown) return Exit::pending;
    const bool nothing_done = shown->outcome->run == 0;
    const Exit exit = tell(context, std::move(*shown));
    if (nothing_done && exit == Exit::well) settled.keep();
    return exit;
}

std::optional<RunView> run_manifests(Context& context, const World& world, const Host& eye,
                                     const std::vector<std::string>& paths, Errand errand) {
    auto view = std::make_unique<View>(eye);
    Site site = read_manifests(context, world, *view, paths);
    leave_out(site, world.registry, errand.held);
    demand(site, *world.host, true);
    demand_lasting_history(context.options, world);

    auto work = std::make_unique<Work>(context, world);
    while (recover_first(context, **work)) {  // the host is another one now
        work.reset();                         // for a passphrase may be asked
        view = std::make_unique<View>(*world.host);
        site = read_manifests(context, world, *view, paths);
        leave_out(site, world.registry, errand.held);
        work = std::make_unique<Work>(context, world);
    }
    const Planned planned = look_and_plan(context, world, *view, std::move(site), &(*work)->history());
    view.reset();  // never outlives a change
    return carry_out(context, world, *work, planned, errand);
}

std::optional<RunView> carry_out(Context& context, const World& world, Work& work, const Planned& planned,
                                 const Errand& errand) {
    const Options& options = context.options;
    RunView shown;
    shown.plan = view_of(planned.site.catalog, planned.plan, context.sources, {});
    shown.plan->title = planned.site.name;
    shown.plan->checks = asked_of(planned.site, context.sources);
    shown.plan->confirmation = confirmation_for(context, world, planned);
    if (!errand.silent || !shown.plan->changes.empty()) {
        say(context.console, planned.remarks, context.sources);
        show_text(context.console, *shown.plan);
    }
    demand_undo(planned, context.options);
    guard_against_mass_removal(options, work, planned);
    if (!work.agreed(*shown.plan, fmt::format("Apply {}?", count(shown.plan->changes.size(), "change"))))
        return std::nullopt;
    if (!context.console.json() && !errand.tells_changes) shown.plan->forget_changes();

    const Interrupts interrupts(Interrupts::Meaning::takes_back);
    Request request{"apply",
                    errand.who,
                    errand.manifest,
                    planned.site,
                    planned.graph,
                    planned.observed,
                    planned.goal,
                    planned.plan,
                    &context.sources,
                    options.on_failure,
                    options.jobs ? options.jobs : processors(),
                    &Interrupts::flag(),
                    shown.plan->confirmation.seconds,
                    ssh_connection()};
    request.revision = errand.revision, request.author = errand.author, request.message = errand.message;
    shown.outcome = work->run(request);
    shown.outdated = outdated_after(world, planned.plan, *shown.outcome);
    return shown;
}

}  // namespace chaos::cli
