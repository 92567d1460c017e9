// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Catalog linked(const char* path, const char* to, bool absent = false) {
    return {declare("link", attributes({{"path", path}, {"to", to}}), absent)};
}

}  // namespace

TEST_CASE("a link is made, led elsewhere and put back") {
    FakeHost host;
    apply(host, linked("/srv/a/current", "v1"));
    const auto before = host.dump();
    const auto run = apply(host, linked("/srv/a/current", "v2"));
    std::string target;
    CHECK(host.look("/srv/a/current", &target).kind == Entry::Kind::link);
    CHECK(target == "v2");
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a link does not replace a file") {
    FakeHost host;
    host.put_file("/etc/a", "x");
    const auto run = plan_for(host, linked("/etc/a", "b"));
    REQUIRE_FALSE(run.problems.ok());
    CHECK(run.problems.errors()[0].what() == std::string("/etc/a is there already and no symbolic link"));
}

TEST_CASE("a link that is to be absent goes, and what it leads to stays") {
    FakeHost host;
    host.put_file("/etc/b", "x");
    host.put_link("/etc/a", "b");
    apply(host, linked("/etc/a", "b", true));
    CHECK_FALSE(host.look("/etc/a"));
    CHECK(host.text("/etc/b") == "x");
}

TEST_CASE("a link with an empty target is a problem") {
    FakeHost host;
    CHECK_FALSE(plan_for(host, linked("/etc/a", "")).problems.ok());
}
