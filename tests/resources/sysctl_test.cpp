// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/passes_boots.hpp>
#include <chaos/plan.hpp>
#include <chaos/successive.hpp>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

constexpr const char* file = "/etc/sysctl.d/60-chaos.conf";
constexpr const char* somaxconn = "/proc/sys/net/core/somaxconn";

Resource sysctl(const char* key, const char* value, bool absent = false) {
    return declare("sysctl", attributes({{"key", key}, {"value", value}}), absent);
}

FakeHost running() {
    FakeHost host;
    host.put_kernel(somaxconn, "128");
    host.put_kernel("/proc/sys/net/ipv4/tcp_rmem", "4096\t87380\t6291456");
    host.put_kernel("/proc/sys/net/ipv4/conf/eth0.100/forwarding", "0");
    host.put_kernel("/proc/sys/vm/swappiness", "60");
    return host;
}

std::string value(const FakeHost& host, const char* path) {
    std::string text;
    host.look(path, &text);
    return text;
}

}  // namespace

TEST_CASE("a sysctl is set now and at every boot, and both go back") {
    FakeHost host = running();
    const auto before = host.dump();
    const auto run = apply(host, {sysctl("net.core.somaxconn", "4096"), sysctl("vm.swappiness", "10")});
    CHECK(
        host.text(file) ==
        "# Kept by chaos, a line a key; other lines are left alone.\nnet.core.somaxconn = 4096\nvm.swappiness = 10\n");
    CHECK(value(host, somaxconn) == "4096\n");
    CHECK(plan_for(host, {sysctl("net.core.somaxconn", "4096")}).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("of several runs, what our file says is ours whatever value it is written in words of") {
    const Schema& schema = declare("sysctl", attributes({{"key", "vm.swappiness"}, {"value", "6"}})).type->schema();
    const auto was = [](const char* value, const char* at_boot) {
        return Value(attributes({{"key", "vm.swappiness"}, {"value", value}, {"at_boot", at_boot}}));
    };
    const auto state = [&](const Value& said) {
        Diagnostics problems;
        return decode(schema, said, problems);
    };
    // one run set 6; somebody set 7 by hand; the next run found it, and wrote it into our file as well
    const Value made = made_after(schema, was("6", "true"), was("7", "6"), was("7", "true"));
    CHECK(made.find("value")->text() == "6");
    CHECK(made.find("at_boot")->text() == "7");
    std::vector<const Field*> conflicts;
    const State goal = three_way(schema, state(was("7", "true")), state(made), state(was("60", "false")), conflicts);
    REQUIRE(conflicts.size() == 1);
    CHECK(conflicts.front()->name == "value");
    CHECK(encode(schema, goal).find("value")->text() == "7");
    CHECK(encode(schema, goal).find("at_boot")->text() == "false");
    // one that only our file was changed of: what it had is somebody's
    const Value theirs = made_after(schema, was("6", "true"), was("6", "9"), was("8", "9"));
    CHECK(theirs.find("value")->text() == "8");
    CHECK(theirs.find("at_boot")->text() == "6");
}

TEST_CASE("a sysctl may be written with slashes, and a dot in a name stays one") {
    CHECK(sysctl("net/core/somaxconn", "1").id.key == "net.core.somaxconn");
    CHECK(sysctl("net/ipv4/conf/eth0.100/forwarding", "1").id.key == "net.ipv4.conf.eth0/100.forwarding");
    FakeHost host = running();
    apply(host, {sysctl("net/ipv4/conf/eth0.100/forwarding", "1")});
    CHECK(value(host, "/proc/sys/net/ipv4/conf/eth0.100/forwarding") == "1\n");
}

TEST_CASE("a sysctl does not care how blanks are written") {
    FakeHost host = running();
    apply(host, {sysctl("net.ipv4.tcp_rmem", "4096 87380   6291456")});
    CHECK(plan_for(host, {sysctl("net.ipv4.tcp_rmem", "4096\t87380 6291456")}).steps.empty());
}

TEST_CASE("a sysctl leaves other lines of its file alone") {
    FakeHost host = running();
    host.put_file(file, "# mine\nvm.swappiness = 60\nnet.core.somaxconn=64\n");
    const auto before = host.dump();
    const auto run = apply(host, {sysctl("net.core.somaxconn", "4096")});
    CHECK(host.text(file) == "# mine\nnet.core.somaxconn = 4096\nvm.swappiness = 60\n");
    take_back(host, run);
    CHECK(value(host, somaxconn) == "128\n");
    CHECK(host.text(file).find("net.core.somaxconn = 64\n") != std::string::npos);
    CHECK(before != host.dump());  // the line is back, where its key belongs and with blanks
}

TEST_CASE("a sysctl that somebody changed in the running kernel is set again") {
    FakeHost host = running();
    apply(host, {sysctl("net.core.somaxconn", "4096")});
    host.put_kernel(somaxconn, "1");
    const auto changes = plan_for(host, {sysctl("net.core.somaxconn", "4096")});
    REQUIRE(changes.steps.size() == 1);
    carry_out(host, changes.steps);
    CHECK(value(host, somaxconn) == "4096\n");
}

TEST_CASE("what a sysctl is now and what its file says are two things, of which somebody may change one") {
    FakeHost host = running();
    const auto wish = sysctl("net.core.somaxconn", "4096");
    const Schema& schema = wish.type->schema();
    const auto run = apply(host, {wish});
    const auto names = [](const std::vector<const Field*>& fields) {
        std::string all;
        for (const Field* field : fields) all += std::string(field->name) + " ";
        return all;
    };
    const auto now = [&] {
        Diagnostics problems;
        return observe(run.catalog, View(host), problems, 1, true).front();
    };
    const auto goes_back = [&](Deciding deciding = Deciding::leave) {
        std::vector<const Field*> conflicts;
        const States found{now()};
        const States goal{three_way(schema, found[0], run.goal[0], run.before[0], conflicts, deciding)};
        for (const Step& step : plan(run.catalog, run.graph, found, goal)) step.type->undo_all(host, step.changes);
        host.publish();
        return names(conflicts);
    };
    SUBCASE("the value now") {
        host.put_kernel(somaxconn, "1");
        CHECK(names(differences(schema, now(), run.goal[0])) == "value ");
        SUBCASE("is left, and the file goes back") {
            CHECK(goes_back() == "value ");
            CHECK(value(host, somaxconn) == "1\n");
            CHECK_FALSE(host.look(file));
        }
        SUBCASE("goes back as well where that is asked for") {
            CHECK(goes_back(Deciding::ours) == "");
            CHECK(value(host, somaxconn) == "128\n");
            CHECK_FALSE(host.look(file));
        }
    }
    SUBCASE("the file") {
        host.put_file(file, "net.core.somaxconn = 512\n");
        CHECK(names(differences(schema, now(), run.goal[0])) == "at_boot ");
        CHECK(goes_back() == "at_boot ");
        CHECK(value(host, somaxconn) == "128\n");
        CHECK(host.text(file) == "net.core.somaxconn = 512\n");
    }
    SUBCASE("neither, by blanks") {
        host.put_file(file, "net.core.somaxconn=4096 \n");
        CHECK(names(differences(schema, now(), run.goal[0])) == "");
        CHECK(goes_back() == "");
        CHECK_FALSE(host.look(file));
    }
}

TEST_CASE("a sysctl of which the file said the value before keeps that line when it goes back") {
    FakeHost host = running();
    host.put_file(file, "net.core.somaxconn = 4096\n");
    const auto before = host.dump();
    const auto run = apply(host, {sysctl("net.core.somaxconn", "4096")});
    REQUIRE(value(host, somaxconn) == "4096\n");
    std::vector<const Field*> conflicts;
    Diagnostics problems;
    const States found = observe(run.catalog, View(host), problems, 1, true);
    const Schema& schema = run.catalog[0].type->schema();
    const States goal{three_way(schema, found[0], run.goal[0], run.before[0], conflicts)};
    CHECK(conflicts.empty());
    for (const Step& step : plan(run.catalog, run.graph, found, goal)) step.type->undo_all(host, step.changes);
    host.publish();
    CHECK(host.dump() == before);
}

TEST_CASE("a sysctl that is to be absent loses its line and keeps its value until the next boot") {
    FakeHost host = running();
    apply(host, {sysctl("net.core.somaxconn", "4096")});
    apply(host, {sysctl("net.core.somaxconn", "4096", true)});
    CHECK_FALSE(host.look(file));
    CHECK(value(host, somaxconn) == "4096\n");
    CHECK(plan_for(host, {sysctl("net.core.somaxconn", "4096", true)}).steps.empty());
}

TEST_CASE("a sysctl the kernel does not have is a problem, but not on an image") {
    CHECK_FALSE(plan_for(running(), {sysctl("net.core.nonsense", "1")}).problems.ok());
    FakeHost image(false);
    apply(image, {sysctl("net.core.nonsense", "1")});
    CHECK(image.text(file).ends_with("net.core.nonsense = 1\n"));
}

TEST_CASE("a sysctl that a later file sets otherwise is remarked") {
    FakeHost host = running();
    host.put_file("/etc/sysctl.d/99-local.conf", "net/core/somaxconn = 1\n");
    const auto run = plan_for(host, {sysctl("net.core.somaxconn", "4096")});
    REQUIRE(run.problems.remarks().size() == 1);
    CHECK(run.problems.remarks()[0].what() ==
          std::string("/etc/sysctl.d/99-local.conf sets net.core.somaxconn to 1 and is read later: it wins at boot"));
}

TEST_CASE("a sysctl says honestly how well it can be taken back") {
    const auto undo = [](const char* key) {
        const auto resource = sysctl(key, "1");
        return resource.type->undo_of({resource.id, {}, resource.wanted});
    };
    CHECK(undo("vm.swappiness") == Undo::exact);
    CHECK(undo("net.ipv4.ip_forward") == Undo::exact);
    CHECK(undo("kernel.modules_disabled") == Undo::none);
}

TEST_CASE("a sysctl that the kernel sets others along with takes them back with it, and after it") {
    FakeHost host;
    const std::string conf = "/proc/sys/net/ipv4/conf/";
    host.put_kernel("/proc/sys/net/ipv4/ip_forward", "0");
    for (const char* device : {"all", "eth0.100"}) {
        host.put_kernel(conf + device + "/forwarding", "0");
        host.put_kernel(conf + device + "/accept_redirects", "0");
        host.put_kernel(conf + device + "/log_martians", "0");
    }
    const auto before = host.dump();
    const auto run = apply(host, {sysctl("net.ipv4.ip_forward", "1")});
    for (const char* device : {"all", "eth0.100"}) {  // as the kernel does
        host.put_kernel(conf + device + "/forwarding", "1");
        host.put_kernel(conf + device + "/accept_redirects", "1");
    }
    take_back(host, run);
    CHECK(host.dump() == before);

    const auto martians = apply(host, {sysctl("net.ipv4.conf.all.log_martians", "1")});
    host.put_kernel(conf + "eth0.100/log_martians", "1");
    host.put_kernel(conf + "eth0.100/forwarding", "1");  // somebody else's
    take_back(host, martians);
    CHECK(value(host, (conf + "eth0.100/log_martians").c_str()) == "0\n");
    CHECK(value(host, (conf + "eth0.100/forwarding").c_str()) == "1\n");
}

TEST_CASE("a sysctl's value of an earlier boot is what the files of that boot make of it") {
    FakeHost host = running();
    host.put_file("/etc/sysctl.d/50-ours.conf", "net.core.somaxconn = 64\n");
    host.put_file("/usr/lib/sysctl.d/70-theirs.conf", "net.core.somaxconn = 96\nvm.swappiness = 30\n");
    host.put_file("/etc/sysctl.d/70-theirs.conf", "vm.swappiness = 40\n");
    host.put_file("/etc/sysctl.conf", "vm.swappiness = 50\n");
    host.put_link("/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
    const auto seen_again = [&](const char* key, const char* value, const char* at_boot) {
        const auto resource = declare("sysctl", attributes({{"key", key}, {"value", value}, {"at_boot", at_boot}}));
        const View view(host);
        const State state = after_boot(*resource.type, view, resource.wanted);
        const Schema& schema = resource.type->schema();
        return schema.find("value")->get(state.spec()).text() + " " + schema.find("at_boot")->get(state.spec()).text();
    };
    CHECK(seen_again("net.core.somaxconn", "128", "false") == "64 false");
    CHECK(seen_again("net.core.somaxconn", "128", "32") == "32 true");
    CHECK(seen_again("net.core.somaxconn", "128", "true") == "128 true");
    CHECK(seen_again("vm.swappiness", "10", "true") == "50 10");
    CHECK(seen_again("net.ipv4.tcp_rmem", "1 2 3", "false") == "1 2 3 false");  // nothing tells: as it was seen
}

TEST_CASE("a sysctl key that can be none is refused") {
    for (const char* key : {"", "somaxconn", "net..x", ".net.x", "net.x.", "net.core.some thing", "net.a;b"})
        CHECK_THROWS_AS(sysctl(key, "1"), Error);
}
