// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "progress.hpp"
#include "run.hpp"

namespace chaos::cli {

namespace {

/// What waits to be confirmed, or did.
struct ConfirmView {
    std::optional<Window> window;
    bool confirmed = false;
};

Json to_json(const ConfirmView& view) {
    return Json::record({{"waits", view.window && !view.confirmed ? cli::to_json(*view.window) : Json()},
                         {"confirmed", view.confirmed ? Json(view.window->run) : Json()},
                         {"next", view.window && !view.confirmed ? Json("chaos confirm") : Json()}});
}

std::string render(const ConfirmView& view, Style style, bool) {
    if (!view.window) return "No run waits to be confirmed.\n";
    if (view.confirmed) return style.green(fmt::format("Run {} is confirmed, and stands.", view.window->run)) + '\n';
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

/// The run that waits, by a look that keeps nobody else out.
std::optional<Window> waiting(const World& world) {
    const auto history = open_history(world.host->root(), world.state_directory, nullptr);
    return history ? history->window() : std::nullopt;
}

}  // namespace

Exit confirm(Context& context) {
    const World world = wire(context.options);
    const auto waits = waiting(world);
    if (context.options.status || !waits) {
        context.console.show(ConfirmView{waits});
        return waits ? Exit::pending : context.options.status ? Exit::well : Exit::failed;
    }
    // The lock is taken after the answer: the window may end before it, and then the run goes back.
    const bool in_time = waits->left_ns() > 0;
    if (!is_meant(context, *waits)) return Exit::pending;
    Progress progress(context.console, context.sources, world.host->live());
    const auto transactor =
        Transactor::open(world.registry, *world.host, world.host->root(), world.state_directory, progress);
    ConfirmView view{transactor->history().window()};
    if (!view.window || view.window->run != waits->run || (in_time && view.window->left_ns() == 0))
        throw Error(fmt::format("run {} is not confirmed: its window ended before the answer", waits->run))
            .help("chaos history");
    transactor->confirm(who()), view.confirmed = true;
    context.console.show(view);
    return Exit::well;
}

}  // namespace chaos::cli
