// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/durable.hpp>
#include <chaos/keeping.hpp>
#include <chaos/recording.hpp>

#include "history_view.hpp"
#include "keeping_view.hpp"
#include "progress.hpp"
#include "run.hpp"
#include "run_file.hpp"
#include "run_names.hpp"
#include "text_file.hpp"

namespace chaos::cli {

namespace {

constexpr std::size_t all_lines = 100'000;

void needs(const Options& options, std::size_t words, std::string_view form) {
    if (options.arguments.size() != words)
        throw Usage(fmt::format("expected chaos history {}, found {} after it", form,
                                options.arguments.size() == 1 ? "nothing" : "more"));
}

Exit prune(Context& context) {
    needs(context.options, 1, "prune");
    const World world = wire(context.options);
    Retention wish = context.options.retention;
    const bool said = std::ranges::any_of(context.options.given, [](const std::string& option) {
        return option == "keep" || option == "older-than" || option == "size";
    });
    if (!said) wish = {.keep = 50, .seconds = 90 * 24 * 3600};  // docs: cmd_history.md
    Progress progress(context.console, context.sources, world.host->live());
    const bool dry = context.options.dry_run;
    PrunedView view{prune_history(world.registry, *world.host, world.host->root(), world.state_directory, wish,
                                  right_now(), dry, progress),
                    dry};
    context.console.show(view);
    return dry && !view.pruned.runs.empty() ? Exit::pending : Exit::well;
}

Exit verify(Context& context) {
    needs(context.options, 1, "verify");
    const World world = wire(context.options);
    HealthView view{check_history(world.state_directory), std::nullopt, ""};
    if (!view.health.flaws.empty()) view.next = "chaos history repair";
    context.console.show(view);
    return view.health.flaws.empty() ? Exit::well : Exit::damaged;
}

Exit repair(Context& context) {
    needs(context.options, 1, "repair");
    const World world = wire(context.options);
    Progress progress(context.console, context.sources, world.host->live());
    HealthView view;
    view.saved = salvage_history(world.state_directory, progress);
    view.health = view.saved->health;
    context.console.show(view);
    return view.health.flaws.empty() ? Exit::well : Exit::damaged;
}

/// What the host is called where somebody else reads of it.
std::string name_of_host(const World& world, const Options& options) {
    if (!options.host_name.empty()) return options.host_name;
    if (world.host->root() == "/") {
        char name[256] = {};
        if (gethostname(name, sizeof name - 1) == 0) return name;
    }
    std::string name;
    world.host->look("/etc/hostname", &name);
    name = name.substr(0, name.find('\n'));
    return name.empty() ? "image" : name;
}

Exit export_run(Context& context) {
    needs(context.options, 2, "export RUN");
    if (context.options.output.empty()) throw Usage("chaos history export needs -o FILE");
    const World world = wire(context.options);
    const auto kept = look_at_history(context, world);
    RunFile file;
    file.run = run_of(kept.get(), run_number(context.options.arguments[1]));
    file.host = name_of_host(world, context.options), file.program = "chaos " CHAOS_VERSION;
    file.changes = kept->changes(file.run.number);
    durable::write_out(context.options.output, to_text(file));
    context.console.show(FileView{
        "export", context.options.output, file.run.number, file.host,
        "chaos show " + quoted(context.options.output.find('/') == std::string::npos ? "./" + context.options.output
                                                                                     : context.options.output),
        file.changes.size(), secrets_in(file)});
    return Exit::well;
}

Exit import_run(Context& context) {
    needs(context.options, 2, "import FILE");
    const World world = wire(context.options);
    const std::string text = read_bounded_file(context.options.arguments[1], largest_run_file);
    const RunFile file = run_file_from(text);
    std::string name = fmt::format("{}-{}", file.host, file.run.number);
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c) && c != '-' && c != '.'; }, '_');
    if (name.starts_with('.')) name[0] = '_';
    const std::string path = keep_imported(world.state_directory, name.substr(0, 200), text);
    context.console.show(FileView{"import", path, file.run.number, file.host, "chaos show " + quoted(path),
                                  file.changes.size(), secrets_in(file)});
    return Exit::well;
}

/// What happened to a resource, or at a path.
Exit history_of(Context& context, const std::string& word) {
    const World world = wire(context.options);
    const auto kept = look_at_history(context, world);
    ResourceHistoryView view{word, {}, {}, right_now()};
    const auto ids = meant(word, kept.get(), world.registry);
    if (ids.size() == 1) view.id = to_text(ids.front());
    for (const RecordedId& id : ids)
        for (const ChangeRecord& change : kept ? kept->changes_of({id.type, id.key}) : std::vector<ChangeRecord>())
            view.changes.push_back(view_of(change, schema_of(world.registry, change.type), {}));
    std::stable_sort(view.changes.begin(), view.changes.end(),
                     [](const auto& a, const auto& b) { return a.record.run > b.record.run; });
    if (const std::size_t most = context.options.most; most && view.changes.size() > most) view.changes.resize(most);
    for (const RecordedChange& change : view.changes)
        if (view.runs.empty() || view.runs.back().number != change.record.run)
            if (const auto run = kept->run(change.record.run)) view.runs.push_back(*run);
    context.console.show(view);
    return Exit::well;
}

}  // namespace

Exit history(Context& context) {
    const auto& words = context.options.arguments;
    if (!words.empty()) {
        constexpr std::pair<std::string_view, Exit (*)(Context&)> actions[] = {
            {"prune", prune}, {"verify", verify}, {"repair", repair}, {"export", export_run}, {"import", import_run}};
        for (const auto& [name, act] : actions)
            if (words[0] == name) return act(context);
        if (words.size() > 1)
            throw Usage(fmt::format("chaos history takes one id or path, found '{}' as well", escape(words[1])));
        return history_of(context, words[0]);
    }
    const World world = wire(context.options);
    const auto kept = look_at_history(context, world);
    HistoryView view;
    view.now = right_now();
    constexpr std::size_t page = 50;
    const auto& given = context.options.given;
    const bool said = std::find(given.begin(), given.end(), "most") != given.end();
    const std::size_t most = said ? context.options.most : page;
    if (kept) view.runs = kept->runs(most ? most + 1 : 0), view.pruned = kept->pruned();
    view.more = most && view.runs.size() > most;
    if (view.more) view.runs.resize(most);
    if (const auto waits = kept ? kept->window() : std::nullopt)
        for (RunRecord& run : view.runs)
            if (run.number == waits->run) run.note = "waits to be confirmed: chaos confirm";
    if (!view.runs.empty()) view.next = fmt::format("chaos show {}", view.runs.front().number);
    context.console.show(view);
    return Exit::well;
}

Exit show(Context& context) {
    const std::string& word = context.options.arguments[0];
    const World world = wire(context.options);
    const bool whole = context.options.diff;
    RunFile shown;
    std::vector<ChangeRecord> writes;
    if (word.find('/') != std::string::npos) {
        shown = run_file_from(read_bounded_file(word, largest_run_file));
    } else {
        const std::int64_t number = run_number(word);
        const auto kept = look_at_history(context, world);
        shown.run = run_of(kept.get(), number);
        shown.changes = kept->changes(number);
        if (kept) writes = recorded_writes(*kept, number);
    }
    ShowView view{shown.run, {}, right_now(), shown.host};
    for (const ChangeRecord& change : shown.changes)
        view.changes.push_back(view_of(change, schema_of(world.registry, change.type),
                                       whole ? Detail{.diff_lines = all_lines} : Detail{}, whole));
    for (const ChangeRecord& write : writes)
        view.writes.push_back(view_of(write, schema_of(world.registry, write.type),
                                      whole ? Detail{.diff_lines = all_lines} : Detail{}, whole));
    context.console.show(view);
    return Exit::well;
}

}  // namespace chaos::cli
