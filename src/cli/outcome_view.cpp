// SPDX-License-Identifier: Apache-2.0
#include "outcome_view.hpp"

#include <fmt/format.h>

#include "history_view.hpp"

namespace chaos::cli {

namespace {

/// Nothing was left that should have gone back.
bool is_whole(const Outcome& outcome) {
    return outcome.conflicts.empty() && outcome.stayed.empty() && !outcome.unsettled;
}

}  // namespace

Exit exit_of(const Outcome& outcome) {
    if (!is_whole(outcome)) return Exit::damaged;
    switch (outcome.state) {
        case RunState::committed: return outcome.window ? Exit::pending : Exit::well;
        case RunState::partial: return Exit::in_part;
        case RunState::undone: return Exit::failed;
        case RunState::running:
        case RunState::undoing:
        case RunState::stuck: break;
    }
    return Exit::damaged;
}

Exit exit_of_recovery(const Outcome& outcome) {
    // Of its own will recovery stops half way only where it was asked to: --early.
    if (outcome.state == RunState::undoing && outcome.errors.empty() && outcome.conflicts.empty()) return Exit::well;
    const bool back = outcome.run == 0 || outcome.state == RunState::undone || outcome.state == RunState::committed;
    return back && is_whole(outcome) ? Exit::well : Exit::damaged;
}

Json to_json(const Window& window) {
    constexpr std::int64_t second = 1'000'000'000;
    return Json::record({{"run", window.run},
                         {"seconds", window.seconds},
                         {"left", window.left_ns() / second},
                         {"until", time_of(window.until_real)}});
}

namespace {

Json to_json(const Outdated& outdated) {
    return Json::record({{"services", outdated.services},
                         {"processes", outdated.processes},
                         {"restart", outdated.services.empty() ? Json() : Json(outdated.restart())}});
}

std::string render(const Outdated& outdated, Style style) {
    std::string out;
    if (!outdated.services.empty())
        out += fmt::format("{} with code that is no longer on the disk: {}\n  to restart: {}\n",
                           style.yellow(count(outdated.services.size(), "service") + " still running"),
                           escape(listed(outdated.services, 20)), escape(outdated.restart()));
    if (!outdated.processes.empty())
        out += fmt::format("{} with code that is no longer on the disk: {}\n",
                           style.yellow(outdated.processes.size() == 1
                                            ? "1 process still running"
                                            : fmt::format("{} processes still running", outdated.processes.size())),
                           escape(listed(outdated.processes, 5)));
    return out;
}

}  // namespace

Json to_json(const RunView& view) {
    Json conflicts = Json::list(), stayed = Json::list(), errors = Json::list();
    const Sources nowhere;
    if (view.outcome) {
        for (const ResourceId& id : view.outcome->stayed) stayed.add(to_text(id));
        for (const Conflict& conflict : view.outcome->conflicts) conflicts.add(to_json(conflict));
        errors = to_json(view.outcome->errors, view.sources ? *view.sources : nowhere);
    }
    const bool ran = view.outcome && view.outcome->run != 0;
    const Json confirm = view.outcome && view.outcome->window ? to_json(*view.outcome->window) : Json();
    return Json::record({{"verb", view.verb},
                         {"plan", view.plan ? to_json(*view.plan) : Json()},
                         {"run", ran ? Json(view.outcome->run) : Json()},
                         {"result", ran ? Json(to_text(view.outcome->state)) : Json()},
                         {"changed", view.outcome ? view.outcome->changed : 0},
                         {"confirm", confirm},
                         {"interrupted", view.outcome && view.outcome->interrupted},
                         {"conflicts", conflicts},
                         {"stayed", stayed},
                         {"unsettled", view.outcome && view.outcome->unsettled},
                         {"errors", errors},
                         {"outdated", view.outdated ? to_json(*view.outdated) : Json()},
                         {"next", view.next.empty() ? Json() : Json(view.next)}});
}

namespace {

std::string sentence(const RunView& view, Style style) {
    const Outcome& outcome = *view.outcome;
    const std::string changed = count(outcome.changed, "resource");
    const bool takes_back = view.verb == "rollback" || view.verb == "revert";
    switch (outcome.state) {
        case RunState::committed:
            return style.green(
                fmt::format("Run {}: {} {}.", outcome.run, changed, takes_back ? "taken back" : "changed"));
        case RunState::partial:
            if (takes_back)
                return style.yellow(
                    fmt::format("Run {}: {} taken back; what is named above is not.", outcome.run, changed));
            return style.yellow(fmt::format("Run {} ended in part, as asked: {} changed.", outcome.run, changed));
        case RunState::undone:
            if (view.verb == "recover")
                return style.green(
                    fmt::format("Run {} was cut and is taken back: {} as before.", outcome.run, changed));
            return style.red(fmt::format(
                "Run {} {} and was taken back: {}.", outcome.run, outcome.interrupted ? "was interrupted" : "failed",
                is_whole(outcome) ? "the host is as it was" : "all but what is named above is as it was"));
        case RunState::undoing:
            return style.yellow(
                fmt::format("Run {} was cut: {} as before; chaos recover does the rest.", outcome.run, changed));
        case RunState::running:
        case RunState::stuck: break;
    }
    return style.red(fmt::format("Run {} failed and could not be wholly taken back.", outcome.run));
}

}  // namespace

std::string render(const RunView& view, Style style, bool) {
    std::string out;
    if (view.outcome) {
        // What the plan has told already is not told again.
        const std::size_t told = view.plan ? view.plan->conflicts.size() : 0;
        for (std::size_t i = told; i < view.outcome->conflicts.size(); ++i)
            out += render(view.outcome->conflicts[i], style);
        if (!view.plan || view.plan->stayed.empty()) out += render_stayed(view.outcome->stayed, style);
        if (view.outcome->run != 0) out += sentence(view, style) + '\n';
        if (view.outcome->window)
            out += style.yellow(fmt::format("It is taken back after {} unless somebody confirms it.",
                                            time_in_words(view.outcome->window->seconds))) +
                   '\n';
    }
    if (view.outdated) out += render(*view.outdated, style);
    if (!view.next.empty()) out += style.dim("next: ") + view.next + '\n';
    return out;
}

}  // namespace chaos::cli
