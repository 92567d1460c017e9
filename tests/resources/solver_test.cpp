// SPDX-License-Identifier: Apache-2.0
#include "package/solver.hpp"

#include <doctest/doctest.h>

#include "package/apt_policy.hpp"
#include "package/apt_sources.hpp"
#include "package/fidelity.hpp"
#include "package/package.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;
namespace apt = chaos::resources::apt;
namespace solver = chaos::resources::solver;
using namespace chaos::resources::solver;

namespace {

constexpr const char* status =
    "Package: dpkg\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n"
    "Package: libold\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\n"
    "Package: telnet\nStatus: install ok installed\nArchitecture: amd64\nVersion: 0.17\nDepends: libold\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n";

constexpr const char* archive =
    "Package: web\nVersion: 3.1-2\nArchitecture: amd64\nSize: 531468\nInstalled-Size: 1335\n"
    "Depends: libnew (>= 2),\n libold (>= 1.1), mta | mail-server\nRecommends: docs\n\n"
    "Package: libnew\nVersion: 2.0\nArchitecture: amd64\nDepends: base-data\n\n"
    "Package: libold\nVersion: 1.1\nArchitecture: amd64\n\n"
    "Package: base-data\nVersion: 5\nArchitecture: all\nMulti-Arch: foreign\n\n"
    "Package: docs\nVersion: 1\nArchitecture: all\n\n"
    "Package: another-mail\nVersion: 1\nArchitecture: amd64\nProvides: mail-server\n\n"
    "Package: mta\nVersion: 1\nArchitecture: amd64\n\n"
    "Package: ssh-only\nVersion: 1\nArchitecture: amd64\nConflicts: telnet\n\n"
    "Package: evil\nVersion: 1\nArchitecture: amd64\nBreaks: dpkg\n\n"
    "Package: impossible\nVersion: 1\nArchitecture: amd64\nDepends: nowhere (>= 7)\n\n"
    "Package: huge\nVersion: 1\nArchitecture: amd64\nInstalled-Size: 300000\n\n"
    "Package: many\nVersion: 1.9\nArchitecture: amd64\n\n"
    "Package: many\nVersion: 1.10\nArchitecture: amd64\n";

int usual(const Offer&) {
    return 500;
}

const solver::Move* find(const Answer& answer, const std::string& name) {
    for (const auto& move : answer.moves)
        if (move.name == name) return &move;
    return nullptr;
}

Answer ask(const Question& question) {
    Pool pool(Family::deb, "amd64");
    pool.add_installed(status);
    pool.add("archive", archive);
    pool.choose(usual);
    return pool.ask(question);
}

/// A Debian with that archive.
FakeHost debian() {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status", status);
    host.put_file("/etc/apt/sources.list", "deb http://deb.example.org/debian stable main # the archive\n");
    host.put_file("/var/lib/apt/lists/deb.example.org_debian_dists_stable_main_binary-amd64_Packages", archive);
    host.put_file("/var/lib/apt/lists/deb.example.org_debian_dists_stable_InRelease",
                  "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nOrigin: Example\nSuite: stable\n");
    // Left behind by a source that is not there any more.
    host.put_file("/var/lib/apt/lists/old.example.org_debian_dists_stable_main_binary-amd64_Packages",
                  "Package: web\nVersion: 9\nArchitecture: amd64\n");
    return host;
}

std::string said(const FakeHost& host, Resource wanted) {
    const auto run = plan_for(host, {std::move(wanted)});
    REQUIRE(run.problems.errors().size() == 1);
    return std::string(run.problems.errors()[0].what()) + " | " + run.problems.errors()[0].hint;
}

Resource package(const char* name) {
    return declare("package", attributes({{"name", name}}));
}

}  // namespace

TEST_CASE("a solved plan has what is needed and recommended, each with its nearest cause and its size") {
    const auto answer = ask({.jobs = {{"docs"}, {"web"}}});
    REQUIRE(answer.problems.empty());
    CHECK(answer.moves.size() == 6);
    const auto* web = find(answer, "web");
    REQUIRE(web);
    CHECK(web->asked);
    CHECK(web->why.empty());
    CHECK(web->download == 531468);
    CHECK(web->installed == 1335 * 1024);
    REQUIRE(find(answer, "libold"));
    CHECK(find(answer, "libold")->kind == solver::Move::Kind::upgrade);
    CHECK(find(answer, "libold")->old_version == "1.0");
    CHECK(find(answer, "libold")->why == "web needs libold >= 1.1");
    CHECK(find(answer, "base-data")->why == "libnew needs base-data");
    CHECK(find(answer, "base-data")->job == 1);
    CHECK(find(answer, "mta"));  // the first of what would do
    CHECK_FALSE(find(answer, "another-mail"));
}

TEST_CASE("a solved plan has what is recommended only where that is wished") {
    CHECK(find(ask({.jobs = {{"web"}}}), "docs")->why == "web recommends docs");
    CHECK_FALSE(find(ask({.jobs = {{"web"}}, .recommends = false}), "docs"));
}

TEST_CASE("a solver removes nothing that nobody allowed, and tells why in its own words") {
    const auto refused = ask({.jobs = {{"ssh-only"}}});
    REQUIRE(refused.problems.size() == 1);
    CHECK(refused.problems[0].job == 0);
    REQUIRE_FALSE(refused.problems[0].said.empty());
    CHECK(refused.problems[0].said[0].find("conflicts with telnet") != std::string::npos);
    CHECK_FALSE(refused.problems[0].ways_out.empty());
    CHECK_FALSE(ask({.jobs = {{"ssh-only"}}, .may_go = {"libold"}}).problems.empty());
    const auto allowed = ask({.jobs = {{"ssh-only"}}, .may_go = {"telnet"}});
    REQUIRE(find(allowed, "telnet"));
    CHECK(find(allowed, "telnet")->kind == solver::Move::Kind::remove);
    CHECK_FALSE(find(allowed, "telnet")->asked);
    CHECK(find(allowed, "telnet")->why.find("conflicts") != std::string::npos);
}

TEST_CASE("a solver leaves what is on hold, and passes a gentle removal by where something needs it") {
    CHECK_FALSE(ask({.jobs = {{"web"}}, .stays = {"libold"}}).problems.empty());
    CHECK_FALSE(ask({.jobs = {{"libold", true}}}).problems.empty());
    const auto gentle = ask({.jobs = {{"libold", true}}, .gentle = true});
    CHECK(gentle.problems.empty());
    CHECK(gentle.moves.empty());
    CHECK(ask({.jobs = {{"libold", true}, {"telnet", true}}, .gentle = true}).moves.size() == 2);
}

TEST_CASE("a solver chooses versions by priority, then the newest, and older ones only from 1000 on") {
    const auto candidate = [](std::vector<int> priorities, const char* name) {
        Pool pool(Family::deb, "amd64");
        pool.add_installed(status);
        pool.add("old",
                 "Package: many\nVersion: 1.9\nArchitecture: amd64\n\nPackage: libold\nVersion: 0.9\n"
                 "Architecture: amd64\n");
        pool.add("new",
                 "Package: many\nVersion: 1.10\nArchitecture: amd64\n\nPackage: libold\nVersion: 2\n"
                 "Architecture: amd64\n");
        pool.choose([&](const Offer& offer) { return priorities.at(offer.repository); });
        return pool.candidate(name);
    };
    CHECK(candidate({500, 500}, "many") == "1.10");
    CHECK(candidate({990, 500}, "many") == "1.9");
    CHECK(candidate({-1, -1}, "many").empty());
    CHECK(candidate({500, 500}, "libold") == "2");
    CHECK(candidate({990, 1}, "libold") == "1.0");  // what is installed has 100
    CHECK(candidate({990, 100}, "libold") == "2");
    CHECK(candidate({1001, 500}, "libold") == "0.9");
}

TEST_CASE("a solver keeps architectures apart: what is foreign serves all, what is same comes in one version") {
    Pool pool(Family::deb, "amd64", {"i386"});
    pool.add_installed(
        "Package: libc\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 1\n");
    pool.add("native",
             "Package: libc\nVersion: 2\nArchitecture: amd64\nMulti-Arch: same\n\n"
             "Package: tool\nVersion: 1\nArchitecture: amd64\nMulti-Arch: foreign\nDepends: libc\n\n"
             "Package: plain\nVersion: 1\nArchitecture: amd64\n\n"
             "Package: python\nVersion: 3\nArchitecture: amd64\nMulti-Arch: allowed\n");
    pool.add("foreign",
             "Package: libc\nVersion: 2\nArchitecture: i386\nMulti-Arch: same\n\n"
             "Package: game\nVersion: 1\nArchitecture: i386\nDepends: libc, tool, python:any\n\n"
             "Package: plain\nVersion: 1\nArchitecture: i386\n");
    pool.choose(usual);
    const auto answer = pool.ask({.jobs = {{"game:i386"}}});
    REQUIRE(answer.problems.empty());
    CHECK(find(answer, "game:i386"));
    CHECK(find(answer, "libc:i386"));
    REQUIRE(find(answer, "libc"));  // it can only be the same version on both
    CHECK(find(answer, "libc")->version == "2");
    CHECK(find(answer, "tool"));
    CHECK(find(answer, "python"));
    CHECK_FALSE(pool.ask({.jobs = {{"plain"}, {"plain:i386"}}}).problems.empty());
}

TEST_CASE("a solver's kept repository is the same again, and what is none is not taken") {
    Pool first(Family::deb, "amd64");
    first.add_installed(status);
    first.add("archive", archive);
    const auto kept = first.kept();
    Pool second(Family::deb, "amd64");
    second.add_installed(status);
    CHECK_FALSE(second.add_kept("archive", "hello"));
    CHECK_FALSE(second.add_kept("archive", kept.substr(0, kept.find('\n') + 10)));
    REQUIRE(second.add_kept("archive", kept));
    second.choose(usual);
    const auto answer = second.ask({.jobs = {{"web"}}});
    CHECK(answer.moves.size() == 6);
    CHECK(find(answer, "web")->download == 531468);
    CHECK(second.versions("many") == std::vector<std::string>{"1.10", "1.9"});
}

TEST_CASE("apt's policy goes by pins, releases and what archives say of themselves") {
    apt::Settings settings;
    settings.lists = {{.path = "a",
                       .site = "deb.example.org",
                       .component = "main",
                       .origin = "Debian",
                       .archive = "stable",
                       .codename = "bookworm",
                       .version = "12.5"},
                      {.path = "b",
                       .site = "bpo.example.org",
                       .archive = "bookworm-backports",
                       .not_automatic = true,
                       .but_automatic_upgrades = true},
                      {.path = "c", .archive = "experimental", .not_automatic = true}};
    const auto priority = [&](std::size_t list, const char* name = "web", const char* version = "1",
                              const char* source = "web") {
        return apt::Policy(settings).priority({name, version, "amd64", source, list});
    };
    CHECK(priority(0) == 500);
    CHECK(priority(1) == 100);
    CHECK(priority(2) == 1);
    settings.default_release = "bookworm*";
    CHECK(priority(0) == 990);
    CHECK(priority(1) == 990);
    settings.preferences =
        "Explanation: ours\nPackage: web db*\nPin: release n=bookworm, o=Debian\nPin-Priority: 700\n\n"
        "Package: web\nPin: version 2*\nPin-Priority: 1001\n\n"
        "Package: src:kernel\nPin: origin \"bpo.example.org\"\nPin-Priority: -5\n\n"
        "Package: *\nPin: release a=experimental\nPin-Priority: 50\n";
    CHECK(priority(0) == 700);
    CHECK(priority(0, "dbus") == 700);
    CHECK(priority(2, "web", "2.1") == 1001);
    CHECK(priority(2) == 50);
    CHECK(priority(1, "image", "1", "kernel") == -5);
    CHECK(apt::Policy(settings).names_sources());
    CHECK(priority(0, "web:i386", "3") == 990);  // a name without architecture is the native one
}

TEST_CASE("apt's sources are read in both their forms, and lists have the names that apt gives them") {
    const auto lines = apt::sources_in_list(
        "# deb x y z\ndeb [arch=amd64 signed-by=/k] http://a/d stable main contrib\n"
        "deb-src http://a/d stable main\ndeb file:/srv/repo ./\n");
    REQUIRE(lines.size() == 3);
    CHECK(lines[1].component == "contrib");
    CHECK(lines[2].suite == "./");
    const auto blocks = apt::sources_in_deb822(
        "Types: deb deb-src\nURIs: http://a/d\nSuites: s t\nComponents: main\n\n"
        "Types: deb\nURIs: http://b/\nSuites: /\nEnabled: no\n");
    REQUIRE(blocks.size() == 2);
    CHECK(blocks[1].suite == "t");
    CHECK(apt::file_name_of("http://me:secret@deb.example.org:80/a_b/~x/") == "deb.example.org:80_a%5fb_%7ex_");
    CHECK(apt::file_name_of("file:/srv/repo/./Packages") == "_srv_repo_._Packages");
}

TEST_CASE("a package's plan is solved from apt's lists, and says why each comes") {
    const auto host = debian();
    const auto run = plan_for(host, {package("web")});
    REQUIRE(run.problems.ok());
    REQUIRE(run.catalog.size() == 6);
    const auto* web = run.goal[0].as<resources::Package>();
    CHECK(web->version == "3.1-2");  // a list of nobody's source does not count
    for (std::size_t i = 1; i < run.catalog.size(); ++i) {
        const auto* one = run.goal[i].as<resources::Package>();
        REQUIRE(one->comes);
        CHECK((*one->comes)[0].first == "why");
        CHECK(run.catalog[i].because == 0);
        CHECK(one->automatic == (one->name != "libold"));
    }
    CHECK(run.steps.size() == 1);
}

TEST_CASE("what a package of one repository needs comes from there where nothing else is enough") {
    auto host = debian();
    host.put_file("/etc/apt/sources.list.d/more.list", "deb http://more.example.org/debian sid main\n");
    host.put_file("/var/lib/apt/lists/more.example.org_debian_dists_sid_InRelease", "Suite: sid\nNotAutomatic: yes\n");
    host.put_file("/var/lib/apt/lists/more.example.org_debian_dists_sid_main_binary-amd64_Packages",
                  "Package: fresh\nVersion: 4\nArchitecture: amd64\nDepends: none | libnew (>= 4), base-data\n\n"
                  "Package: lost\nVersion: 4\nArchitecture: amd64\nDepends: libnew (>= 5)\n\n"
                  "Package: libnew\nVersion: 4\nArchitecture: amd64\nDepends: deep (= 4)\n\n"
                  "Package: deep\nVersion: 4\nArchitecture: amd64\n\n"
                  "Package: base-data\nVersion: 6\nArchitecture: all\n");
    const auto from_there = [](const char* name) {
        return declare("package", attributes({{"name", name}, {"source", "sid"}}));
    };
    const auto run = plan_for(host, {from_there("fresh")});
    REQUIRE(run.problems.ok());
    std::string all;
    for (const auto& goal : run.goal) {
        const auto& one = *goal.as<resources::Package>();
        all += one.name + " " + one.version.value_or("?") + ", ";
    }
    CHECK(all == "fresh 4, base-data 5, deep 4, libnew 4, ");
    CHECK(said(host, from_there("lost")).find("nothing provides libnew >= 5 needed by lost-4.amd64") !=
          std::string::npos);
}

TEST_CASE("a package that can not be told of says what there is instead") {
    const auto host = debian();
    CHECK(said(host, package("wbe")) == "package wbe: no repository of this host has it | did you mean web?");
    CHECK(said(host, package("mail-server")) ==
          "package mail-server is no package, but what others stand for | name one that provides it: another-mail");
    CHECK(said(host, declare("package", attributes({{"name", "many"}, {"version", "7"}}))) ==
          "package many: there is no version 7 | there is 1.10, 1.9; without a version it is 1.10");
    CHECK(said(host, package("impossible")).find("nothing provides nowhere >= 7 needed by impossible-1.amd64") !=
          std::string::npos);
    CHECK(said(host, package("ssh-only")).find("package ssh-only can not be changed without removing telnet: ") == 0);
    CHECK(said(host, package("ssh-only")).find("allow_removals: [telnet]") != std::string::npos);
    CHECK(said(host, package("evil")).find("the host does not work without it") != std::string::npos);
}

TEST_CASE("packages that there is no room for are refused before anything begins") {
    auto host = debian();
    std::string free = "307199999";
    host.put_command("df", [&](FakeHost&, const Command&) { return Output{0, "    Avail\n" + free + "\n", ""}; });
    CHECK(said(host, package("huge")) ==
          "not enough room in /usr: 307 MB would come, and 307 MB are free | df -h /usr");
    free = "307200000";
    CHECK(plan_for(host, {package("huge")}).problems.ok());
}

TEST_CASE("a package's older version and the removals that it may cause are planned where they are wished") {
    auto host = debian();
    const auto older = plan_for(host, {declare("package", attributes({{"name", "many"}, {"version", "1.9"}}))});
    REQUIRE(older.problems.ok());
    CHECK(older.goal[0].as<resources::Package>()->version == "1.9");
    const Value names(Value::List{Value("telnet")});
    const auto run =
        plan_for(host, {declare("package", attributes({{"name", "ssh-only"}, {"allow_removals", names}}))});
    REQUIRE(run.problems.ok());
    REQUIRE(run.catalog.size() == 2);
    CHECK(run.catalog[1].id.key == "telnet");
    CHECK_FALSE(run.goal[1]);
}

TEST_CASE("apt-get is held to the plan only where the plan is all of it, and the difference has both lists") {
    const resources::Request request{.install = {"web=3.1-2", "libc6:i386=2"}, .remove = {"telnet"}, .complete = true};
    const auto options = apt::held_to(request);
    REQUIRE(options.size() == 4);
    CHECK(options[1].starts_with("DPkg::Pre-Install-Pkgs::=umask "));
    CHECK(options[1] != apt::held_to({.install = {"web=3.1-3"}})[1]);
    CHECK(apt::was_stopped(Error("apt-get: this is not what chaos planned\nE: Sub-process")));
    CHECK_FALSE(apt::was_stopped(Error("E: Unable to correct problems")));
    const resources::Answer theirs{.moves = {{resources::Move::Kind::install, "web", "", "3.1-2"},
                                             {resources::Move::Kind::install, "libc6:i386", "", "3"}},
                                   .problems = {}};
    const std::string text = apt::other_than_planned(request, theirs).what();
    CHECK(text.find("leaves out libc6 2, telnet -, beside the plan it does libc6 3") != std::string::npos);
    CHECK(text.find("Planned: libc6 2, telnet -, web 3.1-2. apt: libc6 3, web 3.1-2") != std::string::npos);
}

TEST_CASE("a package comes from the repository that is said, by any of its names") {
    auto host = debian();
    host.put_file("/etc/apt/sources.list.d/more.sources",
                  "Types: deb\nURIs: http://more.example.org/debian\nSuites: newest\nComponents: main\n");
    host.put_file("/var/lib/apt/lists/more.example.org_debian_dists_newest_main_binary-amd64_Packages",
                  "Package: web\nVersion: 9\nArchitecture: amd64\n");
    host.put_file("/var/lib/apt/lists/more.example.org_debian_dists_newest_InRelease",
                  "Origin: Others\nLabel: Theirs\nSuite: unstable\nCodename: sid\n");
    host.put_file("/etc/apt/preferences", "Package: *\nPin: origin more.example.org\nPin-Priority: -1\n");
    const auto version_from = [&](const char* source) {
        const auto run = plan_for(host, {declare("package", attributes({{"name", "web"}, {"source", source}}))});
        REQUIRE_MESSAGE(run.problems.ok(), run.problems.errors().front().what());
        return run.goal[0].as<chaos::resources::Package>()->version;
    };
    for (const char* name : {"more", "newest", "Others", "Theirs", "unstable", "sid"}) CHECK(version_from(name) == "9");
    for (const char* name : {"Example", "stable", "sources.list"}) CHECK(version_from(name) == "3.1-2");
    const auto refused = [&](const char* package, const char* source) {
        return said(host, declare("package", attributes({{"name", package}, {"source", source}})));
    };
    CHECK(refused("web", "nowhere") ==
          "package web: there is no repository nowhere on this host | there is more, newest, sources.list, stable");
    CHECK(refused("docs", "more") == "package docs: the repository more does not have it | apt-cache policy docs");
}
