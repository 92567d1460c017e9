// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "history_view.hpp"
#include "run.hpp"

namespace chaos::cli {

namespace {

constexpr std::size_t all_lines = 100'000;

const Schema* schema_of(const Registry& registry, const std::string& type) {
    const ResourceType* known = registry.type(type);
    return known ? &known->schema() : nullptr;
}

}  // namespace

Exit history(Context& context) {
    const World world = wire(context.options);
    const auto kept = look_at_history(context, world);
    if (!context.options.arguments.empty()) {
        const ResourceId id = parse_id(context.options.arguments[0], world.registry);
        ResourceHistoryView view{to_text(id), {}};
        if (kept)
            for (const ChangeRecord& change : kept->changes_of(id))
                view.changes.push_back(view_of(change, schema_of(world.registry, change.type), {}));
        context.console.show(view);
        return Exit::well;
    }
    HistoryView view{kept ? kept->runs(context.options.most) : std::vector<RunRecord>(), right_now(), {}};
    if (const auto waits = kept ? kept->window() : std::nullopt)
        for (RunRecord& run : view.runs)
            if (run.number == waits->run) run.note = "waits to be confirmed: chaos confirm";
    if (!view.runs.empty()) view.next = fmt::format("chaos show {}", view.runs.front().number);
    context.console.show(view);
    return Exit::well;
}

Exit show(Context& context) {
    const World world = wire(context.options);
    const std::int64_t number = run_number(context.options.arguments[0]);
    const auto kept = look_at_history(context, world);
    const auto run = kept ? kept->run(number) : std::nullopt;
    if (!run) throw Problems{{Error(fmt::format("there is no run {}", number)).help("chaos history")}, Exit::usage};
    ShowView view{*run, {}, right_now()};
    for (const ChangeRecord& change : kept->changes(number))
        view.changes.push_back(view_of(change, schema_of(world.registry, change.type), {.diff_lines = all_lines}));
    context.console.show(view);
    return Exit::well;
}

}  // namespace chaos::cli
