// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/passes_boots.hpp>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

constexpr const char* installable = "[Service]\nExecStart=/bin/web\n[Install]\nWantedBy=multi-user.target\n";

Resource web(std::initializer_list<Said> more = {}, bool absent = false) {
    auto said = attributes(more);
    said.push_back({Value("name"), Value("web.service")});
    return declare("service", std::move(said), absent);
}

std::string problem(const SmallRun& run) {
    return run.problems.ok() ? "" : run.problems.errors().front().what();
}

using Verbs = std::vector<std::string>;

}  // namespace

TEST_CASE("a service is enabled and running unless something else is said, and comes back as it was") {
    FakeHost host;
    host.put_unit("web.service", installable);
    host.put_directory("/etc/systemd/system/multi-user.target.wants");
    const auto before = host.dump();
    const auto run = apply(host, {web()});
    CHECK(host.controlled() == Verbs{"enable web.service", "start web.service"});
    CHECK(plan_for(host, {web()}).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a service without its suffix is the same one") {
    CHECK(web().id.key == "web");
}

TEST_CASE("a service that is left open in one thing keeps it") {
    FakeHost host;
    host.put_unit("web.service", installable, true);
    CHECK(plan_for(host, {web({{"enabled", "false"}})}).steps.empty());
    host.put_unit("idle.service", installable);
    auto idle = declare("service", attributes({{"name", "idle"}, {"enabled", "false"}, {"running", "false"}}));
    CHECK(plan_for(host, {idle}).steps.empty());
}

TEST_CASE("a service that is absent is neither enabled nor running, and then nothing is left to do") {
    FakeHost host;
    host.put_unit("web.service", installable, true);
    apply(host, {web({}, true)});
    CHECK(host.services().unit("web.service").active == "inactive");
    CHECK(plan_for(host, {web({}, true)}).steps.empty());
}

TEST_CASE("a service that neither starts nor runs is as one that is not there, and no other is") {
    const Resource off = web({{"enabled", "false"}, {"running", "false"}});
    CHECK(off.type->is_as_absent(off.wanted));
    for (const char* on : {"enabled", "running", "masked"}) {
        CAPTURE(on);
        const Resource service = web({{"enabled", on == std::string("enabled") ? "true" : "false"},
                                      {"running", on == std::string("running") ? "true" : "false"},
                                      {"masked", on == std::string("masked") ? "true" : "false"}});
        CHECK_FALSE(service.type->is_as_absent(service.wanted));
    }
}

TEST_CASE("a masked service is stopped, keeps its links, and comes back") {
    FakeHost host;
    host.put_unit("web.service", installable);
    apply(host, {web()});
    const auto before = host.dump();
    const auto run = apply(host, {web({{"masked", "true"}})});
    CHECK(host.services().unit("web.service").active == "inactive");
    CHECK(plan_for(host, {web({{"masked", "true"}})}).steps.empty());
    CHECK(problem(plan_for(host, {web()})) == "web.service is masked: nothing can start it");
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("what somebody masked since does not keep its enabling from being taken back, and stays masked") {
    FakeHost host;
    host.put_unit("web.service", installable);
    const auto run = apply(host, {web()});
    host.control(UnitVerb::mask, "web.service");
    take_back(host, run);
    CHECK_FALSE(host.look("/etc/systemd/system/multi-user.target.wants/web.service"));
    CHECK(host.services().unit("web.service").active == "inactive");
    CHECK(host.services().unit("web.service").load == "masked");
}

TEST_CASE("a service that can not be enabled, or not be kept running, is refused with the plan") {
    FakeHost host;
    host.put_unit("web.service", "[Service]\nExecStart=/bin/web\n");
    CHECK(problem(plan_for(host, {web()})) == "web.service can not be enabled: its unit file has no [Install] section");
    CHECK(problem(plan_for(host, {web({{"enabled", "false"}})})).empty());
    host.put_unit("web.service",
                  "[Service]\nType=oneshot\nExecStart=/bin/web\n[Install]\nWantedBy=multi-user.target\n");
    CHECK(problem(plan_for(host, {web()})) == "web.service does its work once and ends: it can not be kept running");
}

TEST_CASE("a service whose unit is not there yet is planned, with a remark") {
    const FakeHost host;
    const auto run = plan_for(host, {web()});
    REQUIRE(run.steps.size() == 1);
    CHECK(run.problems.ok());
    Diagnostics said;
    const View view(host);
    run.steps[0].type->check(view, run.steps[0].changes, said);
    CHECK(said.ok());
    CHECK(said.remarks().size() == 1);
}

TEST_CASE("a service that runs is restarted or reloaded for what it watches; none is started by it") {
    FakeHost host;
    host.put_unit("web.service", "[Service]\nExecReload=/bin/kill\n[Install]\nWantedBy=multi-user.target\n", true);
    const auto react = [&host](std::initializer_list<Said> more) {
        const auto verbs = host.controlled().size();
        const auto resource = web(more);
        const State now = resource.wanted.with_inputs(digest("old"));
        const Change change{resource.id, now, now.with_inputs(digest("new"))};
        resource.type->apply_all(host, std::span(&change, 1));
        return Verbs(host.controlled().begin() + static_cast<std::ptrdiff_t>(verbs), host.controlled().end());
    };
    const Said disabled{"enabled", "false"};
    CHECK(react({disabled}) == Verbs{"restart web.service"});
    CHECK(react({disabled, {"on_change", "reload"}}) == Verbs{"reload web.service"});
    CHECK(react({disabled, {"on_change", "none"}}).empty());
    CHECK(react({disabled, {"running", "false"}}) == Verbs{"stop web.service"});
    CHECK(react({disabled, {"running", "false"}}).empty());
    CHECK(react({disabled}) == Verbs{"start web.service"});  // started just now: it has read it all
}

TEST_CASE("a service watches its own unit, and comes after the file of it") {
    std::vector<Claim> claims;
    const auto resource = web();
    resource.type->claims(resource.wanted, claims);
    REQUIRE(claims.size() == 2);
    CHECK(claims[0].role == Claim::Role::needs);
    CHECK(claims[0].name == "path:/etc/systemd/system/web.service");
    CHECK(claims[1].role == Claim::Role::watches);
    CHECK(claims[1].name == "unit:web.service");
}

TEST_CASE("a service watches what parts there are of its unit, of its template and of its family") {
    const auto watches = [](const char* service, const char* part) {
        FakeHost host;
        const auto run = plan_for(host, {declare("service", attributes({{"name", service}})),
                                         declare("unit", attributes({{"name", part}, {"content", "[Service]\n"}}))});
        return run.catalog[0].watches == std::vector<std::uint32_t>{1};
    };
    CHECK(watches("web", "web.service.d/x.conf"));
    CHECK(watches("web@1", "web@1.service.d/x.conf"));
    CHECK(watches("web@1", "web@.service.d/x.conf"));
    CHECK(watches("web@1", "web@.service"));
    CHECK(watches("web-front-1", "web-front-.service.d/x.conf"));
    CHECK_FALSE(watches("web", "other.service.d/x.conf"));
    CHECK_FALSE(watches("web", "web.timer.d/x.conf"));
}

TEST_CASE("a service watches all parts of its unit, not only one of them") {
    FakeHost host;
    const auto part = [](const char* name) {
        return declare("unit", attributes({{"name", name}, {"content", "[Service]\n"}}));
    };
    const auto run =
        plan_for(host, {web(), part("web.service"), part("web.service.d/a.conf"), part("web.service.d/b.conf")});
    CHECK(run.catalog[0].watches == std::vector<std::uint32_t>{1, 2, 3});
}

TEST_CASE("a service whose name systemd would refuse is none, and nor is a template") {
    const auto named = [](std::string_view name) {
        return declare("service", attributes({{"name", Value(std::string(name))}}));
    };
    for (const char* name : {"", "@", "@1", "a b", "a/b", "a\nb", "w\xc3\xa4rme", "a$b", ".service"})
        CHECK_THROWS_AS(named(name), Error);
    CHECK_THROWS_AS(named(std::string(248, 'a')), Error);
    CHECK_NOTHROW(named(std::string(247, 'a')));
    for (const char* name : {"getty@", "getty@.service", "backup@.timer"}) {
        CAPTURE(name);
        CHECK_THROWS_WITH_AS(named(name), doctest::Contains("template"), Error);
    }
    for (const char* name : {"getty@tty1", "dev-disk-by\\x2dlabel-x.swap", "a:b_c.d", "user@1000.service"})
        CHECK_NOTHROW(named(name));
}

TEST_CASE("a service runs after a boot where it starts at boot, whatever it did before") {
    FakeHost host;
    host.put_unit("web.service", installable);
    const View view(host);
    const auto runs = [&](std::initializer_list<Said> said, const char* unknown = nullptr) {
        const auto resource = web(said);
        const Schema& schema = resource.type->schema();
        const auto spec = schema.clone(resource.wanted.spec());
        if (unknown) schema.find(unknown)->clear(spec.get());
        const State after = after_boot(*resource.type, view, State(spec, {}));
        const Field* running = schema.find("running");
        return running->given(after.spec()) ? running->get(after.spec()) : Value();
    };
    CHECK(runs({{"enabled", "false"}, {"running", "true"}}) == Value("false"));
    CHECK(runs({{"enabled", "true"}, {"running", "false"}}) == Value("true"));
    CHECK(runs({{"running", "true"}}, "enabled") == Value("false"));  // as it is enabled now
    CHECK(runs({{"enabled", "true"}}, "running").is_null());
    CHECK(runs({{"masked", "true"}, {"running", "false"}}) == Value("false"));
}
