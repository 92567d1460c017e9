// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/durable.hpp>
#include <chaos/git_mirror.hpp>
#include <chaos/gitops/outside.hpp>
#include <chaos/gitops/repository.hpp>
#include <chaos/gitops/units.hpp>

#include "clock.hpp"
#include "follow.hpp"
#include "gitops_view.hpp"
#include "history_view.hpp"
#include "keys.hpp"
#include "program_path.hpp"

namespace chaos::cli {

namespace {

const std::string& word(const Context& context, std::size_t i) {
    static const std::string nothing;
    return i < context.options.arguments.size() ? context.options.arguments[i] : nothing;
}

void takes_no_word(const Context& context) {
    if (context.options.arguments.size() > 1)
        throw Usage(
            fmt::format("chaos gitops {} takes no argument, found '{}'", word(context, 0), escape(word(context, 1))));
}

/// Applies a manifest of our own, kept beside the history: it is planned, recorded and taken back like any other.
Exit apply_own(Context& context, const World& world, const std::string& text) {
    if (context.options.dry_run) return context.console.result(text), Exit::well;
    durable::make_directory(world.state_directory);
    const std::string path = world.state_directory + "/gitops.yml";
    durable::replace(path, text);
    return apply_manifests(context, {path});
}

void needs_root(const World& world) {
    if (world.host->live() && !world.host->superuser())
        throw Error("following a repository changes the host, and this is not root").help("sudo chaos gitops ...");
}

void shows_root(const World& world) {
    if (world.host->live() && !world.host->superuser())
        throw Error("what this host follows is shown to root alone").help("sudo chaos gitops ...");
}

/// It answered just now: what was remembered of a silence is over.
void ask_soon(const std::string& directory) try {
    durable::make_directory(directory);
    const gitops::Turn turn(directory);
    gitops::Memory memory = gitops::load_memory(directory);
    if (memory.ask_again == 0) return;
    memory.ask_again = 0;
    gitops::save_memory(directory, memory);
} catch (const Busy&) {  // it is being asked at this moment
}

Exit enable(Context& context) {
    const World world = wire(context.options);
    needs_root(world);
    const Followed what = followed(context, world, word(context, 1));
    const git::Tip tip = git::tip(what.settings.url, what.settings.ref, gitops::access_of(what.settings));
    context.console.remark(fmt::format("{} is at {}.\n", tip.ref, tip.commit.substr(0, 12)));
    const Exit exit = apply_own(context, world, gitops::manifest_to_follow(what.settings, program_in(*world.host)));
    if (exit != Exit::well || context.options.dry_run) return exit;
    ask_soon(what.directory);
    context.console.remark("The timer asks within a minute; to have it now: chaos gitops reconcile\n");
    return exit;
}

/// Nothing where there are none, or they are full of mistakes: what can go, goes without them.
std::optional<gitops::Settings> readable_settings(Context& context, const World& world) {
    try {
        return followed(context, world).settings;
    } catch (const Problems&) {
        return std::nullopt;
    } catch (const Error&) {
        return std::nullopt;
    }
}

/// Where not all of what follows runs any more, a manifest with which nothing of it does; nothing else.
std::optional<std::string> stopped_by_others(Context& context, const World& world) {
    if (!world.host->live() || !world.host->services().answers()) return std::nullopt;
    const auto settings = readable_settings(context, world);
    if (!settings) return std::nullopt;
    for (const std::string& unit : gitops::units_of(*settings))
        if (world.host->services().unit(unit).active != "active")
            return gitops::manifest_to_follow(*settings, program_in(*world.host), false);
    return std::nullopt;
}

Exit disable(Context& context) {
    takes_no_word(context);
    const World world = wire(context.options);
    needs_root(world);
    if (!world.host->look(gitops::timer_file)) throw Error("this host follows no repository");
    // What somebody stopped would be left as theirs, with the link that starts it at the next boot: it is made ours
    // first.
    if (const auto other = stopped_by_others(context, world); other && !context.options.dry_run)
        if (const Exit exit = apply_own(context, world, *other); exit != Exit::well) return exit;
    return apply_own(context, world, gitops::manifest_to_stop());
}

FollowingView status_of(Context& context, const World& world) {
    FollowingView view;
    view.now = seconds_now();
    const Followed what = followed(context, world);
    std::string timer;
    view.enabled = static_cast<bool>(world.host->look(gitops::timer_file, &timer));
    view.settings = what.settings;
    view.memory = gitops::load_memory(what.directory);
    view.holds = holds(world.state_directory, view.now);
    view.timer_differs = view.enabled && timer != gitops::timer_unit(what.settings);
    if (const auto history = open_history(world.host->root(), world.state_directory, nullptr))
        notice_runs(view.memory, *history, what.directory + "/site/"), view.window = history->window();
    return view;
}

Exit status(Context& context) {
    takes_no_word(context);
    const World world = wire(context.options);
    shows_root(world);
    const FollowingView view = status_of(context, world);
    context.console.show(view);
    const std::string state = state_of(view);
    return state == "synced" || state == "suspended" ? Exit::well : Exit::pending;
}

/// Changes what is remembered, and shows what came of it.
template <class Change>
Exit remember(Context& context, Change&& change) {
    const World world = wire(context.options);
    needs_root(world);
    const Followed what = followed(context, world);
    durable::make_directory(world.state_directory);
    durable::make_directory(what.directory);
    {
        const gitops::Turn turn(what.directory);
        gitops::Memory memory = gitops::load_memory(what.directory);
        change(memory);
        gitops::save_memory(what.directory, memory);
    }
    context.console.show(status_of(context, world));
    return Exit::well;
}

Exit suspend(Context& context) {
    takes_no_word(context);
    const std::int64_t now = seconds_now();
    const std::int64_t until = context.options.until.empty() ? -1 : time_from("until", context.options.until, now);
    if (until >= 0 && until <= now)
        throw Usage(fmt::format("--until: '{}' is over already", escape(context.options.until)));
    return remember(context, [&](gitops::Memory& memory) {
        memory.suspended_until = until, memory.suspended_by = who(), memory.suspended_why = context.options.message;
    });
}

Exit resume(Context& context) {
    takes_no_word(context);
    return remember(context, [](gitops::Memory& memory) {
        memory.suspended_until = 0, memory.suspended_by.clear(), memory.suspended_why.clear();
        memory.held_by_run = 0, memory.held_by.clear(), memory.held_at.clear();
        memory.failed.clear(), memory.why_failed.clear(), memory.failed_at = 0, memory.failed_run = 0;
        memory.trying.clear(), memory.tries = 0, memory.ask_again = 0;
        memory.left.clear();
    });
}

Exit reconcile(Context& context) {
    takes_no_word(context);
    return follow_and_tell(context, {}, context.options.scheduled ? gitops::Asked::by_timer : gitops::Asked::by_person);
}

Exit history_of_commits(Context& context) {
    takes_no_word(context);
    const World world = wire(context.options);
    shows_root(world);
    const Followed what = followed(context, world);
    HistoryView view;
    view.now = right_now();
    const auto kept = look_at_history(context, world);
    const std::string site = what.directory + "/site/";
    const std::size_t most = context.options.most ? context.options.most : 50;
    for (RunRecord& run : kept ? kept->runs() : std::vector<RunRecord>()) {
        const bool takes_ours = std::any_of(run.takes_back.begin(), run.takes_back.end(), [&](std::int64_t taken) {
            const auto ours = kept->run(taken);
            return ours && ours->manifest.starts_with(site);
        });
        if (!takes_ours && !run.manifest.starts_with(site)) continue;
        if (view.runs.size() == most) {
            view.more = true;
            break;
        }
        view.runs.push_back(std::move(run));
    }
    if (!view.runs.empty()) view.next = fmt::format("chaos show {}", view.runs.front().number);
    context.console.show(view);
    return Exit::well;
}

/// What applying a commit would change: fetched, but nothing is done.
Exit diff_of_commit(Context& context) {
    const World world = wire(context.options);
    needs_root(world);
    const Followed what = followed(context, world);
    durable::make_directory(world.state_directory);
    durable::make_directory(what.directory);
    std::string manifest;
    {
        const gitops::Turn turn(what.directory);
        const git::Tip tip = gitops::fetch(what.directory, what.settings);
        const std::string cache = gitops::cache_in(what.directory);
        const std::string commit = word(context, 1).empty() ? tip.commit : git::commit_named(cache, word(context, 1));
        const git::Commit about = git::commit_at(cache, commit);
        context.console.remark(
            fmt::format("{} {} ({})\n", commit.substr(0, 12), escape(first_line(about.message)), escape(about.author)));
        gitops::trust_to_look(what.directory, what.settings, gitops::load_memory(what.directory), tip, commit);
        manifest = manifest_at(context, world, View(*world.host), what, "other", commit);
    }
    Options options = context.options;
    options.moved = true;  // where it is looked at it does not lie
    Context planning{options, context.console, context.sources};
    const View view(*world.host);
    const auto history = look_at_history(planning, world);
    const Planned planned =
        look_and_plan(planning, world, view, read_manifests(planning, world, view, {manifest}), history.get());
    say(context.console, planned.remarks, context.sources);
    PlanView shown = view_of(planned.site.catalog, planned.plan, context.sources, {});
    shown.title = planned.site.name;
    shown.checks = asked_of(planned.site, context.sources);
    if (!shown.changes.empty()) shown.next = "chaos gitops reconcile";
    context.console.show(shown);
    return shown.changes.empty() ? Exit::well : Exit::pending;
}

/// For whom secrets of this host are to be closed. Made where there is none yet.
Exit key(Context& context) {
    takes_no_word(context);
    const KeyRing keys{key_files(context.options), nullptr};
    std::vector<std::string> own;
    try {
        own = own_recipients(keys);
    } catch (const Error&) {
        if (::geteuid() != 0) throw;
        Options options = context.options;
        options.command = "secrets", options.arguments = {"keygen"};
        Context making{options, context.console, context.sources};
        return secrets(making);
    }
    context.console.show(KeysView{own});
    return Exit::well;
}

}  // namespace

Exit follow_and_tell(Context& context, const std::string& url, gitops::Asked asked) {
    const World world = wire(context.options);
    needs_root(world);
    const Followed what = followed(context, world, url);
    FollowView view;
    constexpr int most_waits = 12, wait_s = 5;
    for (int waited = 0;; ++waited) try {
            view = follow(context, what, asked);
            break;
        } catch (const Busy&) {  // a timer is patient: somebody else's run is over in a moment
            if (asked == gitops::Asked::by_person || waited == most_waits) throw;
            ::sleep(wait_s);
        }
    for (const Error& error : view.errors)
        context.console.problem(chaos::render(error, context.sources, context.console.error_style().colour()));
    for (const std::string& wrong : gitops::tell_outside(what.settings, what.directory, view.memory, event_of(view)))
        context.console.remark(fmt::format("could not be told: {}\n", escape(wrong)));
    const bool silent = asked != gitops::Asked::by_person && view.exit == Exit::well &&
                        (!view.run || !view.run->outcome || view.run->outcome->run == 0);
    if (!silent) context.console.show(view);
    return view.exit;
}

Exit gitops(Context& context) {
    constexpr std::pair<std::string_view, Exit (*)(Context&)> actions[] = {{"enable", enable},
                                                                           {"disable", disable},
                                                                           {"status", status},
                                                                           {"suspend", suspend},
                                                                           {"resume", resume},
                                                                           {"reconcile", reconcile},
                                                                           {"history", history_of_commits},
                                                                           {"diff", diff_of_commit},
                                                                           {"key", key}};
    std::vector<std::string_view> names;
    for (const auto& [name, act] : actions) {
        if (name == word(context, 0)) return act(context);
        names.push_back(name);
    }
    Usage error(fmt::format("expected {}, found '{}'", listed({names.begin(), names.end()}, names.size()),
                            escape(word(context, 0))));
    const auto near = nearest(word(context, 0), names);
    error.hint = near.empty() ? "chaos gitops --help" : fmt::format("did you mean chaos gitops {}?", near);
    throw error;
}

Exit pull(Context& context) {
    return follow_and_tell(context, word(context, 0), gitops::Asked::by_person);
}

}  // namespace chaos::cli
