// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Resource unit(const char* name, const char* content) {
    return declare("unit", attributes({{"name", name}, {"content", content}}));
}

}  // namespace

TEST_CASE("a unit is a file in /etc/systemd/system, a drop-in one in the unit's directory") {
    FakeHost host;
    apply(host, {unit("backup.timer", "[Timer]\n"), unit("nginx.service.d/10-x.conf", "[Service]\n")});
    CHECK(host.text("/etc/systemd/system/backup.timer") == "[Timer]\n");
    CHECK(host.text("/etc/systemd/system/nginx.service.d/10-x.conf") == "[Service]\n");
}

TEST_CASE("a unit without a suffix is a service") {
    CHECK(unit("backup", "").id.key == "backup.service");
    CHECK(unit("nginx.d/x.conf", "").id.key == "nginx.service.d/x.conf");
}

TEST_CASE("a unit that can be none is refused") {
    for (const char* name : {"", "/etc/x.service", "a/b", "a.service.d/x", "a.service.d/x/y.conf", "a.service.d/.conf"})
        CHECK_THROWS_AS(unit(name, ""), Error);
}

TEST_CASE("a unit that replaces a mask gives the mask back") {
    FakeHost host;
    host.put_link("/etc/systemd/system/a.service", "/dev/null");
    const auto before = host.dump();
    const auto run = apply(host, {unit("a.service", "[Service]\n")});
    CHECK(host.text("/etc/systemd/system/a.service") == "[Service]\n");
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a unit provides its name, so that a service waits for it") {
    const auto resource = unit("a.service", "");
    std::vector<Claim> claims;
    resource.type->claims(resource.wanted, claims);
    bool provides = false;
    for (const Claim& claim : claims)
        provides = provides || (claim.role == Claim::Role::provides && claim.name == "unit:a.service");
    CHECK(provides);
}
