// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "progress.hpp"
#include "run.hpp"

namespace chaos::cli {

namespace {

/// What waits to be confirmed; or the run that is confirmed, maybe by somebody else before.
struct ConfirmView {
    std::optional<Window> window;
    std::int64_t confirmed = 0;
    bool before = false;
};

Json to_json(const ConfirmView& view) {
    return Json::record({{"waits", view.window && !view.confirmed ? cli::to_json(*view.window) : Json()},
                         {"confirmed", view.confirmed ? Json(view.confirmed) : Json()},
                         {"next", view.window && !view.confirmed ? Json("chaos confirm") : Json()}});
}

std::string render(const ConfirmView& view, Style style, bool) {
    if (view.confirmed)
        return style.green(fmt::format("Run {} {}, and stands.", view.confirmed,
                                       view.before ? "was confirmed already" : "is confirmed")) +
               '\n';
    if (!view.window) return "No run waits to be confirmed.\n";
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t left = (view.window->left_ns() + second - 1) / second;  // what has begun counts
    return style.yellow(
               fmt::format("{}{}.", chaos::to_text(*view.window),
                           left == 0 ? ", and is taken back now" : fmt::format(": {} are left", time_in_words(left)))) +
           '\n' + style.dim("next: ") + "chaos confirm, from a new connection; or take it back: chaos rollback\n";
}

/// That an old connection lives shows nothing: the person is asked, and a script is told.
bool is_meant(Context& context, const Window& window) {
    if (window.connection.empty() || window.connection == "ssh" || window.connection != ssh_connection()) return true;
    Console& console = context.console;
    console.remark(
        "This is the connection that the run was made from: that it lives does not show that a new one can be made.\n");
    return context.options.yes || !console.interactive() || console.agrees("Confirm all the same?");
}

/// That the last run waited, and somebody confirmed it; or what waits.
ConfirmView as_it_is(const History& history) {
    ConfirmView view{history.window()};
    const auto last = view.window ? std::vector<RunRecord>() : history.runs(1);
    if (!last.empty() && history.is_confirmed(last.front().number))
        view.confirmed = last.front().number, view.before = true;
    return view;
}

/// By a look that keeps nobody else out.
ConfirmView seen(const World& world) {
    const auto history = open_history(world.host->root(), world.state_directory, nullptr);
    return history ? as_it_is(*history) : ConfirmView();
}

/// Nothing where somebody else confirmed it just now. Who is at work where a run waits has to do with that, and is
/// through in a moment; a run that is not at its end yet throws Busy at once.
std::unique_ptr<Transactor> open_to_confirm(const World& world, Progress& progress, ConfirmView& view) {
    try {
        return open_soon(world, progress, [&] {
            view = seen(world);
            return !view.confirmed && view.window;
        });
    } catch (const Busy&) {
        if (view.confirmed) return nullptr;
        throw;
    }
}

}  // namespace

Exit confirm(Context& context) {
    const World world = wire(context.options);
    ConfirmView view = seen(world);
    if (context.options.status) view.confirmed = 0;
    if (context.options.status || !view.window) {
        context.console.show(view);
        return view.window ? Exit::pending : context.options.status || view.confirmed ? Exit::well : Exit::failed;
    }
    // The lock is taken after the answer: the window may end before it, and then the run goes back.
    const Window waits = *view.window;
    const bool in_time = waits.left_ns() > 0;
    if (!is_meant(context, waits)) return Exit::pending;
    Progress progress(context.console, context.sources, world.host->live());
    if (const auto transactor = open_to_confirm(world, progress, view)) {
        view = as_it_is(transactor->history());
        const bool still = view.window && view.window->run == waits.run && !(in_time && view.window->left_ns() == 0);
        if (!still && view.confirmed != waits.run)
            throw Error(fmt::format("run {} is not confirmed: its window ended before the answer", waits.run))
                .help("chaos history");
        if (still) transactor->confirm(who()), view.confirmed = waits.run;
    }
    context.console.show(view);
    return Exit::well;
}

}  // namespace chaos::cli
