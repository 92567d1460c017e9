// SPDX-License-Identifier: Apache-2.0
#include "support/fake_host.hpp"

#include <doctest/doctest.h>

using namespace chaos;
using namespace chaos::test;

TEST_CASE("a fake host queues what is written until it is published") {
    FakeHost host;
    const auto before = host.dump();
    host.write("/etc/a", Content("x"), {});
    CHECK(host.look("/etc/a"));
    CHECK(host.dump() == before);
    host.publish();
    CHECK(host.text("/etc/a") == "x");
    CHECK(host.changes() == 1);
    host.write("/etc/a", Content("x"), {});
    CHECK(host.queued() == 0);
}

TEST_CASE("a fake host that fails while publishing shows nothing of it, one that crashes what came before") {
    for (const bool crash : {false, true}) {
        FakeHost host;
        host.write("/etc/a", Content("a"), {});
        host.write("/etc/b", Content("b"), {});
        crash ? host.crash_at(2) : host.fail_at(2);
        if (crash)
            CHECK_THROWS_AS(host.publish(), Crash);
        else
            CHECK_THROWS_AS(host.publish(), Error);
        CHECK(bool(host.look("/etc/a")) == crash);
        CHECK_FALSE(host.look("/etc/b"));
    }
}

TEST_CASE("a fake host's file systems each lose their own last names when the power is cut") {
    FakeHost host;
    host.mount("/var");
    host.sync();
    for (const char* path : {"/etc/a", "/var/a", "/etc/b", "/var/b"}) host.write(path, Content("x"), {});
    host.publish();
    host.put_file("/etc/c", "never synced");
    REQUIRE(host.pending().size() == 2);
    const auto var = host.look("/var/a").device;
    FakeHost other = host;
    host.cut([var](std::uint64_t device, std::size_t) { return device == var ? 1U : 9U; });
    CHECK(host.look("/var/a"));
    CHECK_FALSE(host.look("/var/b"));
    CHECK(host.text("/etc/b") == "x");
    CHECK(host.text("/etc/c").empty());
    other.sync();
    other.cut([](std::uint64_t, std::size_t) { return 0U; });
    CHECK(other.text("/etc/c") == "never synced");
}

TEST_CASE("a fake host's questions leave nothing behind") {
    FakeHost host;
    host.put_command("touch", [](FakeHost& h, const Command& c) { return h.put_file(c.argv[1], ""), Output{}; });
    CHECK(host.ask({.argv = {"touch", "/etc/a"}}).status == 0);
    CHECK_FALSE(host.look("/etc/a"));
    CHECK(host.run({.argv = {"touch", "/etc/a"}}).status == 0);
    CHECK(host.look("/etc/a"));
    CHECK(host.run({.argv = {"nonsense"}}).status == 127);
}

TEST_CASE("a fake host's units start, are enabled by links and want a daemon-reload after an edit") {
    FakeHost host;
    host.put_unit("a.service", "[Service]\nExecReload=/bin/true\n[Install]\nWantedBy=multi-user.target\n");
    host.control(UnitVerb::enable, "a.service");
    CHECK(host.look("/etc/systemd/system/multi-user.target.wants/a.service").kind == Entry::Kind::link);
    host.control(UnitVerb::start, "a.service");
    const auto first = host.services().unit("a.service");
    CHECK(first.active == "active");
    host.make_directory("/etc/systemd/system/a.service.d", {.mode = 0755});
    host.write("/etc/systemd/system/a.service.d/x.conf", Content("[Service]\n"), {});
    host.publish();
    CHECK(host.services().unit("a.service").stale);
    host.control(UnitVerb::reload, "a.service");
    CHECK(host.daemon_reloads() == 1);
    CHECK(host.services().unit("a.service").invocation == first.invocation);
    host.control(UnitVerb::restart, "a.service");
    CHECK(host.services().unit("a.service").invocation != first.invocation);
    host.control(UnitVerb::stop, "a.service");
    host.control(UnitVerb::mask, "a.service");
    CHECK_THROWS_AS(host.control(UnitVerb::start, "a.service"), Error);
}
