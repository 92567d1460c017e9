// SPDX-License-Identifier: Apache-2.0
#include "work.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "plan_view.hpp"
#include "problems.hpp"

namespace chaos::cli {

namespace {

/// What plans are made of, of all that is recorded: it changes by runs, by a person's word on one, and by pruning.
struct Recorded {
    std::optional<RunRecord> last;
    std::int64_t waits = 0, pruned = 0;
};

Recorded recorded(const History& history) {
    const auto last = history.runs(1);
    const auto window = history.window();
    return {last.empty() ? std::nullopt : std::optional(last.front()), window ? window->run : 0, history.pruned()};
}

/// Empty where it is as it was.
std::string what_came_between(const Recorded& then, const Recorded& now) {
    const std::int64_t was = then.last ? then.last->number : 0, is = now.last ? now.last->number : 0;
    if (is > was) return fmt::format("run {} ({} by {}) came between", is, now.last->verb, now.last->who);
    if (then.waits != 0 && now.waits != then.waits) return fmt::format("run {} was confirmed meanwhile", then.waits);
    if (is != was || now.pruned != then.pruned) return "runs were let go of meanwhile";
    if (is != 0 && then.last->state != now.last->state)
        return fmt::format("run {} is {} by now", is, to_text(now.last->state));
    return {};
}

}  // namespace

Work::Work(Context& context, const World& world)
    : context_(context),
      world_(world),
      progress_(context.console, context.sources, world.host->live()),
      transactor_(Transactor::open(world.registry, *world.host, world.host->root(), world.state_directory, progress_)) {
}

bool Work::agrees(const std::string& question) {
    if (!context_.console.interactive()) return false;
    const Recorded then = recorded(transactor_->history());
    transactor_.reset();
    if (!context_.console.agrees(question)) return false;
    transactor_ = open_soon(world_, progress_, [] { return true; });
    const std::string between = what_came_between(then, recorded(transactor_->history()));
    if (between.empty()) return true;
    throw Overtaken{{{Error("what was shown may be true no more, and was not done: " + between)
                          .help("chaos history; then give the command again: it looks anew")},
                     Exit::failed}};
}

bool Work::agreed(const PlanView& plan, const std::string& question) {
    Console& console = context_.console;
    if (context_.options.yes || !console.interactive() || plan.changes.empty()) return true;
    if (console.json()) console.remark(render(plan, console.error_style(), console.verbose()));
    if (agrees(question)) return true;
    console.remark("Nothing was changed.\n");
    return false;
}

std::unique_ptr<Transactor> open_soon(const World& world, Reporter& reporter, const std::function<bool()>& goes_on) {
    constexpr int tries = 40;
    for (int tried = 0;; ++tried) try {
            return Transactor::open(world.registry, *world.host, world.host->root(), world.state_directory, reporter);
        } catch (const Busy&) {
            if (!goes_on() || tried == tries) throw;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
}

}  // namespace chaos::cli
