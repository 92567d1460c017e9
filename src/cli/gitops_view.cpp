// SPDX-License-Identifier: Apache-2.0
#include "gitops_view.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chaos/gitops/decision.hpp>
#include <chaos/gitops/drifting.hpp>
#include <chaos/url.hpp>

#include "clock.hpp"
#include "history_view.hpp"
#include "holding.hpp"

namespace chaos::cli {

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::size_t abbreviated = 12;

Json time_or_null(std::int64_t seconds) {
    return seconds > 0 ? Json(seconds) : Json();
}

std::string when(const FollowingView& view, std::int64_t seconds) {
    return seconds <= 0 ? "never"
                        : fmt::format("{} ({})", date_of(seconds * second), ago(seconds * second, view.now * second));
}

std::string_view word_for(gitops::Following mode) {
    switch (mode) {
        case gitops::Following::upgrade: return "upgrade";
        case gitops::Following::heal: return "heal";
        case gitops::Following::notify: return "notify";
    }
    return "";
}

std::string in_words_until(const gitops::Memory& memory) {
    return memory.suspended_until < 0 ? std::string("until chaos gitops resume")
                                      : "until " + date_of(memory.suspended_until * second);
}

std::string because(const std::string& why) {
    return why.empty() ? std::string() : fmt::format(" ({})", escape(why));
}

/// What is the matter, in a sentence, and the next command.
std::pair<std::string, std::string> told(const FollowingView& view, const std::string& state) {
    const gitops::Memory& memory = view.memory;
    if (state == "suspended")
        return {fmt::format("suspended by {} {}{}", escape(memory.suspended_by), in_words_until(memory),
                            because(memory.suspended_why)),
                "chaos gitops resume"};
    if (state == "held")
        return {fmt::format("held: run {} was taken back by {} with run {}; it stays so until the branch moves",
                            memory.good_run, escape(memory.held_by), memory.held_by_run),
                "chaos gitops resume"};
    if (state == "waits") return {fmt::format("run {} waits to be confirmed", view.window->run), "chaos confirm"};
    if (state == "failed")
        return {
            fmt::format("{} could not be applied: {}", memory.failed.substr(0, abbreviated), escape(memory.why_failed)),
            memory.failed_run ? fmt::format("chaos show {}, or push a commit that mends it", memory.failed_run)
                              : "push a commit that mends it; or try again: chaos gitops reconcile"};
    if (state == "stale")
        return {fmt::format("stale since {}: {}", date_of(memory.unreachable * second), escape(memory.why_unreachable)),
                "chaos gitops reconcile"};
    if (state == "new") return {"nothing was applied yet", "chaos gitops reconcile"};
    if (state == "pending")
        return {fmt::format("{} waits to be applied", memory.seen.substr(0, abbreviated)),
                "chaos gitops diff, then chaos gitops reconcile"};
    if (state == "drifted" && memory.drifted == 0)
        return {"all is as its repository says but what drifts again and again",
                "find out who changes it, then: chaos gitops resume"};
    if (state == "drifted")
        return {fmt::format("{} drifted", count(static_cast<std::size_t>(memory.drifted), "resource")), "chaos drift"};
    return {"this host is as its repository says", ""};
}

}  // namespace

std::string state_of(const FollowingView& view) {
    const gitops::Memory& memory = view.memory;
    if (gitops::suspended(memory, view.now)) return "suspended";
    if (view.window) return "waits";
    if (gitops::held(memory, memory.seen)) return "held";
    if (!memory.failed.empty() && memory.failed == memory.seen) return "failed";
    if (memory.unreachable) return "stale";
    if (memory.good.empty()) return "new";
    if (memory.seen != memory.good || memory.undone) return "pending";
    const bool left = !gitops::Drifting::read(memory.left).left(view.now).empty();
    return memory.drifted || left ? "drifted" : "synced";
}

Json to_json(const Hold& hold) {
    return Json::record({{"what", hold.what},
                         {"who", hold.who},
                         {"why", or_null(hold.why)},
                         {"since", hold.since},
                         {"until", hold.until}});
}

Json to_json(const FollowingView& view) {
    const gitops::Memory& memory = view.memory;
    const std::string state = state_of(view);
    const auto [sentence, next] = told(view, state);
    Json held = Json::list(), left = Json::list();
    for (const Hold& hold : view.holds) held.add(to_json(hold));
    for (const gitops::Left& one : gitops::Drifting::read(memory.left).left(view.now))
        left.add(Json::record({{"id", one.id}, {"times", one.times}, {"until", one.until}}));
    return Json::record({{"state", state},
                         {"why", sentence},
                         {"enabled", view.enabled},
                         {"url", view.settings.url},
                         {"ref", or_null(view.settings.ref)},
                         {"mode", word_for(view.settings.mode)},
                         {"interval", view.settings.interval.count},
                         {"commit", or_null(memory.good)},
                         {"subject", or_null(memory.good_subject)},
                         {"author", or_null(memory.good_author)},
                         {"manifest", or_null(memory.manifest)},
                         {"applied", time_or_null(memory.good_at)},
                         {"run", memory.good_run ? Json(memory.good_run) : Json()},
                         {"seen", or_null(memory.seen)},
                         {"asked", time_or_null(memory.asked)},
                         {"unreachable_since", time_or_null(memory.unreachable)},
                         {"ask_again", time_or_null(memory.ask_again)},
                         {"failed", or_null(memory.failed)},
                         {"why_failed", or_null(memory.why_failed)},
                         {"failed_run", memory.failed_run ? Json(memory.failed_run) : Json()},
                         {"scanned", time_or_null(memory.scanned)},
                         {"drifted", memory.drifted},
                         {"unmoved", memory.compared},
                         {"moved", or_null(memory.moved)},
                         {"costly", or_null(memory.costly)},
                         {"timer_differs", view.timer_differs},
                         {"holds", held},
                         {"left", left},
                         {"watch", view.settings.watch},
                         {"next", or_null(next)}});
}

std::string render(const FollowingView& view, Style style, bool) {
    const gitops::Memory& memory = view.memory;
    const std::string state = state_of(view);
    const auto [sentence, next] = told(view, state);
    const std::string painted = state == "synced"                       ? style.green(state)
                                : state == "failed" || state == "stale" ? style.red(state)
                                                                        : style.yellow(state);
    std::string out = fmt::format("{}: {}.\n", painted, sentence);
    const auto line = [&](const char* name, const std::string& text) {
        out += fmt::format("  {:<11} {}\n", name, text);
    };
    line("repository", fmt::format("{}{}", escape(view.settings.url),
                                   view.settings.ref.empty() ? "" : " " + escape(view.settings.ref)));
    if (!memory.good.empty())
        line("commit", fmt::format("{} {} ({})", memory.good.substr(0, abbreviated), escape(memory.good_subject),
                                   escape(memory.good_author)));
    if (!memory.manifest.empty()) line("manifest", escape(memory.manifest));
    line("applied", memory.good_run ? fmt::format("{}, run {}", when(view, memory.good_at), memory.good_run)
                                    : when(view, memory.good_at));
    line("asked", when(view, memory.asked));
    line("compared", when(view, memory.scanned));
    if (!memory.costly.empty())
        line("unmoved", fmt::format("not known without looking at all of it: {}", escape(memory.costly)));
    else if (memory.compared)
        line("unmoved",
             fmt::format("{} that the host depends on", count(static_cast<std::size_t>(memory.compared), "thing")));
    line("mode", fmt::format("{}{}{}", word_for(view.settings.mode), view.settings.watch ? ", watched" : "",
                             view.enabled ? fmt::format(", every {}", time_in_words(view.settings.interval.count))
                                          : ", no timer: chaos gitops enable"));
    for (const Hold& hold : view.holds) line("hold", escape(in_words(hold)));
    for (const gitops::Left& left : gitops::Drifting::read(memory.left).left(view.now))
        line("left", fmt::format("{}, which drifted {} times in {} min, until {}", escape(left.id), left.times,
                                 gitops::Drifting::within_s / 60, date_of(left.until * second)));
    if (view.timer_differs)
        out += style.yellow("The timer is not as /etc/chaos/gitops.yml says: chaos gitops enable\n");
    if (!next.empty()) out += style.dim("next: ") + next + '\n';
    return out;
}

Json to_json(const KeysView& view) {
    return Json::record({{"keys", Json(view.keys)}});
}

std::string render(const KeysView& view, Style, bool) {
    std::string out;
    for (const std::string& key : view.keys) out += key + '\n';
    return out;
}

Json to_json(const HoldsView& view) {
    Json held = Json::list();
    for (const Hold& hold : view.holds) held.add(to_json(hold));
    return Json::record({{"holds", held}});
}

std::string render(const HoldsView& view, Style, bool) {
    if (view.holds.empty()) return "Nothing is on hold.\n";
    std::string out;
    for (const Hold& hold : view.holds) out += escape(in_words(hold)) + '\n';
    return out;
}

gitops::Event event_of(const FollowView& view) {
    using Act = gitops::Decision::Act;
    const gitops::Memory& memory = view.memory;
    gitops::Event event;
    char host[256] = {};
    ::gethostname(host, sizeof host - 1);
    event.host = host, event.url = view.settings.url, event.ref = view.settings.ref;
    event.commit = memory.good, event.subject = memory.good_subject, event.author = memory.good_author;
    event.drifted = memory.drifted, event.at = seconds_now();
    const std::int64_t run = view.run && view.run->outcome ? view.run->outcome->run : 0;
    event.run = run;
    if (!view.errors.empty() && view.decision.act == Act::apply) {
        event.kind = "failure", event.commit = memory.failed, event.message = memory.why_failed;
        event.subject = first_line(view.tried.message), event.author = view.tried.author;
    } else if (!view.errors.empty()) {
        event.kind = "failure", event.message = view.errors.front().what();
    } else if (memory.unreachable && memory.failures == 1) {
        event.kind = "unreachable", event.message = memory.why_unreachable;
    } else if (view.recovered) {
        event.kind = "recovery", event.message = "this host follows its repository again";
    } else if (view.decision.act == Act::look && memory.drifted) {
        event.kind = "drift",
        event.message = fmt::format("{} drifted", count(static_cast<std::size_t>(memory.drifted), "resource"));
    } else if (view.decision.act == Act::heal && run) {
        event.kind = "drift", event.message = fmt::format("what had drifted was put right by run {}", run);
    } else if (view.decision.act == Act::apply) {
        event.kind = "applied", event.message = fmt::format("{} is applied", memory.good.substr(0, abbreviated));
    }
    event.message = without_passwords(event.message);
    return event;
}

}  // namespace chaos::cli
