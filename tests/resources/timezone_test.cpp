// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Catalog zone(const char* name) {
    return {declare("timezone", attributes({{"name", name}}))};
}

FakeHost debian() {
    FakeHost host;
    host.put_file("/etc/debian_version", "12.0\n");
    host.put_file("/usr/share/zoneinfo/Europe/Rome", "TZif");
    host.put_file("/usr/share/zoneinfo/Etc/UTC", "TZif");
    return host;
}

}  // namespace

TEST_CASE("a timezone is a link and, on Debian, a name in a file; both go back") {
    FakeHost host = debian();
    host.put_link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC");
    host.put_file("/etc/timezone", "Etc/UTC\n");
    const auto before = host.dump();
    const auto run = apply(host, zone("Europe/Rome"));
    std::string target;
    host.look("/etc/localtime", &target);
    CHECK(target == "../usr/share/zoneinfo/Europe/Rome");
    CHECK(host.text("/etc/timezone") == "Europe/Rome\n");
    CHECK(plan_for(host, zone("Europe/Rome")).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a timezone where there was none, or a copy of the rules, goes back to that") {
    FakeHost host = debian();
    for (int copied = 0; copied < 2; ++copied) {
        if (copied) host.put_file("/etc/localtime", "TZif2 rules");
        const auto before = host.dump();
        const auto run = apply(host, zone("Europe/Rome"));
        CHECK(host.look("/etc/localtime").kind == Entry::Kind::link);
        take_back(host, run);
        CHECK(host.dump() == before);
    }
}

TEST_CASE("a timezone whose link and file disagree is mended") {
    FakeHost host = debian();
    host.put_link("/etc/localtime", "../usr/share/zoneinfo/Europe/Rome");
    host.put_file("/etc/timezone", "Etc/UTC\n");
    const auto before = host.dump();
    const auto run = apply(host, zone("Europe/Rome"));
    CHECK(host.text("/etc/timezone") == "Europe/Rome\n");
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a timezone that does not exist is a problem where zones are there, and a remark where none is") {
    for (const char* name : {"Europe/Roma", "/etc/passwd", "../../etc/passwd", ""})
        CHECK_FALSE(plan_for(debian(), zone(name)).problems.ok());
    FakeHost bare;
    const auto run = plan_for(bare, zone("Europe/Rome"));
    CHECK(run.problems.ok());
    CHECK(run.problems.remarks().size() == 1);
}
