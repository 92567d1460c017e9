// SPDX-License-Identifier: Apache-2.0
// What needs a service manager skips itself where there is none, and changes the host: it runs only where
// CHAOS_TEST_HOST says that this is a host to be thrown away.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <chaos/bus.hpp>
#include <chaos/fence.hpp>
#include <chaos/process.hpp>
#include <chaos/root_host.hpp>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "scratch.hpp"

using namespace chaos;

namespace {

const char* const unit_directory = "/etc/systemd/system";

bool on_test_host(const SystemdServices& services) {
    if (!services.answers())
        MESSAGE("skipped: no systemd answers here");
    else if (!std::getenv("CHAOS_TEST_HOST"))
        MESSAGE("skipped: CHAOS_TEST_HOST does not say that this host may be changed");
    else
        return true;
    return false;
}

/// A unit file of the test; gone with it.
struct UnitFile {
    std::string name;
    SystemdServices& services;
    UnitFile(SystemdServices& manager, std::string unit, const std::string& text)
        : name(std::move(unit)), services(manager) {
        write(text);
        services.daemon_reload();
    }
    ~UnitFile() {
        ::unlink(path().c_str());
        services.daemon_reload();
    }
    UnitFile(const UnitFile&) = delete;
    std::string path() const { return std::string(unit_directory) + "/" + name; }
    void write(const std::string& text) const { std::ofstream(path()) << text; }
};

std::string sleeper(const std::string& more = {}) {
    return "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n" + more +
           "[Install]\nWantedBy=multi-user.target\n";
}

}  // namespace

TEST_CASE("without systemd nothing answers, and looking at units is an error that says so") {
    const SystemdServices services;
    if (::access("/run/systemd/system", F_OK) == 0) {
        MESSAGE("skipped: systemd runs here");
        return;
    }
    CHECK_FALSE(services.answers());
    try {
        services.units();
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(std::string(error.what()).starts_with("can not reach systemd: "));
    }
}

TEST_CASE("units are listed, and one that is not there is not found") {
    const SystemdServices services;
    if (!services.answers()) {
        MESSAGE("skipped: no systemd answers here");
        return;
    }
    const std::vector<Unit> units = services.units();
    const auto slice = std::find_if(units.begin(), units.end(), [](const Unit& u) { return u.name == "-.slice"; });
    REQUIRE(slice != units.end());
    CHECK(slice->load == "loaded");
    CHECK(slice->active == "active");
    CHECK(services.unit("chaos-no-such.service").load == "not-found");
    CHECK(services.unit("systemd-journald.service").invocation.size() == 32);
    CHECK_THROWS_AS(services.unit("not a unit"), Error);
}

TEST_CASE("a thread that may not write can look at units") {
    const SystemdServices services;
    if (!services.answers()) {
        MESSAGE("skipped: no systemd answers here");
        return;
    }
    std::size_t seen = 0;
    std::thread([&] {
        forbid_writes();
        seen = SystemdServices().units().size();
    }).join();
    CHECK(seen > 10);
}

TEST_CASE("a service is started, reloaded, restarted and stopped, each waited for") {
    SystemdServices services;
    if (!on_test_host(services)) return;
    const UnitFile file(services, "chaos-test.service", sleeper());
    CHECK(services.unit(file.name).active == "inactive");
    CHECK(services.unit(file.name).started_us == 0);

    services.control(UnitVerb::start, file.name);
    const Unit started = services.unit(file.name);
    CHECK(started.active == "active");
    CHECK(started.sub == "running");
    CHECK(started.can_reload);
    CHECK_FALSE(started.stale);
    CHECK(started.invocation.size() == 32);
    CHECK(started.started_us > 0);

    services.control(UnitVerb::reload, file.name);
    CHECK(services.unit(file.name).invocation == started.invocation);
    services.control(UnitVerb::restart, file.name);
    const Unit restarted = services.unit(file.name);
    CHECK(restarted.invocation != started.invocation);
    CHECK(restarted.started_us > started.started_us);
    services.control(UnitVerb::stop, file.name);
    CHECK(services.unit(file.name).active == "inactive");
    CHECK(services.unit(file.name).started_us == 0);
}

TEST_CASE("a unit file edited since it was read is stale until the manager is reloaded") {
    SystemdServices services;
    if (!on_test_host(services)) return;
    const UnitFile file(services, "chaos-test.service", sleeper());
    services.control(UnitVerb::start, file.name);
    // Its time must differ: by an hour, so that no clock is too coarse.
    file.write(sleeper("Environment=A=1\n"));
    timespec times[2]{};
    ::clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec += 3600;
    times[1] = times[0];
    ::utimensat(AT_FDCWD, file.path().c_str(), times, 0);
    CHECK(services.unit(file.name).stale);
    services.daemon_reload();
    CHECK_FALSE(services.unit(file.name).stale);
    services.control(UnitVerb::stop, file.name);
}

TEST_CASE("a service that can not start is an error with its result and where to read more") {
    SystemdServices services;
    if (!on_test_host(services)) return;
    const UnitFile file(services, "chaos-fails.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 7'\n");
    try {
        services.control(UnitVerb::start, file.name);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(
            std::string(error.what()) ==
            "can not start chaos-fails.service: its job ended with \"failed\"; its result is exit-code, exit status 7");
        CHECK(error.hint == "journalctl -u chaos-fails.service");
    }
    CHECK(services.unit(file.name).active == "failed");
    CHECK_THROWS_WITH_AS(services.control(UnitVerb::start, "chaos-no-such.service"),
                         "can not start chaos-no-such.service: Unit chaos-no-such.service not found.", Error);
}

TEST_CASE("a service that ends at once did not start, however quickly its job was done") {
    SystemdServices services;
    if (!on_test_host(services)) return;
    const UnitFile fails(services, "chaos-dies.service", "[Service]\nExecStart=/bin/false\n");
    for (int attempt = 0; attempt < 3; ++attempt)
        CHECK_THROWS_WITH_AS(services.control(UnitVerb::start, fails.name),
                             "can not start chaos-dies.service: it ended at once; its result is exit-code, exit "
                             "status 1",
                             Error);
    const UnitFile again(services, "chaos-dies-on.service",
                         "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=1ms\n");
    CHECK_THROWS_WITH_AS(services.control(UnitVerb::start, again.name), doctest::Contains("it ended at once"), Error);
    const std::string left = services.unit(again.name).active;
    CHECK((left == "inactive" || left == "failed"));  // it is not restarted any more
    const UnitFile well(services, "chaos-ends.service", "[Service]\nExecStart=/bin/true\n");
    services.control(UnitVerb::start, well.name);
    CHECK(services.unit(well.name).active == "inactive");
}

TEST_CASE("a start that takes longer than one waits is an error") {
    SystemdServices services;
    if (!on_test_host(services)) return;
    const UnitFile file(services, "chaos-slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 100\n");
    CHECK_THROWS_WITH_AS(services.control(UnitVerb::start, file.name, 1),
                         "can not start chaos-slow.service: it was not done after 1 s", Error);
    services.control(UnitVerb::stop, file.name);
    CHECK(services.unit(file.name).active != "activating");
}

TEST_CASE("units are enabled, disabled, masked and unmasked, and the links are told") {
    SystemdServices services;
    if (!on_test_host(services)) return;
    const UnitFile file(services, "chaos-test.service", sleeper());
    const std::string link = std::string(unit_directory) + "/multi-user.target.wants/" + file.name;
    auto links = services.control(UnitVerb::enable, file.name);
    REQUIRE(links.size() == 1);
    CHECK(links[0].made);
    CHECK(links[0].path == link);
    CHECK(links[0].target == file.path());
    CHECK(services.control(UnitVerb::enable, file.name).empty());
    links = services.control(UnitVerb::disable, file.name);
    REQUIRE(links.size() == 1);
    CHECK_FALSE(links[0].made);
    CHECK(links[0].path == link);
    CHECK(::access(link.c_str(), F_OK) != 0);

    links = services.control(UnitVerb::mask, "chaos-masked.service");
    REQUIRE(links.size() == 1);
    CHECK(links[0].target == "/dev/null");
    CHECK(services.unit("chaos-masked.service").load == "masked");
    CHECK(services.control(UnitVerb::unmask, "chaos-masked.service").size() == 1);
    CHECK(services.unit("chaos-masked.service").load == "not-found");

    CHECK_THROWS_AS(services.control(UnitVerb::mask, file.name), Error);  // its file is in the way
    const UnitFile bare(services, "chaos-bare.service", "[Service]\nExecStart=/bin/true\n");
    CHECK_THROWS_WITH_AS(services.control(UnitVerb::enable, bare.name),
                         "can not enable chaos-bare.service: its file has no [Install] section", Error);
    CHECK(services.control(UnitVerb::disable, bare.name).empty());
}

TEST_CASE("systemd executed anew while a job runs is waited through") {
    SystemdServices services;
    if (!on_test_host(services)) return;
    // The unit itself has systemd executed anew, and goes on for a while: the end of its job comes after that.
    const UnitFile file(services, "chaos-reexec.service",
                        "[Service]\nType=oneshot\nExecStart=/bin/systemctl daemon-reexec\nExecStart=/bin/sleep 1\n"
                        "RemainAfterExit=yes\n");
    CHECK_NOTHROW(services.control(UnitVerb::start, file.name));
    CHECK(services.unit(file.name).active == "active");
    CHECK(services.answers());
    services.control(UnitVerb::stop, file.name);
    CHECK_FALSE(services.units().empty());
}

TEST_CASE("an image's units are enabled and masked without its running") {
    if (::access("/usr/bin/systemctl", X_OK) != 0 && ::access("/bin/systemctl", X_OK) != 0) {
        MESSAGE("skipped: no systemctl on this machine");
        return;
    }
    const Scratch root;
    for (const char* directory :
         {"etc", "etc/systemd", "etc/systemd/system", "usr", "usr/lib", "usr/lib/systemd", "usr/lib/systemd/system"})
        root.directory(directory);
    root.file("usr/lib/systemd/system/own.service", sleeper());
    control_offline(root.path(), UnitVerb::enable, "own.service");
    const RootHost host(root.path());
    const std::string link = "/etc/systemd/system/multi-user.target.wants/own.service";
    CHECK(host.look(link).kind == Entry::Kind::link);
    control_offline(root.path(), UnitVerb::disable, "own.service");
    CHECK_FALSE(host.look(link));
    control_offline(root.path(), UnitVerb::mask, "own.service");
    std::string target;
    host.look("/etc/systemd/system/own.service", &target);
    CHECK(target == "/dev/null");
    CHECK_THROWS_AS(control_offline(root.path(), UnitVerb::start, "own.service"), Error);
    CHECK_THROWS_AS(control_offline(root.path(), UnitVerb::enable, "none.service"), Error);
}
