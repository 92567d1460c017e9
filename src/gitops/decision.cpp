// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/gitops/decision.hpp>

namespace chaos::gitops {

namespace {

constexpr std::int64_t longest_back_off_s = 3600;

std::string brief(const std::string& commit) {
    return commit.substr(0, 12);
}

/// Since signatures are wanted, none was found good: what the host is at may be of anybody.
bool unsigned_yet(const Settings& settings, const Memory& memory) {
    return settings.verify && memory.signers_of.empty();
}

/// The host is at the commit that the ref is at, or at one that stays in the place of that.
Decision at_rest(const Settings& settings, const Memory& memory, Asked asked, Noticed noticed, std::int64_t now,
                 std::string why) {
    if (memory.good.empty() || unsigned_yet(settings, memory)) return {Decision::Act::stay, {}, std::move(why)};
    // A clock that was set back makes no scan wait for years.
    const bool due = now >= memory.scanned + settings.full_scan.count || now < memory.scanned;
    const bool heals =
        settings.mode == Following::heal || (asked == Asked::by_person && settings.mode != Following::notify);
    const bool still = noticed == Noticed::still;
    if (asked != Asked::by_person && still && !due) return {Decision::Act::nothing, memory.good, std::move(why)};
    if (heals) return {Decision::Act::heal, memory.good, std::move(why)};
    // Where only a whole look tells, it is taken as often as it was asked for, and not at each turn.
    if (due || asked == Asked::by_person || (noticed != Noticed::costly && !still))
        return {Decision::Act::look, memory.good, std::move(why)};
    return {Decision::Act::nothing, memory.good, std::move(why)};
}

}  // namespace

bool held(const Memory& memory, const std::string& tip) {
    return memory.held_by_run != 0 && (tip.empty() || memory.held_at == tip);
}

bool suspended(const Memory& memory, std::int64_t now) {
    return memory.suspended_until < 0 || memory.suspended_until > now;
}

Decision before_asking(const Settings& settings, const Memory& memory, Asked asked, Noticed noticed, std::int64_t now) {
    if (suspended(memory, now))
        return {Decision::Act::wait,
                {},
                fmt::format("suspended by {}{}", memory.suspended_by,
                            memory.suspended_why.empty() ? "" : fmt::format(" ({})", memory.suspended_why))};
    const bool far =
        memory.ask_again > now + std::max(longest_back_off_s, settings.interval.count);  // the clock was set back
    if (asked != Asked::by_person && memory.unreachable != 0 && now < memory.ask_again && !far) {
        std::string why = fmt::format("the repository does not answer: {}", memory.why_unreachable);
        if (settings.mode == Following::heal && !memory.good.empty() && !held(memory, {}))
            return at_rest(settings, memory, asked, noticed, now, std::move(why));
        return {Decision::Act::wait, memory.good, std::move(why)};
    }
    return {Decision::Act::ask, {}, {}};
}

Decision after_asking(const Settings& settings, const Memory& memory, const std::string& tip, Asked asked,
                      Noticed noticed, std::int64_t now) {
    if (held(memory, tip) && asked != Asked::by_person)
        return {Decision::Act::stay, tip,
                fmt::format("held: run {} was taken back by {} with run {}, and stays so until the branch moves",
                            memory.good_run, memory.held_by, memory.held_by_run)};
    if (tip.empty()) return at_rest(settings, memory, asked, noticed, now, "the repository does not answer");
    if (tip == memory.good && !memory.undone && !unsigned_yet(settings, memory))
        return at_rest(settings, memory, asked, noticed, now, fmt::format("at {}", brief(tip)));
    constexpr std::int64_t most_tries = 3;
    if (tip == memory.trying && memory.tries >= most_tries && asked != Asked::by_person)
        return {
            Decision::Act::stay, tip,
            fmt::format("{} was begun {} times and never came to an end: it is not tried again until the branch moves",
                        brief(tip), memory.tries)};
    if (tip == memory.failed && asked != Asked::by_person)
        return at_rest(settings, memory, asked, noticed, now,
                       fmt::format("{} failed, and is not tried again until the branch moves", brief(tip)));
    if (settings.mode == Following::notify && asked != Asked::by_person)
        return {Decision::Act::tell, tip, fmt::format("{} waits to be applied", brief(tip))};
    return {Decision::Act::apply, tip, fmt::format("{} is new", brief(tip))};
}

void note_answer(Memory& memory, const std::string& tip, std::int64_t now) {
    memory.seen = tip, memory.asked = now;
    memory.unreachable = 0, memory.failures = 0, memory.ask_again = 0, memory.why_unreachable.clear();
}

void note_silence(Memory& memory, const Settings& settings, const std::string& why, std::int64_t now) {
    if (memory.unreachable == 0) memory.unreachable = now;
    ++memory.failures;
    std::int64_t wait = settings.interval.count;
    for (std::int64_t i = 1; i < memory.failures && wait < longest_back_off_s; ++i) wait *= 2;
    memory.ask_again = now + std::max(settings.interval.count, std::min(wait, longest_back_off_s));
    memory.why_unreachable = why;
}

void note_applied(Memory& memory, const std::string& commit, const std::string& manifest, std::int64_t run,
                  std::int64_t now) {
    if (memory.good != commit) memory.left.clear();
    memory.good = commit, memory.manifest = manifest, memory.good_at = now;
    if (run != 0) memory.good_run = run;
    memory.scanned = now, memory.drifted = 0;
    memory.failed.clear(), memory.why_failed.clear(), memory.failed_at = 0, memory.failed_run = 0;
    memory.undone = false, memory.held_by_run = 0, memory.held_by.clear(), memory.held_at.clear();
    memory.trying.clear(), memory.tries = 0;
}

void note_failed(Memory& memory, const std::string& commit, const std::string& why, std::int64_t run,
                 std::int64_t now) {
    memory.failed = commit, memory.why_failed = why, memory.failed_at = now, memory.failed_run = run;
    memory.trying.clear(), memory.tries = 0;
}

}  // namespace chaos::gitops
