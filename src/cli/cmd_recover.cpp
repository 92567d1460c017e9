// SPDX-License-Identifier: Apache-2.0
#include "interrupts.hpp"
#include "keeping_view.hpp"
#include "progress.hpp"
#include "run.hpp"

namespace chaos::cli {

Exit recover(Context& context) {
    const World world = wire(context.options);
    if (context.options.status) {
        StatusView view;
        open_history(world.host->root(), world.state_directory, &view.note);
        context.console.show(view);
        return view.note.empty() ? Exit::well : Exit::pending;
    }
    RunView shown;
    shown.verb = "recover";
    // Without a store there is nothing to take back, and none is made to find that out.
    if (!has_history(world)) {
        context.console.text("Nothing to take back.\n");
        if (context.console.json()) context.console.show(shown);
        return Exit::well;
    }
    Progress progress(context.console, context.sources, world.host->live());
    if (context.options.unconfirmed) {
        shown.outcome = watch_window(world.registry, *world.host, world.state_directory, progress);
        if (shown.outcome->run == 0) context.console.text("Nothing waits to be confirmed.\n");
        if (shown.outcome->state != RunState::undone) shown.verb = "rollback";
        return tell(context, std::move(shown));
    }
    const auto transactor =
        Transactor::open(world.registry, *world.host, world.host->root(), world.state_directory, progress);
    const Interrupts interrupts(Interrupts::Meaning::goes_on);
    shown.outcome = transactor->recover(context.options.early    ? Recovery::early
                                        : context.options.accept ? Recovery::accept
                                                                 : Recovery::whole);
    // Early in the boot what waits is left alone: it may have called something.
    if (shown.outcome->run == 0 && !context.options.early && transactor->history().window()) {
        shown.outcome = transactor->expire();
        if (shown.outcome->run != 0) shown.verb = "rollback";
    }
    if (const auto waits = transactor->history().window())
        context.console.text(chaos::to_text(*waits) + ": that is left alone.\n");
    else if (shown.outcome->run == 0)
        context.console.text("Nothing to take back.\n");
    return tell(context, std::move(shown));
}

}  // namespace chaos::cli
