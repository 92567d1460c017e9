// SPDX-License-Identifier: Apache-2.0
// The laws, for the kinds that call tools: only on a host that is thrown away (CHAOS_REAL_HOST=1 says that this is
// one).
#include <doctest/doctest.h>

#include <chaos/plan.hpp>
#include <chaos/registry.hpp>
#include <chaos/system/accounts.hpp>
#include <chaos/system/packages.hpp>
#include <chaos/system/units.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "support/direct_host.hpp"

using namespace chaos;
using test::DirectHost;

namespace {

/// True, with the reason printed, where this is no throw-away host. Then nothing is touched.
bool skipped() {
    const char* said = std::getenv("CHAOS_REAL_HOST");
    if (said && std::string(said) == "1") return false;
    std::cout << "skipped: not a throw-away host (./dev host runs this with CHAOS_REAL_HOST=1)\n";
    return true;
}

std::string show(const std::vector<Error>& errors) {
    std::string text;
    for (const Error& error : errors) text += std::string(error.what()) + "; ";
    return text;
}

const ResourceType& kind(std::string_view name) {
    for (const auto* type : builtin_types())
        if (type->schema().name == name) return *type;
    throw Error("no kind " + std::string(name));
}

struct Wanted {
    std::string type, json;
    bool absent = false;
};

/// A small site: what the engine does between a manifest and a transaction, straight on the host.
struct SiteHere {
    Catalog catalog;
    States observed, goal;
    Diagnostics problems;

    SiteHere(DirectHost& host, const std::vector<Wanted>& wishes) {
        for (const auto& [name, json, absent] : wishes) {
            const auto& type = kind(name);
            Resource resource;
            resource.type = &type;
            resource.wanted = decode(type.schema(), from_json(json), problems);
            REQUIRE_MESSAGE(problems.ok(), show(problems.errors()));
            resource.id = {type.schema().name, type.schema().key()->get(resource.wanted.spec()).text()};
            resource.absent = absent;
            catalog.push_back(std::move(resource));
        }
        const View view(host);
        observed = observe(catalog, view, problems, 1, true);
        const View again(host);
        goal = resolve(catalog, again, observed, problems);
    }

    Plan plan_there() { return plan(catalog, Graph(catalog.size(), {}), observed, goal); }
};

/// As found now, by the wishes of these changes.
std::vector<State> look_at(DirectHost& host, const Step& step) {
    std::vector<Wish> wishes;
    for (const Change& change : step.changes) wishes.push_back({change.after ? change.after : change.before, false});
    std::vector<State> found(wishes.size());
    const View view(host);
    step.type->observe_all(view, wishes, found);
    return found;
}

/// What was planned, and whether it is pinned: that is seen of what nobody wished it for, too (a package's hold).
State with_pins_of(const Schema& schema, const State& after, const State& found) {
    if (!after || !found) return after;
    const auto spec = schema.clone(after.spec());
    for (const Field& field : schema.fields)
        if (field.pins && !field.given(after.spec()) && field.given(found.spec())) field.copy(spec.get(), found.spec());
    return State(spec, after.inputs());
}

/// Applies; checks that what was planned is there, twice; takes it back, twice. What /etc/passwd and others said before
/// must then be what they say again.
void laws(const std::vector<Wanted>& wishes, bool take_back = true) {
    DirectHost host;
    SiteHere site(host, wishes);
    REQUIRE_MESSAGE(site.problems.ok(), show(site.problems.errors()));
    const auto steps = site.plan_there();
    REQUIRE(!steps.empty());
    for (int round = 0; round < 2; ++round)  // a second time ends the same
        for (const Step& step : steps) {
            step.type->apply_all(host, step.changes);
            const auto found = look_at(host, step);
            for (std::size_t i = 0; i < found.size(); ++i) {
                INFO(to_text(step.changes[i].id) << " is " << to_json(encode(step.type->schema(), found[i])) << ", not "
                                                 << to_json(encode(step.type->schema(), step.changes[i].after)));
                CHECK(same(step.type->schema(), found[i].with_inputs(step.changes[i].after.inputs()),
                           with_pins_of(step.type->schema(), step.changes[i].after, found[i])));
            }
        }
    SiteHere again(host, wishes);
    CHECK(again.problems.ok());
    CHECK(again.plan_there().empty());
    if (!take_back) return;
    for (int round = 0; round < 2; ++round)
        for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
            std::vector<Change> inverse;
            for (const Change& change : step->changes) inverse.push_back(change.inverse());
            step->type->undo_all(host, inverse);
        }
    SiteHere back(host, wishes);
    for (std::size_t i = 0; i < wishes.size(); ++i) {
        INFO(to_text(back.catalog[i].id) << " is "
                                         << to_json(encode(back.catalog[i].type->schema(), back.observed[i])));
        CHECK(same(back.catalog[i].type->schema(), back.observed[i], site.observed[i]));
    }
}

std::string text(const std::string& path) {
    DirectHost host;
    std::string found;
    host.look(path, &found);
    return found;
}

void run(std::vector<std::string> argv) {
    DirectHost host;
    const Command command{std::move(argv)};
    const auto output = host.run(command);
    REQUIRE_MESSAGE(output.status == 0, failed(command, output).what());
}

}  // namespace

TEST_CASE("a user comes and goes, and the account files are as they were") {
    if (skipped()) return;
    const auto passwd = text("/etc/passwd"), shadow = text("/etc/shadow"), group = text("/etc/group"),
               gshadow = text("/etc/gshadow"), subuid = text("/etc/subuid");
    laws(
        {{"user",
          R"({"name":"calla","groups":["users","games"],"shell":"sh","comment":"Calla Q","password":"$6$salt$hash"})"}});
    CHECK(text("/etc/passwd") == passwd);
    CHECK(text("/etc/shadow") == shadow);
    CHECK(text("/etc/group") == group);
    CHECK(text("/etc/gshadow") == gshadow);
    CHECK(text("/etc/subuid") == subuid);
    CHECK(!DirectHost().look("/home/calla"));
}

TEST_CASE("a system user has no home, and no password in any argv") {
    if (skipped()) return;
    laws({{"user", R"({"name":"callsys","system":"true"})"}});
    DirectHost host;
    SiteHere site(host, {{"user", R"({"name":"callb","password":"$6$salt$secret"})"}});
    for (const auto& step : site.plan_there()) step.type->apply_all(host, step.changes);
    for (const auto& argv : host.ran)
        for (const auto& word : argv) CHECK(word.find("secret") == word.npos);
    CHECK(text("/etc/shadow").find("callb:$6$salt$secret:") != std::string::npos);
    laws({{"user", R"({"name":"callb"})", true}});  // away, and back with ids, password and aging
    CHECK(text("/etc/shadow").find("callb:$6$salt$secret:") != std::string::npos);
    laws({{"user", R"({"name":"callb","shell":"/bin/sh","groups":["games"],"comment":"B"})"}});
    laws({{"user", R"({"name":"callb"})", true}}, false);
    CHECK(DirectHost().look("/home/callb"));  // data stays
}

TEST_CASE("a half-made user is made whole") {
    if (skipped()) return;
    DirectHost host;
    SiteHere site(host, {{"user", R"({"name":"half","groups":["games"]})"}});
    const auto steps = site.plan_there();
    const auto& goal = site.goal[0];
    const auto uid = goal ? to_json(kind("user").schema().find("uid")->get(goal.spec())) : "";
    const auto number = uid.substr(1, uid.size() - 2);
    for (int lines = 1; lines < 4; ++lines) {
        std::ofstream("/etc/passwd", std::ios::app) << "half:x:" << number << ":100::/home/half:/bin/sh\n";
        if (lines > 1) std::ofstream("/etc/shadow", std::ios::app) << "half:!:19000:0:99999:7:::\n";
        if (lines > 2) run({"mkdir", "-p", "/home/half"});
        for (const auto& step : steps) step.type->apply_all(host, step.changes);
        CHECK(same(kind("user").schema(), look_at(host, steps[0])[0], goal));
        CHECK(host.look("/home/half/.profile"));
        for (const auto& step : steps) {
            const std::vector<Change> inverse{step.changes[0].inverse()};
            step.type->undo_all(host, inverse);
        }
        CHECK(text("/etc/passwd").find("half:") == std::string::npos);
        CHECK(text("/etc/shadow").find("half:") == std::string::npos);
        CHECK(text("/etc/group").find("half") == std::string::npos);
        CHECK(!host.look("/home/half"));
    }
}

TEST_CASE("root is never removed") {
    if (skipped()) return;
    DirectHost host;
    CHECK(!SiteHere(host, {{"user", R"({"name":"root"})", true}}).problems.ok());
    CHECK(!SiteHere(host, {{"group", R"({"name":"root"})", true}}).problems.ok());
}

TEST_CASE("a group comes, gains members, and goes") {
    if (skipped()) return;
    const auto group = text("/etc/group"), gshadow = text("/etc/gshadow");
    laws({{"group", R"({"name":"callers","gid":"4242","members":["root","daemon"]})"}});
    laws({{"group", R"({"name":"callsys","system":"true"})"}});
    laws({{"group", R"({"name":"games","members":["daemon"]})"}});
    CHECK(text("/etc/group") == group);
    CHECK(text("/etc/gshadow") == gshadow);
}

TEST_CASE("a service is stopped, disabled and masked, and comes back") {
    if (skipped()) return;
    run({"systemctl", "enable", "--now", "cron"});
    laws({{"service", R"({"name":"cron","running":"false"})"}});
    laws({{"service", R"({"name":"cron","enabled":"false","running":"false"})"}});
    laws({{"service", R"({"name":"cron","masked":"true"})"}});
    laws({{"service", R"({"name":"cron"})", true}});
    run({"systemctl", "is-active", "cron"});
    run({"systemctl", "is-enabled", "cron"});
}

TEST_CASE("a service that watches is restarted, and one that was stopped is not started by it") {
    if (skipped()) return;
    DirectHost host;
    SiteHere site(host, {{"service", R"({"name":"cron"})"}});
    Change change{site.catalog[0].id, site.observed[0], site.observed[0].with_inputs(digest("new"))};
    REQUIRE(change.triggered());
    const auto before = host.services().unit("cron.service").invocation;
    site.catalog[0].type->apply_all(host, std::span(&change, 1));
    const auto after = host.services().unit("cron.service");
    CHECK(after.invocation != before);
    CHECK(after.active == "active");
    run({"systemctl", "stop", "cron"});
    SiteHere stopped(host, {{"service", R"({"name":"cron","running":"false"})"}});
    Change quiet{stopped.catalog[0].id, stopped.observed[0], stopped.observed[0].with_inputs(digest("new"))};
    stopped.catalog[0].type->apply_all(host, std::span(&quiet, 1));
    CHECK(host.services().unit("cron.service").active == "inactive");
    run({"systemctl", "start", "cron"});
}

TEST_CASE("what is enabled agrees with systemctl for every unit file") {
    if (skipped()) return;
    DirectHost host;
    const View view(host);
    const auto& units = view.once<Units>();
    const auto listed = host.run({{"systemctl", "list-unit-files", "--no-legend", "--no-pager", "--plain"}});
    std::istringstream lines(listed.out);
    std::size_t compared = 0;
    for (std::string name, state, preset, line; std::getline(lines, line);) {
        std::istringstream(line) >> name >> state >> preset;
        if (state != "enabled" && state != "disabled") continue;
        if (name.find("@.") != name.npos) continue;  // systemctl also counts a template's DefaultInstance
        INFO(line);
        CHECK(units.starts(host, name) == (state == "enabled"));
        ++compared;
    }
    CHECK(compared > 5);
}

TEST_CASE("packages come with what they need, and all of it is purged again") {
    if (skipped()) return;
    run({"apt-get", "-q", "update"});
    const auto states = text("/var/lib/apt/extended_states");
    const auto began = std::chrono::steady_clock::now();
    DirectHost host;
    SiteHere site(host, {{"package", R"({"name":"hello"})"}, {"package", R"({"name":"cowsay"})"}});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    MESSAGE("planning two packages took " << took.count() << " s");
    CHECK(site.catalog.size() > 2);  // cowsay needs perl's libraries
    laws({{"package", R"({"name":"hello"})"}, {"package", R"({"name":"cowsay"})"}});
    const View view(host);
    CHECK(!view.once<Packages>().find("cowsay"));
    for (std::size_t i = 2; i < site.catalog.size(); ++i)
        if (!site.observed[i]) CHECK(!view.once<Packages>().find(site.catalog[i].id.key));
}

TEST_CASE("a package goes and comes back at its version; marks and holds as well") {
    if (skipped()) return;
    run({"apt-get", "-q", "-y", "install", "hello"});
    laws({{"package", R"({"name":"hello","hold":"true"})"}});
    laws({{"package", R"({"name":"hello"})", true}});
    run({"apt-mark", "auto", "hello"});
    laws({{"package", R"({"name":"hello"})"}});
    CHECK(DirectHost().run({{"apt-mark", "showauto", "hello"}}).out == "hello\n");
    run({"apt-get", "-q", "-y", "purge", "hello"});
}

TEST_CASE("an unknown package is an error with apt's words, each at its own") {
    if (skipped()) return;
    DirectHost host;
    SiteHere site(host, {{"package", R"({"name":"hello"})"},
                         {"package", R"({"name":"no-such-package"})"},
                         {"package", R"({"name":"cowsay","version":"0.0-0"})"}});
    CHECK(!site.problems.ok());
    CHECK(show(site.problems.errors()).find("no-such-package") != std::string::npos);
}

TEST_CASE("a half-configured package is made whole") {
    if (skipped()) return;
    run({"apt-get", "-q", "-y", "-d", "install", "hello"});
    run({"sh", "-c", "dpkg --unpack /var/cache/apt/archives/hello_*.deb"});
    DirectHost host;
    SiteHere site(host, {{"package", R"({"name":"hello"})"}});
    const auto steps = site.plan_there();
    REQUIRE(steps.size() == 1);
    steps[0].type->apply_all(host, steps[0].changes);
    CHECK(SiteHere(host, {{"package", R"({"name":"hello"})"}}).plan_there().empty());
    run({"apt-get", "-q", "-y", "purge", "hello"});
}
