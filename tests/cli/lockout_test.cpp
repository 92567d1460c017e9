// SPDX-License-Identifier: Apache-2.0
// What could lock out who comes over ssh, and how long a run may be confirmed.
#include "cli/lockout.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include <chaos/confirm.hpp>
#include <chaos/registry.hpp>

using namespace chaos;
using namespace chaos::cli;

namespace {

/// A site with these resources, and a plan that makes all of them, or changes them where they are `there`.
struct Run {
    Site site;
    Plan plan;

    void add(const char* kind, const char* key, bool there = true, std::optional<std::int64_t> confirm = {}) {
        const auto types = builtin_types();
        const auto type = std::find_if(types.begin(), types.end(), [&](auto* t) { return t->schema().name == kind; });
        REQUIRE(type != types.end());
        const Schema& schema = (*type)->schema();
        auto spec = schema.make();
        schema.key()->set(spec.get(), Value(std::string(key)));
        Resource resource;
        resource.id = {schema.name, key}, resource.type = *type, resource.wanted = State(spec),
        resource.confirm = confirm;
        Step step;
        step.type = *type;
        step.changes.push_back({resource.id, there ? resource.wanted : State(), resource.wanted});
        step.resources = {static_cast<std::uint32_t>(site.catalog.size())};
        site.catalog.push_back(std::move(resource));
        plan.push_back(std::move(step));
    }

    Confirmation confirmation(bool over_ssh, std::optional<std::int64_t> asked = {}) const {
        Options options;
        options.confirm = asked;
        return confirmation_of(options, site, plan, "eve", over_ssh);
    }
};

std::string what_closes(const char* kind, const char* key, bool there = true) {
    Run run;
    run.add(kind, key, there);
    return std::string(lockout_of(run.site.catalog[0], run.plan[0].changes[0], "eve"));
}

}  // namespace

TEST_CASE("what can lock a person out is known by its path, its unit, its name") {
    CHECK(what_closes("file", "/etc/ssh/sshd_config.d/10.conf") == "sshd");
    CHECK(what_closes("directory", "/etc/ssh") == "sshd");
    CHECK(what_closes("file", "/home/eve/.ssh/authorized_keys") == "sshd");
    CHECK(what_closes("file", "/etc/systemd/system/ssh.service.d/x.conf") == "sshd");
    CHECK(what_closes("link", "/etc/nftables.conf") == "the firewall");
    CHECK(what_closes("file", "/etc/netplan/01.yaml") == "the network");
    CHECK(what_closes("file", "/etc/sudoers") == "sudo");
    CHECK(what_closes("sudo", "admins") == "sudo");
    CHECK(what_closes("file", "/etc/pam.d/sshd") == "who may log in");
    CHECK(what_closes("file", "/etc/fstab") == "what is mounted at boot");
    CHECK(what_closes("service", "ssh") == "sshd");
    CHECK(what_closes("service", "NetworkManager.service") == "the network");
    CHECK(what_closes("sysctl", "net.ipv4.ip_forward") == "the network");
    CHECK(what_closes("user", "root") == "your account");
    CHECK(what_closes("user", "eve") == "your account");
    CHECK(what_closes("authorized_keys", "eve") == "sshd");
    CHECK(what_closes("package", "openssh-server") == "sshd");
    CHECK(what_closes("package", "ufw", false) == "the firewall");
}

TEST_CASE("what can not lock a person out asks for nothing") {
    CHECK(what_closes("file", "/etc/motd") == "");
    CHECK(what_closes("file", "/etc/sshd") == "");
    CHECK(what_closes("file", "/srv/etc/ssh/sshd_config") == "");
    CHECK(what_closes("file", "/etc/fstab.d") == "");
    CHECK(what_closes("service", "nginx") == "");
    CHECK(what_closes("sysctl", "vm.swappiness") == "");
    CHECK(what_closes("user", "kim") == "");
    CHECK(what_closes("user", "eve", false) == "");
    CHECK(what_closes("package", "openssh-server", false) == "");
}

TEST_CASE("over ssh what could lock out must be confirmed in two minutes, and nothing else") {
    Run run;
    run.add("file", "/etc/motd");
    CHECK(run.confirmation(true).seconds == 0);
    run.add("service", "ssh");
    CHECK(run.confirmation(false).seconds == 0);
    const Confirmation confirmation = run.confirmation(true);
    CHECK(confirmation.seconds == standard_window_s);
    CHECK(confirmation.reason == Confirmation::Reason::ssh);
    REQUIRE(confirmation.because.size() == 1);
    CHECK(confirmation.because[0] == std::pair<std::string, std::string>("service:ssh", "sshd"));
    CHECK(run.confirmation(true, 0).seconds == 0);
    run.site.confirm = 0;
    CHECK(run.confirmation(true).seconds == 0);
}

TEST_CASE("an entry that says no asks for nothing, not even over ssh") {
    Run run;
    run.add("service", "ssh", true, 0);
    CHECK(run.confirmation(true).seconds == 0);
}

TEST_CASE("the command line wins over the manifest, and of what the manifest says the longest time") {
    Run run;
    run.add("file", "/a", true, 90);
    run.add("file", "/b", true, 300);
    CHECK(run.confirmation(false).seconds == 300);
    CHECK(run.confirmation(false).reason == Confirmation::Reason::written);
    CHECK(run.confirmation(false).because.size() == 2);
    run.site.confirm = 600;
    CHECK(run.confirmation(true).seconds == 600);
    CHECK(run.confirmation(true, 5).seconds == 5);
    CHECK(run.confirmation(true, 5).reason == Confirmation::Reason::asked);
    CHECK(run.confirmation(true, 0).seconds == 0);
}

TEST_CASE("a plan without changes needs no word") {
    Run run;
    run.site.confirm = 600;
    CHECK(run.confirmation(true, 300).seconds == 0);
}
