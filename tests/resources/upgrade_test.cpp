// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <chaos/upgrades.hpp>

#include <algorithm>

#include "package/package.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;
using Why = Upgrades::Stays::Why;
using Names = std::vector<std::string>;

namespace {

constexpr const char* status =
    "Package: dpkg\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n"
    "Package: web\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\nDepends: lib\n\n"
    "Package: lib\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\n"
    "Package: held\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1.0\n\n"
    "Package: pinned\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\n"
    "Package: rival\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\n"
    "Package: fighter\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\n"
    "Package: fresh\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.0\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1.0\n";

constexpr const char* archive =
    "Package: web\nVersion: 2.0\nArchitecture: amd64\nDepends: lib (>= 2), newly\nSize: 2000\n\n"
    "Package: newly\nVersion: 1\nArchitecture: all\n\n"
    "Package: lib\nVersion: 2.0\nArchitecture: amd64\n\n"
    "Package: held\nVersion: 2.0\nArchitecture: amd64\n\n"
    "Package: pinned\nVersion: 2.0\nArchitecture: amd64\n\n"
    "Package: fighter\nVersion: 2.0\nArchitecture: amd64\nConflicts: rival\n\n"
    "Package: fresh\nVersion: 1.0\nArchitecture: amd64\n\n"
    "Package: gone\nVersion: 2.0\nArchitecture: amd64\n\n"
    "Package: never-there\nVersion: 2.0\nArchitecture: amd64\n";

void put_list(FakeHost& host, const std::string& suite, const std::string& release, const std::string& packages) {
    const auto prefix = "/var/lib/apt/lists/deb.example.org_debian_dists_" + suite + "_";
    host.put_file(prefix + "main_binary-amd64_Packages", packages);
    host.put_file(prefix + "InRelease", release);
}

FakeHost debian() {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status", status);
    host.put_file("/var/lib/apt/extended_states", "Package: lib\nArchitecture: amd64\nAuto-Installed: 1\n");
    host.put_file("/etc/apt/sources.list",
                  "deb http://deb.example.org/debian stable main\n"
                  "deb http://deb.example.org/debian updates main\n");
    host.put_file("/etc/apt/preferences", "Package: pinned\nPin: version 2.*\nPin-Priority: -1\n");
    put_list(host, "stable", "Origin: Debian\nLabel: Debian\nSuite: stable\n", archive);
    return host;
}

Names changing(const Upgrades& found) {
    Names names;
    for (const Resource& one : found.catalog)
        if (!one.companion) names.push_back(one.id.key);
    std::sort(names.begin(), names.end());
    return names;
}

Names coming_along(const Upgrades& found) {
    Names names;
    for (const Resource& one : found.catalog)
        if (one.companion) names.push_back(one.id.key + " because of " + found.catalog[one.because].id.key);
    return names;
}

Names staying(const Upgrades& found, Why why) {
    Names names;
    for (const auto& one : found.stays)
        if (one.why == why) names.push_back(one.name);
    return names;
}

std::string attribute(const State& state, const char* name, const Resource& of) {
    const Value value = of.type->schema().find(name)->get(state.spec());
    return value.is_text() ? value.text() : "";
}

std::string refusal(const FakeHost& host, const UpgradeWish& wish) {
    try {
        upgrades(View(host), wish);
    } catch (const Error& error) {
        return error.what() + (" | " + error.hint);
    }
    return {};
}

}  // namespace

TEST_CASE("an upgrade brings all that can be newer, with what has to come, and tells what stays") {
    const auto host = debian();
    const auto found = upgrades(View(host), {});
    CHECK(changing(found) == Names{"lib", "web"});
    CHECK(coming_along(found) == Names{"newly because of web"});
    CHECK(staying(found, Why::held) == Names{"held"});
    CHECK(staying(found, Why::impossible) == Names{"fighter"});
    CHECK(found.not_chosen == 1);
    CHECK(found.not_security == 0);
    for (const auto& one : found.stays)
        if (one.name == "fighter") CHECK(one.reason.find("conflicts with rival") != std::string::npos);
}

TEST_CASE("an upgrade leaves marks as they are") {
    const auto host = debian();
    const auto found = upgrades(View(host), {});
    for (std::size_t i = 0; i < found.catalog.size(); ++i) {
        const Resource& one = found.catalog[i];
        CHECK(attribute(found.goal[i], "automatic", one) == (one.id.key == "web" ? "false" : "true"));
        CHECK(attribute(found.goal[i], "version", one) == (one.id.key == "newly" ? "1" : "2.0"));
        if (found.observed[i]) CHECK(attribute(found.observed[i], "version", one) == "1.0");
    }
}

TEST_CASE("of named packages only those are upgraded, and what they need") {
    const auto host = debian();
    const auto web = upgrades(View(host), {.names = {"web"}});
    CHECK(changing(web) == Names{"web"});
    CHECK(coming_along(web) == Names{"lib because of web", "newly because of web"});
    CHECK(changing(upgrades(View(host), {.names = {"lib"}})) == Names{"lib"});
    CHECK(upgrades(View(host), {.names = {"fresh"}}).catalog.empty());
    CHECK(refusal(host, {.names = {"wep"}}) == "there is no package wep | did you mean web?");
    CHECK(refusal(host, {.names = {"never-there"}}).find("never-there is not installed") != std::string::npos);
    CHECK(refusal(host, {.names = {"gone"}}).find("gone is not installed") != std::string::npos);
}

TEST_CASE("what a site fixes stays, and so does what would need it otherwise") {
    const auto host = debian();
    const auto found = upgrades(View(host), {.fixed = {"lib"}});
    CHECK(changing(found).empty());
    CHECK(staying(found, Why::fixed) == Names{"lib"});
    CHECK(staying(found, Why::impossible) == Names{"fighter", "web"});
}

TEST_CASE("others go for an upgrade only where that may be, and never what is essential") {
    auto host = debian();
    const auto found = upgrades(View(host), {.names = {"fighter"}, .removals = true});
    CHECK(changing(found) == Names{"fighter"});
    CHECK(coming_along(found) == Names{"rival because of fighter"});
    REQUIRE(found.catalog.size() == 2);
    CHECK(found.catalog[1].absent);
    CHECK_FALSE(found.goal[1]);
    put_list(host, "updates", "Suite: updates\n", "Package: web\nVersion: 3.0\nArchitecture: amd64\nConflicts: dpkg\n");
    const auto vital = upgrades(View(host), {.names = {"web"}, .removals = true});
    CHECK(vital.catalog.empty());
    CHECK(staying(vital, Why::impossible) == Names{"web"});
}

TEST_CASE("for security comes what a source of security updates has a newer version of") {
    auto host = debian();
    for (const char* release : {"Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\n",
                                "Origin: Debian-Security\nSuite: x\n", "Origin: Ubuntu\nSuite: noble-security\n"}) {
        put_list(host, "updates", release,
                 "Package: lib\nVersion: 1.1\nArchitecture: amd64\n\n"
                 "Package: held\nVersion: 1.1\nArchitecture: amd64\n\n"
                 "Package: fresh\nVersion: 2.0\nArchitecture: amd64\n");
        const auto found = upgrades(View(host), {.security_only = true});
        CHECK(changing(found) == Names{"lib"});
        REQUIRE(found.catalog.size() == 1);
        CHECK(attribute(found.goal[0], "version", found.catalog[0]) == "2.0");  // which has the same in it
        CHECK(staying(found, Why::held) == Names{"held"});
        CHECK(found.not_security == 2);  // web, fighter
    }
    put_list(host, "updates", "Origin: Debian\nLabel: Debian\nSuite: stable-updates\n",
             "Package: lib\nVersion: 1.1\nArchitecture: amd64\n");
    CHECK(upgrades(View(host), {.security_only = true}).catalog.empty());
}

TEST_CASE("what preferences choose an older version of is not upgraded") {
    auto host = debian();
    host.put_file("/etc/apt/preferences",
                  "Package: fresh\nPin: version 1.0\nPin-Priority: 1001\n\n"
                  "Package: lib\nPin: version 1.*\nPin-Priority: 990\n");
    put_list(host, "updates", "Suite: updates\n", "Package: lib\nVersion: 1.1\nArchitecture: amd64\n");
    const auto found = upgrades(View(host), {.names = {"fresh", "lib"}});
    REQUIRE(found.catalog.size() == 1);
    CHECK(attribute(found.goal[0], "version", found.catalog[0]) == "1.1");
}

TEST_CASE("what was recommended and left out before does not come by an upgrade; what is newly recommended does") {
    auto host = debian();
    host.put_file("/var/lib/dpkg/status",
                  "Package: dpkg\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n"
                  "Package: web\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n"
                  "Recommends: docs | newly\n\n"
                  "Package: lib\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n");
    put_list(host, "updates", "Suite: updates\n",
             "Package: web\nVersion: 3.0\nArchitecture: amd64\nRecommends: docs | newly, extra\n\n"
             "Package: docs\nVersion: 1\nArchitecture: all\n\nPackage: extra\nVersion: 1\nArchitecture: all\n\n"
             "Package: lib\nVersion: 3.0\nArchitecture: amd64\nDepends: newly\n");
    CHECK(coming_along(upgrades(View(host), {})) == Names{"extra because of web", "newly because of lib"});
}

TEST_CASE("what only a package needs that goes back to another version at the same time may go") {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status",
                  "Package: dpkg\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n"
                  "Package: app\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.0\nDepends: data\n\n"
                  "Package: data\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n\n"
                  "Package: user\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\nDepends: app\n");
    CHECK(resources::needed_by_others(host, {"data"}).contains("data"));
    CHECK(resources::needed_by_others(host, {"data"}, {"app"}).empty());
    CHECK(resources::needed_by_others(host, {"app", "data"}, {"data"}).size() == 2);
}

TEST_CASE("where apt is not, or knows nothing, it is said") {
    auto host = debian();
    host.erase("/var/lib/apt/lists");
    CHECK(refusal(host, {}).find("no lists of packages") != std::string::npos);
    CHECK(package_lists(View(host)).fetched == 0);
    FakeHost bare;
    CHECK(refusal(bare, {}).find("no database of packages") != std::string::npos);
    CHECK(package_lists(View(bare)).keeper.empty());
}

TEST_CASE("fetching lists tells which repository can not be had") {
    auto host = debian();
    host.put_command("apt-get", [](FakeHost& on, const Command& command) {
        const bool asks = std::find(command.argv.begin(), command.argv.end(), "--print-uris") != command.argv.end();
        if (asks) return Output{0, "'http://x/InRelease' deb.example.org_debian_dists_lost_InRelease 0\n", ""};
        on.put_file("/var/lib/apt/fetched", "");
        return Output{0, "", "W: Failed to fetch http://x/InRelease  Could not resolve 'x'\n"};
    });
    CHECK_THROWS_WITH(fetch_package_lists(host), doctest::Contains("could not be fetched: http://x/InRelease"));
    CHECK(host.text("/var/lib/apt/fetched").empty());
}
