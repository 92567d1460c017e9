// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "package/apt.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;
namespace apt = chaos::resources::apt;

namespace {

constexpr const char* status =
    "Package: dpkg\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n"
    "Package: libold\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\n"
    "Package: telnet\nStatus: install ok installed\nArchitecture: amd64\nVersion: 0.17\n";

/// A Debian whose apt-get answers every simulation with this.
FakeHost debian(Output answer) {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status", status);
    host.put_file("/var/lib/apt/lists/deb_Packages.lz4", "");
    host.put_command("apt-get", [answer](FakeHost&, const Command&) { return answer; });
    return host;
}

Resource package(const char* name, bool absent = false) {
    return declare("package", attributes({{"name", name}}), absent);
}

bool has(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

TEST_CASE("a package's plan has exact versions and what comes along, each for whom it comes") {
    auto host =
        debian({0,
                "NOTE: This is only a simulation!\nInst libnew (2.0 Debian:12/stable [amd64])\n"
                "Inst web (3.1-2 Debian:12/stable [amd64]) []\nInst libold [1.0] (1.1 Debian:12/stable [amd64])\n"
                "Inst tool (1:4 Debian:12/stable [all])\nRemv telnet [0.17]\nConf web (3.1-2 x)\n",
                ""});
    const auto run = plan_for(host, {package("web"), package("tool"), package("telnet", true)});
    REQUIRE_MESSAGE(run.problems.ok(), run.problems.errors().front().what());
    REQUIRE(run.catalog.size() == 5);
    const auto version = [&](std::size_t i) {
        return run.catalog[i].type->schema().find("version")->get(run.goal[i].spec()).text();
    };
    CHECK(version(0) == "3.1-2");
    CHECK(version(1) == "1:4");
    CHECK_FALSE(run.goal[2]);
    for (const std::size_t i : {3, 4}) {
        const bool upgraded = run.catalog[i].id.key == "libold";
        CHECK(version(i) == (upgraded ? "1.1" : "2.0"));
        CHECK(static_cast<bool>(run.before[i]) == upgraded);
        CHECK(run.catalog[i].because == (upgraded ? 1 : 0));
    }
    CHECK(run.steps.size() == 1);  // one transaction
}

TEST_CASE("a package that would remove another one is refused, unless that one is to be absent") {
    auto host = debian({0, "Remv telnet [0.17]\nInst web (3 x)\n", ""});
    const auto run = plan_for(host, {package("web")});
    REQUIRE_FALSE(run.problems.ok());
    CHECK(std::string(run.problems.errors()[0].what()) == "package web can not be changed without removing telnet");
    CHECK(plan_for(host, {package("web"), package("telnet", true)}).problems.ok());
}

TEST_CASE("a package that apt does not know is an error with apt's words at that package") {
    auto host = debian({100, "", "E: Unable to locate package wbe\nE: Package 'old' has no installation candidate\n"});
    const auto run = plan_for(host, {package("fine"), package("wbe"), package("old")});
    REQUIRE(run.problems.errors().size() == 2);
    CHECK(std::string(run.problems.errors()[0].what()) == "package wbe: apt says: Unable to locate package wbe");
    CHECK(std::string(run.problems.errors()[1].what()) ==
          "package old: apt says: Package 'old' has no installation candidate");
}

TEST_CASE("a package is planned where apt has no lists or may not write its cache, with a remark") {
    FakeHost bare;
    bare.put_file("/var/lib/dpkg/status", status);
    const auto run = plan_for(bare, {package("web")});
    REQUIRE(run.steps.size() == 1);
    Diagnostics said;
    run.steps[0].type->check(View(bare), run.steps[0].changes, said);
    CHECK(said.ok());
    CHECK(said.remarks().size() == 1);
    CHECK(run.steps[0].type->undo_of(run.steps[0].changes[0]) == Undo::effort);
    const auto stale =
        debian({100, "", "E: Could not create temporary file for /var/cache/apt/pkgcache.bin - mkstemp\n"});
    CHECK(plan_for(stale, {package("web")}).problems.remarks().size() == 1);
}

TEST_CASE("a package is an error where there is no dpkg, and an essential one is never removed") {
    const FakeHost none;
    Diagnostics said;
    auto run = plan_for(none, {package("web")});
    run.steps.at(0).type->check(View(none), run.steps[0].changes, said);
    CHECK_FALSE(said.ok());
    const auto host = debian({0, "Remv dpkg [1.21]\n", ""});
    Diagnostics refused;
    run = plan_for(host, {package("dpkg", true)});
    run.steps.at(0).type->check(View(host), run.steps[0].changes, refused);
    CHECK_FALSE(refused.ok());
}

TEST_CASE("a package's answers go to debconf by standard input and never by an argument") {
    auto host = debian({0, "Inst web (3 x)\n", ""});
    std::string heard;
    host.put_command("debconf-set-selections", [&heard](FakeHost&, const Command& command) {
        heard = command.input;
        return Output{};
    });
    Value answers(Value::Map{{Value("web/password"), Value("sesame")}});
    const auto run = plan_for(host, {declare("package", attributes({{"name", "web"}, {"debconf", answers}}))});
    run.steps.at(0).type->apply_all(host, run.steps[0].changes);
    CHECK(heard == "web web/password string sesame\n");
    for (const auto& command : host.ran())
        for (const auto& word : command.argv) CHECK(word.find("sesame") == word.npos);
    REQUIRE_FALSE(host.ran().empty());
    const auto& install = host.ran().back();
    CHECK(has(install.argv, "web=3"));
    CHECK(has(install.argv, "--no-remove"));
    CHECK(has(install.environment, "DEBIAN_FRONTEND=noninteractive"));
}

TEST_CASE("apt's lock is held by whom /proc/locks names") {
    FakeHost host;
    host.put_file("/var/lib/dpkg/lock-frontend", "");
    CHECK(apt::lock_holder(host).empty());
    const auto inode = std::to_string(host.look("/var/lib/dpkg/lock-frontend").inode);
    host.put_file("/proc/locks", "1: FLOCK  ADVISORY  WRITE 9 00:19:" + inode +
                                     " 0 EOF\n2: POSIX  ADVISORY  WRITE 712 00:19:" + inode + " 0 EOF\n");
    host.put_file("/proc/712/comm", "apt-get\n");
    CHECK(apt::lock_holder(host) == "apt-get (pid 712)");
}

TEST_CASE("a package that others need by now stays where it would only go back, and is told where it is to be absent") {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status",
                  "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
                  "Package: libjq\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
                  "Depends: libonig (>= 1)\n\n"
                  "Package: libonig\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
                  "Package: web\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
                  "Package: jq\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDepends: libjq\n");
    const auto going = [&](Place where) {
        const View view(host);
        Catalog catalog{package("libjq", true), package("libonig", true), package("web", true)};
        for (Resource& one : catalog) one.where = where;
        Diagnostics problems;
        const States observed = observe(catalog, view, problems, 1, true);
        States goal(3);
        const auto kept = keep_occupied(catalog, view, observed, goal);
        CHECK(!goal[2]);
        CHECK(static_cast<bool>(goal[0]) == !kept.empty());
        return kept;
    };
    CHECK(going({}) == std::vector<std::uint32_t>{0, 1});
    CHECK(going({3, 5, 0}).empty());
    CHECK(plan_for(host, {package("web", true)}).problems.ok());
    auto declared = package("libjq", true);
    declared.where = {3, 5, 0};
    CHECK_FALSE(plan_for(host, {declared}).problems.ok());
}
