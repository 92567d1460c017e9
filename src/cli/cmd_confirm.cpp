// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>
#include <thread>

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

/// Nothing where somebody else confirmed it just now. Who is at work where a run waits has to do with that, and is
/// through in a moment; a run that is not at its end yet throws Busy at once.
std::unique_ptr<Transactor> open_to_confirm(const World& world, Progress& progress, ConfirmView& view) {
    constexpr int tries = 40;
    for (int tried = 0;; ++tried) try {
            return Transactor::open(world.registry, *world.host, world.host->root(), world.state_directory, progress);
        } catch (const Busy&) {
            const auto history = open_history(world.host->root(), world.state_directory, nullptr);
            if (history) view = as_it_is(*history);
            if (view.confirmed) return nullptr;
            if (!view.window || tried == tries) throw;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
}

}  // namespace

Exit confirm(Context& context) {
    const World world = wire(context.options);
    if (context.options.status || !has_history(world)) {
        const auto history = open_history(world.host->root(), world.state_directory, nullptr);
        const ConfirmView view{history ? history->window() : std::nullopt};
        context.console.show(view);
        return view.window ? Exit::pending : context.options.status ? Exit::well : Exit::failed;
    }
    Progress progress(context.console, context.sources, world.host->live());
    ConfirmView view;
    if (const auto transactor = open_to_confirm(world, progress, view)) {
        view = as_it_is(transactor->history());
        if (view.window && !is_meant(context, *view.window)) return Exit::pending;
        if (view.window) transactor->confirm(who()), view.confirmed = view.window->run;
    }
    context.console.show(view);
    return view.confirmed ? Exit::well : Exit::failed;
}

}  // namespace chaos::cli
