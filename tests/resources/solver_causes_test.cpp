// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "package/solver.hpp"

using namespace chaos::resources::solver;

namespace {

/// A paragraph of a list of packages; `more` has whole lines.
std::string offered(const std::string& name, const std::string& version, const std::string& more = {}) {
    return "Package: " + name + "\nVersion: " + version + "\nArchitecture: all\n" + more + "\n";
}

std::string there(const std::string& name, const std::string& version, const std::string& more = {}) {
    return offered(name, version, "Status: install ok installed\n" + more);
}

Answer ask(const std::string& installed, const std::string& archive, const Question& question) {
    Pool pool(Family::deb, "amd64");
    pool.add_installed(installed);
    pool.add("archive", archive);
    pool.choose([](const Offer&) { return 500; });
    return pool.ask(question);
}

std::string why(const Answer& answer, const std::string& name) {
    for (const auto& move : answer.moves)
        if (move.name == name) return move.why;
    return "it does not change";
}

/// What is said of the only problem; empty where there is none.
std::string circle(const std::string& archive, std::vector<Job> jobs, const std::string& installed = {}) {
    const auto answer = ask(installed, archive, {.jobs = std::move(jobs)});
    if (answer.problems.empty()) return {};
    REQUIRE(answer.problems.size() == 1);
    CHECK(answer.moves.empty());
    return answer.problems[0].said.at(0);
}

}  // namespace

TEST_CASE("what is upgraded because something breaks the old version says so, though the new one is needed as well") {
    const auto archive = offered("plugin", "2", "Breaks: old (<< 2)\nDepends: old\n") + offered("old", "2");
    const auto answer = ask(there("old", "1"), archive, {.jobs = {{"plugin"}}});
    CHECK(why(answer, "plugin").empty());
    CHECK(why(answer, "old") == "plugin conflicts with old << 2");
}

TEST_CASE("what is upgraded because something newer of it is needed says that") {
    const auto archive = offered("plugin", "2", "Depends: old (>= 2)\n") + offered("old", "2");
    CHECK(why(ask(there("old", "1"), archive, {.jobs = {{"plugin"}}}), "old") == "plugin needs old >= 2");
}

TEST_CASE("what changes since its old version can not stay says what that one needs, or conflicts with") {
    const auto installed =
        there("lib", "1") + there("app", "1", "Depends: lib (= 1)\n") + there("odd", "1", "Breaks: lib (>> 1)\n");
    const auto archive = offered("lib", "2") + offered("app", "2", "Depends: lib (= 2)\n") + offered("odd", "2");
    const auto answer = ask(installed, archive, {.jobs = {{"lib"}}});
    CHECK(answer.moves.size() == 3);
    CHECK(why(answer, "app") == "app needs lib = 1");
    CHECK(why(answer, "odd") == "odd conflicts with lib >> 1");
}

TEST_CASE("what goes says what pushed it out, and each the nearest cause") {
    const auto installed =
        there("lib", "1") + there("app", "1", "Depends: lib\n") + there("skin", "1", "Depends: app\n");
    const auto archive = offered("rival", "1", "Conflicts: lib\n") + offered("other", "1");
    const auto answer = ask(installed, archive, {.jobs = {{"other"}, {"rival"}}, .may_go = {"*"}});
    CHECK(why(answer, "lib") == "rival conflicts with lib");
    CHECK(why(answer, "app") == "app needs lib");
    CHECK(why(answer, "skin") == "skin needs app");
    for (const auto& move : answer.moves)
        if (move.kind == Move::Kind::remove) CHECK(move.job == 1);
}

TEST_CASE("a circle that no order of unpacking breaks is a problem that names it") {
    CHECK(circle(offered("a", "1", "Pre-Depends: b\n") + offered("b", "1", "Depends: a\n"), {{"a"}}) ==
          "it can be installed in no order: a needs b before it is unpacked, b needs a");
    const auto long_way = offered("a", "1", "Depends: b\n") + offered("b", "1", "Pre-Depends: c\n") +
                          offered("c", "1", "Depends: d\n") + offered("d", "1", "Depends: a, c\n");
    CHECK(circle(long_way, {{"a"}}) ==
          "it can be installed in no order: b needs c before it is unpacked, c needs d, d needs a, a needs b");
    const auto versions = offered("a", "2", "Pre-Depends: b (>= 2)\n") + offered("b", "2", "Depends: a (>= 2)\n");
    CHECK_FALSE(circle(versions, {{"a"}}, there("a", "1") + there("b", "1")).empty());
}

TEST_CASE("a circle that can be unpacked in some order is none") {
    const auto plain = offered("a", "1", "Depends: b\n") + offered("b", "1", "Depends: a\n");
    CHECK(circle(plain, {{"a"}}).empty());
    CHECK(circle(plain + offered("c", "1", "Pre-Depends: a\n"), {{"c"}}).empty());  // before it, both together
    const auto either = offered("a", "1", "Pre-Depends: b | good\n") + offered("b", "1", "Depends: a\n");
    CHECK(circle(either + offered("good", "1"), {{"good"}, {"a"}}).empty());
    CHECK_FALSE(circle(either, {{"a"}}).empty());
    const auto anew = offered("a", "2", "Pre-Depends: b\n") + offered("b", "2", "Depends: a\n");
    CHECK(circle(anew, {{"a"}, {"b"}}, there("b", "1")).empty());  // the old one will do until then
}

TEST_CASE("an upgrade leaves out what can be unpacked in no order") {
    const auto installed = there("a", "1") + there("b", "1") + there("c", "1");
    const auto archive =
        offered("a", "2", "Pre-Depends: b (>= 2)\n") + offered("b", "2", "Depends: a (>= 2)\n") + offered("c", "2");
    const auto answer =
        ask(installed, archive,
            {.jobs = {{"a", false, false, true}, {"b", false, false, true}, {"c", false, false, true}}});
    CHECK(answer.problems.empty());
    REQUIRE(answer.moves.size() == 1);
    CHECK(answer.moves[0].name == "c");
}

TEST_CASE("a kept repository still knows what is needed before unpacking") {
    Pool first(Family::deb, "amd64");
    first.add("archive", offered("a", "1", "Pre-Depends: b\n") + offered("b", "1", "Depends: a\n"));
    Pool again(Family::deb, "amd64");
    REQUIRE(again.add_kept("archive", first.kept()));
    again.choose([](const Offer&) { return 500; });
    const auto answer = again.ask({.jobs = {{"a"}}});
    REQUIRE(answer.problems.size() == 1);
    CHECK(answer.problems[0].said.at(0).find("a needs b before it is unpacked") != std::string::npos);
}

TEST_CASE("what goes gently stays where something that comes needs it") {
    const auto archive = offered("web", "1", "Depends: lib\n");
    const auto stays = ask(there("lib", "1"), archive, {.jobs = {{"lib", true, true}, {"web"}}});
    CHECK(stays.problems.empty());
    REQUIRE(stays.moves.size() == 1);
    CHECK(stays.moves[0].name == "web");
    CHECK(ask(there("lib", "1"), archive, {.jobs = {{"lib", true, true}}}).moves.size() == 1);
    CHECK_FALSE(ask(there("lib", "1"), archive, {.jobs = {{"lib", true}, {"web"}}}).problems.empty());
}
