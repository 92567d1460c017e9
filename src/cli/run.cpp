// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "interrupts.hpp"

namespace chaos::cli {

std::int64_t run_number(const std::string& word) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size() || number < 0)
        throw Usage(fmt::format("expected the number of a run, found '{}'", escape(word)));
    return number;
}

bool has_history(const World& world) {
    std::string open_run;
    return open_history(world.host->root(), world.state_directory, &open_run) != nullptr;
}

bool recover_first(Context& context, Transactor& transactor) {
    const bool was_cut = recover_cut(context, transactor);
    const auto waits = transactor.history().window();
    if (!waits) return was_cut;
    if (waits->left_ns() > 0) {
        Busy error(chaos::to_text(*waits) + ": nothing is done on top of it");
        error.hint = "from a new connection: chaos confirm; or take it back: chaos rollback";
        throw error;
    }
    RunView view;
    view.outcome = transactor.expire(), view.verb = "rollback";
    Console& console = context.console;
    for (const Error& error : view.outcome->errors)
        console.problem(chaos::render(error, context.sources, console.error_style().colour()));
    console.remark(render(view, console.error_style(), console.verbose()));
    if (transactor.history().window())
        throw Problems{{Error(fmt::format("run {} was not confirmed, and could not be taken back", waits->run))
                            .help("mend what is named above, then: chaos rollback")},
                       Exit::damaged};
    return true;
}

Confirmation confirmation_for(const Context& context, const World& world, const Planned& planned) {
    const Options& options = context.options;
    if (world.host && world.host->live())
        return confirmation_of(options, planned.site, planned.plan, who(), !ssh_connection().empty());
    if (options.confirm.value_or(0) != 0)
        throw Usage("--confirm: an image runs nothing, and nobody could be locked out of it");
    return {};
}

bool recover_cut(Context& context, Transactor& transactor) {
    const Interrupts interrupts(Interrupts::Meaning::goes_on);
    const Outcome outcome = transactor.recover();
    if (outcome.run == 0) return false;
    Console& console = context.console;
    RunView view;
    view.outcome = outcome, view.verb = "recover";
    for (const Error& error : outcome.errors)
        console.problem(chaos::render(error, context.sources, console.error_style().colour()));
    console.remark(render(view, console.error_style(), console.verbose()));
    if (outcome.state == RunState::stuck)
        throw Problems{
            {Error(fmt::format("run {} could not be wholly taken back; nothing is done on top of it", outcome.run))
                 .help("mend what is named above, then: chaos recover; or leave it as it is: chaos recover --accept")},
            Exit::damaged};
    return true;
}

std::optional<Outdated> outdated_after(const World& world, const Plan& plan, const Outcome& outcome) {
    const bool packages =
        std::any_of(plan.begin(), plan.end(), [](const Step& step) { return step.type->schema().name == "package"; });
    if (!packages || outcome.changed == 0 || !world.host->live()) return std::nullopt;
    return Outdated::read(View(*world.host));
}

Exit tell(Context& context, RunView view) {
    const Outcome& outcome = *view.outcome;
    view.sources = &context.sources;
    Console& console = context.console;
    for (const Error& error : outcome.errors)
        console.problem(chaos::render(error, context.sources, console.error_style().colour()));
    const Exit exit = view.verb == "recover" ? exit_of_recovery(outcome) : exit_of(outcome);
    if (outcome.state == RunState::stuck)
        view.next = "chaos recover";
    else if (outcome.window)
        view.next =
            fmt::format("chaos confirm   from a new connection, within {}", time_in_words(outcome.window->seconds));
    else if (outcome.run != 0 && (view.verb == "apply" || view.verb == "upgrade") && exit == Exit::well)
        view.next = fmt::format("chaos show {}   or take it back: chaos rollback", outcome.run);
    console.show(view);
    return exit;
}

}  // namespace chaos::cli
