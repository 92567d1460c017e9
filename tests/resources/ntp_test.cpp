// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

constexpr const char* unit_text = "[Service]\nExecStart=/bin/x\n[Install]\nWantedBy=sysinit.target\n";

Catalog ntp(std::initializer_list<Said> list) {
    return {declare("ntp", attributes(list))};
}

Value list_of(std::initializer_list<std::string> items) {
    return Value(Value::List(items.begin(), items.end()));
}

}  // namespace

TEST_CASE("the clock is kept by what is installed, and both halves of that go back") {
    for (const bool ran : {false, true}) {
        FakeHost host;
        host.put_directory("/etc/systemd/system/sysinit.target.wants");
        host.put_unit("systemd-timesyncd.service", unit_text, ran);
        const auto before = host.dump();
        const auto run = apply(host, ntp({{"enabled", "true"}}));
        CHECK(host.services().unit("systemd-timesyncd.service").active == "active");
        CHECK(host.look("/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service"));
        CHECK(plan_for(host, ntp({{"enabled", "true"}})).steps.empty());
        take_back(host, run);
        CHECK(host.dump() == before);
    }
}

TEST_CASE("servers are said in a drop-in, in their order, and who runs is told") {
    FakeHost host;
    host.put_unit("systemd-timesyncd.service", unit_text, true);
    const auto before = host.dump();
    const auto wish = ntp({{"servers", list_of({"b.example.org", "a.example.org"})}});
    const auto run = apply(host, wish);
    CHECK(host.text("/etc/systemd/timesyncd.conf.d/60-chaos.conf") == "[Time]\nNTP=b.example.org a.example.org\n");
    CHECK(host.controlled() == std::vector<std::string>{"restart systemd-timesyncd.service"});
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("chrony, where somebody chose it, is told in its own words") {
    FakeHost host;
    host.put_unit("systemd-timesyncd.service", unit_text);
    host.put_unit("chrony.service", unit_text);
    apply(host, ntp({{"enabled", "true"}, {"servers", list_of({"a.example.org"})}}));
    CHECK(host.text("/etc/chrony/sources.d/60-chaos.sources") == "server a.example.org iburst\n");
    CHECK(host.services().unit("chrony.service").active == "active");
    CHECK(host.services().unit("systemd-timesyncd.service").active == "inactive");
}

TEST_CASE("where nothing keeps the clock, the plan says so and the run ends there") {
    FakeHost host;
    CHECK(plan_for(host, ntp({{"enabled", "false"}})).steps.empty());
    const auto run = plan_for(host, ntp({{"enabled", "true"}}));
    CHECK(run.problems.ok());
    CHECK(run.problems.remarks().size() == 1);
    CHECK_THROWS_AS(apply(host, ntp({{"enabled", "true"}})), Error);
    CHECK_FALSE(plan_for(host, ntp({{"servers", list_of({"a b"})}})).problems.ok());
    host.put_unit("ntpsec.service", unit_text);
    CHECK_FALSE(plan_for(host, ntp({{"servers", list_of({"a"})}})).problems.ok());
}

TEST_CASE("in a container the service is enabled, and not started") {
    FakeHost host;
    host.put_directory("/etc/systemd/system/sysinit.target.wants");
    host.put_unit("systemd-timesyncd.service", unit_text);
    host.put_file("/run/systemd/container", "systemd-nspawn\n");
    const auto before = host.dump();
    const auto run = apply(host, ntp({{"enabled", "true"}}));
    CHECK(host.controlled() == std::vector<std::string>{"enable systemd-timesyncd.service"});
    CHECK(plan_for(host, ntp({{"enabled", "true"}})).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}
