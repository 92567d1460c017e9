// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/gitops/decision.hpp>

using namespace chaos;
using namespace chaos::gitops;
using Act = Decision::Act;

namespace {

constexpr std::int64_t now = 1'000'000;

Settings settings(Following mode = Following::upgrade) {
    Settings it;
    it.url = "https://git.example.org/infra.git", it.mode = mode;
    return it;
}

/// A host that was made what `a` says, a moment ago.
Memory settled() {
    Memory it;
    note_answer(it, "a", now);
    note_applied(it, "a", "site.yml", 7, now);
    return it;
}

Act act(const Settings& how, const Memory& memory, const std::string& tip, Asked asked = Asked::by_timer,
        Noticed noticed = Noticed::still) {
    return after_asking(how, memory, tip, asked, noticed, now).act;
}

}  // namespace

TEST_CASE("a host that follows applies what is new, and rests where nothing is") {
    CHECK(before_asking(settings(), Memory{}, Asked::by_timer, Noticed::moved, now).act == Act::ask);
    CHECK(act(settings(), Memory{}, "a") == Act::apply);
    CHECK(act(settings(), settled(), "a") == Act::nothing);
    CHECK(act(settings(), settled(), "b") == Act::apply);
    CHECK(after_asking(settings(), settled(), "b", Asked::by_timer, Noticed::still, now).commit == "b");
}

TEST_CASE("drift is looked for when a scan is due, and put right only where that is asked for") {
    Memory memory = settled();
    for (const auto other : {Noticed::moved, Noticed::nothing}) {
        CHECK(act(settings(), memory, "a", Asked::by_timer, other) == Act::look);
        CHECK(act(settings(Following::notify), memory, "a", Asked::by_timer, other) == Act::look);
        CHECK(act(settings(Following::heal), memory, "a", Asked::by_timer, other) == Act::heal);
    }
    CHECK(act(settings(), memory, "a", Asked::by_timer, Noticed::costly) == Act::nothing);
    CHECK(act(settings(Following::heal), memory, "a", Asked::by_timer, Noticed::costly) == Act::heal);
    CHECK(act(settings(Following::heal), memory, "a", Asked::by_timer, Noticed::moved) == Act::heal);
    CHECK(act(settings(Following::heal), memory, "a", Asked::by_timer, Noticed::still) == Act::nothing);
    memory.scanned = now - 6 * 3600;
    CHECK(act(settings(), memory, "a") == Act::look);
    CHECK(act(settings(Following::heal), memory, "a") == Act::heal);
    memory.scanned = now + 500'000;  // the clock was set back
    CHECK(act(settings(), memory, "a") == Act::look);
}

TEST_CASE("a commit that failed is not tried again until the ref moves, but by a person") {
    Memory memory = settled();
    note_failed(memory, "b", "site.yml:3:1: no", 8, now);
    CHECK(act(settings(), memory, "b") == Act::nothing);
    CHECK(act(settings(Following::heal), memory, "b", Asked::by_timer, Noticed::moved) == Act::heal);
    CHECK(after_asking(settings(Following::heal), memory, "b", Asked::by_timer, Noticed::moved, now).commit == "a");
    CHECK(act(settings(), memory, "b", Asked::by_person) == Act::apply);
    CHECK(act(settings(), memory, "c") == Act::apply);
    note_applied(memory, "c", "site.yml", 9, now);
    CHECK(memory.failed.empty());
}

TEST_CASE("a commit that never comes to its end is left after three times") {
    Memory memory = settled();
    memory.trying = "b", memory.tries = 2;
    CHECK(act(settings(), memory, "b") == Act::apply);
    memory.tries = 3;
    CHECK(act(settings(), memory, "b") == Act::stay);
    CHECK(act(settings(), memory, "c") == Act::apply);
}

TEST_CASE("what was applied before signatures were wanted is looked at again, and not put right until one is good") {
    Settings wanted = settings(Following::heal);
    wanted.verify = Path{"/etc/chaos/signers"};
    Memory memory = settled();
    CHECK(act(wanted, memory, "a") == Act::apply);
    CHECK(act(wanted, memory, "", Asked::by_timer, Noticed::moved) == Act::stay);
    note_failed(memory, "a", "is not signed", 0, now);
    CHECK(act(wanted, memory, "a", Asked::by_timer, Noticed::moved) == Act::stay);
    memory.signers_of = "digest";
    CHECK(act(wanted, memory, "a", Asked::by_timer, Noticed::moved) == Act::heal);
}

TEST_CASE("what a person took back stays so until the ref moves") {
    Memory memory = settled();
    memory.undone = true, memory.held_by_run = 9, memory.held_by = "ann", memory.held_at = "a";
    for (const auto mode : {Following::upgrade, Following::heal}) {
        CHECK(act(settings(mode), memory, "a", Asked::by_timer, Noticed::moved) == Act::stay);
        CHECK(act(settings(mode), memory, "", Asked::by_timer, Noticed::moved) == Act::stay);
        CHECK(act(settings(mode), memory, "b") == Act::apply);
    }
    CHECK(act(settings(), memory, "a", Asked::by_person) == Act::apply);
    Memory resumed = memory;
    resumed.held_by_run = 0;
    CHECK(act(settings(), resumed, "a") == Act::apply);
    const auto why = after_asking(settings(), memory, "a", Asked::by_timer, Noticed::still, now).why;
    CHECK(why == "held: run 7 was taken back by ann with run 9, and stays so until the branch moves");
}

TEST_CASE("who only wants to be told changes nothing") {
    CHECK(act(settings(Following::notify), settled(), "b") == Act::tell);
    CHECK(act(settings(Following::notify), settled(), "b", Asked::by_person) == Act::apply);
    Memory memory = settled();
    memory.scanned = 0;
    CHECK(act(settings(Following::notify), memory, "a") == Act::look);
}

TEST_CASE("a repository that does not answer is asked after longer and longer pauses, an hour at most") {
    Memory memory = settled();
    std::int64_t last = 0;
    for (int i = 0; i < 12; ++i) {
        note_silence(memory, settings(), "no route", now);
        const std::int64_t pause = memory.ask_again - now;
        CHECK(pause >= last);
        CHECK(pause >= 300);
        CHECK(pause <= 3600);
        last = pause;
    }
    CHECK(last == 3600);
    CHECK(memory.unreachable == now);
    CHECK(before_asking(settings(), memory, Asked::by_timer, Noticed::moved, now + 60).act == Act::wait);
    CHECK(before_asking(settings(Following::heal), memory, Asked::by_timer, Noticed::moved, now + 60).act == Act::heal);
    CHECK(before_asking(settings(Following::heal), memory, Asked::by_timer, Noticed::still, now + 60).act ==
          Act::nothing);
    CHECK(before_asking(settings(), memory, Asked::by_person, Noticed::moved, now + 60).act == Act::ask);
    CHECK(before_asking(settings(), memory, Asked::by_timer, Noticed::moved, now + 3600).act == Act::ask);
    CHECK(before_asking(settings(), memory, Asked::by_timer, Noticed::moved, now - 900'000).act ==
          Act::ask);  // the clock was set back
    note_answer(memory, "a", now + 3600);
    CHECK(memory.unreachable == 0);
    CHECK(memory.failures == 0);
}

TEST_CASE("suspended, nothing is asked; it ends by itself, or when somebody says so") {
    Memory memory = settled();
    memory.suspended_until = now + 60, memory.suspended_by = "ann", memory.suspended_why = "holidays";
    const Decision decision = before_asking(settings(), memory, Asked::by_timer, Noticed::moved, now);
    CHECK(decision.act == Act::wait);
    CHECK(decision.why == "suspended by ann (holidays)");
    CHECK(before_asking(settings(), memory, Asked::by_timer, Noticed::moved, now + 60).act == Act::ask);
    memory.suspended_until = -1;
    CHECK(before_asking(settings(), memory, Asked::by_timer, Noticed::moved, now + 900'000'000).act == Act::wait);
}
