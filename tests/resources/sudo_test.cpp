// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Catalog rule(const char* name, const char* said, const char* nopasswd = "false") {
    return {declare("sudo", attributes({{"name", name}, {"rule", said}, {"nopasswd", nopasswd}}))};
}

FakeHost with_sudo() {
    FakeHost host;
    host.put_directory("/etc/sudoers.d", 0750);
    host.put_file("/usr/sbin/visudo", "");
    host.put_command("/usr/sbin/visudo", [](FakeHost&, const Command& command) {
        return command.input.find("syntax") == std::string::npos ? Output{}
                                                                 : Output{1, "", "stdin:1:8: syntax error\nand more\n"};
    });
    return host;
}

std::string refused(const Catalog& catalog) {
    const auto run = plan_for(with_sudo(), catalog);
    return run.problems.ok() ? "" : run.problems.errors()[0].what();
}

}  // namespace

TEST_CASE("a rule of sudo is a file of its own, for root alone") {
    FakeHost host = with_sudo();
    const auto before = host.dump();
    const auto run = apply(host, rule("deploy", "true"));
    CHECK(host.text("/etc/sudoers.d/deploy") == "deploy ALL=(ALL:ALL) ALL\n");
    CHECK(host.look("/etc/sudoers.d/deploy").mode == 0440);
    CHECK(plan_for(host, rule("deploy", "yes")).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a rule says who by itself, or is for its key; a name that sudo would pass over is another one") {
    FakeHost host = with_sudo();
    apply(host, rule("%sudo", "true", "true"));
    CHECK(host.text("/etc/sudoers.d/group-sudo") == "%sudo ALL=(ALL:ALL) NOPASSWD: ALL\n");
    apply(host, rule("ann.b", "ALL=(root) /bin/ls\nDefaults:ann.b !requiretty"));
    CHECK(host.text("/etc/sudoers.d/ann_b") == "ann.b ALL=(root) /bin/ls\nDefaults:ann.b !requiretty\n");
    apply(host, rule("admins", "%sudo ALL=(ALL:ALL) NOPASSWD: ALL"));
    CHECK(host.text("/etc/sudoers.d/admins") == "%sudo ALL=(ALL:ALL) NOPASSWD: ALL\n");
}

TEST_CASE("a file that somebody wrote comes back to the byte, permissions and owner as well") {
    FakeHost host = with_sudo();
    host.put_file("/etc/sudoers.d/deploy", "# by hand\n\ndeploy ALL=(ALL) ALL", 0644, 33, 33);
    const auto before = host.dump();
    const auto run = apply(host, rule("deploy", "true"));
    CHECK(host.look("/etc/sudoers.d/deploy").uid == 0);
    take_back(host, run);
    CHECK(host.dump() == before);
    host.put_file("/etc/sudoers.d/deploy", "deploy ALL=(ALL:ALL) ALL", 0440);
    CHECK(plan_for(host, rule("deploy", "true")).steps.empty());  // a last line without its end is a line
}

TEST_CASE("a rule that sudo can not read is told before anything is touched") {
    CHECK(refused(rule("deploy", "deploy is a syntax error")) == "visudo refuses the rule: stdin:1:8: syntax error");
    CHECK(refused(rule("deploy", " ")) == "a rule of sudo that says nothing");
    CHECK(refused(rule("deploy", "ALL=(ALL) ALL", "true")) == "nopasswd is for rule: true");
    CHECK_THROWS_WITH_AS(rule("../x", "true"), "'../x' can not name a rule of sudo", Error);
    CHECK_THROWS_AS(rule("a~", "true"), Error);
}
