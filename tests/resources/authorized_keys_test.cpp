// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

const std::string first = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const std::string second = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const std::string file = "/home/eve/.ssh/authorized_keys";

FakeHost with_eve() {
    FakeHost host;
    host.put_file(
        "/etc/passwd",
        "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\neve:x:1000:1000::/home/eve:/bin/sh\n");
    host.put_file("/etc/group", "root:x:0:\neve:x:1000:\n");
    host.put_directory("/home/eve", 0755, 1000, 1000);
    return host;
}

Catalog keys(std::initializer_list<std::string> list, bool exact = false, bool absent = false) {
    Value::Map body = attributes({{"name", "eve"}, {"keys", Value(Value::List(list.begin(), list.end()))}});
    Catalog catalog{declare("authorized_keys", std::move(body), absent)};
    if (exact) catalog[0].exact.push_back(catalog[0].type->schema().find("keys"));
    return catalog;
}

std::string refused(const std::string& key) {
    FakeHost host = with_eve();
    const auto run = plan_for(host, keys({key}));
    return run.problems.ok() ? "" : run.problems.errors()[0].what();
}

std::string unsafe(const FakeHost& host) {
    const auto run = plan_for(host, keys({first}));
    return run.problems.ok() ? "" : run.problems.errors()[0].what();
}

}  // namespace

TEST_CASE("keys of an account that is gone can go, where the home is nobody's by now") {
    FakeHost host = with_eve();
    apply(host, keys({first}));
    const Resource gone = keys({first})[0];
    const auto found = [&](bool whole) {
        State state;
        const Wish wish{gone.wanted, whole};
        gone.type->observe_all(View(host), std::span(&wish, 1), std::span(&state, 1));
        return encode(gone.type->schema(), state).find("keys")->list().size();
    };
    host.put_file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    CHECK(found(false) == 0);  // nobody is opened by them: who comes anew is to get them
    CHECK(found(true) == 1);
    host.put_file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nmallory:x:1000:1000::/home/eve:/bin/sh\n");
    CHECK(found(true) == 0);
    const Change away{gone.id, gone.wanted, {}, {}};
    gone.type->apply_all(host, std::span(&away, 1));
    CHECK(host.look(file));
    host.put_file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    gone.type->apply_all(host, std::span(&away, 1));
    CHECK_FALSE(host.look(file));
}

TEST_CASE("keys come with a directory and a file that are the user's own, and go with both") {
    FakeHost host = with_eve();
    const auto before = host.dump();
    const auto run = apply(host, keys({first + " eve@desk", second}));
    CHECK(host.text(file) == second + "\n" + first + " eve@desk\n");
    const auto directory = host.look("/home/eve/.ssh"), entry = host.look(file);
    CHECK(directory.mode == 0700);
    CHECK(directory.uid == 1000);
    CHECK(entry.mode == 0600);
    CHECK(entry.uid == 1000);
    CHECK(entry.gid == 1000);
    CHECK(plan_for(host, keys({first + " eve@desk", second})).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("keys that somebody else wrote stay, with comments and options; exact takes them out") {
    FakeHost host = with_eve();
    host.put_directory("/home/eve/.ssh", 0700, 1000, 1000);
    const std::string text = "# mine\nrestrict,command=\"a b\" " + second + " other\n\n";
    host.put_file(file, text, 0600, 1000, 1000);
    const auto before = host.dump();
    for (const bool exact : {false, true}) {
        const auto run = apply(host, keys({first}, exact));
        CHECK(host.text(file) == (exact ? "# mine\n\n" : text) + first + "\n");
        take_back(host, run);
        CHECK(host.dump() == before);
    }
}

TEST_CASE("a key is known by what it is, not by its comment; other options make another line of it") {
    FakeHost host = with_eve();
    host.put_directory("/home/eve/.ssh", 0700, 1000, 1000);
    host.put_file(file, first + " by hand\n", 0600, 1000, 1000);
    CHECK(plan_for(host, keys({first + " eve@desk"})).steps.empty());
    const auto before = host.dump();
    const auto run = apply(host, keys({"restrict " + first}));
    CHECK(host.text(file) == "restrict " + first + "\n");
    CHECK(plan_for(host, keys({"restrict " + first})).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("each key goes by itself: what came meanwhile stays") {
    FakeHost host = with_eve();
    const auto run = apply(host, keys({first}));
    host.put_file(file, first + "\n" + second + " came later\n", 0600, 1000, 1000);
    std::vector<const Field*> conflicts;
    const View view(host);
    Diagnostics problems;
    const auto now = observe(run.catalog, view, problems, 1, true);
    const auto goal = three_way(run.catalog[0].type->schema(), now[0], run.goal[0], run.before[0], conflicts);
    CHECK(conflicts.empty());
    const Change change{run.catalog[0].id, now[0], goal};
    run.catalog[0].type->apply_all(host, std::span(&change, 1));
    host.publish();
    CHECK(host.text(file) == second + " came later\n");
}

TEST_CASE("absent takes all keys away, and they come back") {
    FakeHost host = with_eve();
    host.put_directory("/home/eve/.ssh", 0700, 1000, 1000);
    host.put_file(file, first + "\n", 0640, 1000, 1000);
    const auto before = host.dump();
    const auto run = apply(host, keys({}, false, true));
    CHECK_FALSE(host.look(file));
    CHECK(plan_for(host, keys({}, false, true)).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("what is no public key is a mistake of the manifest") {
    CHECK(refused("ssh-ed25519 AAAA eve").find("is no base64 of a key") != std::string::npos);
    CHECK(refused(first.substr(0, 60)).find("is cut") != std::string::npos);
    CHECK(refused("ssh-rsa " + first.substr(12)).find("a key of another type") != std::string::npos);
    CHECK(refused("-----BEGIN OPENSSH PRIVATE KEY-----").find("is not of the form") != std::string::npos);
    CHECK(refused(first + "\n" + second).find("more than one line") != std::string::npos);
    CHECK(refused("from=\"10.0.0.1, 10.0.0.2\",no-pty " + first + " eve").empty());
}

TEST_CASE("a home that is not the user's, or links that leave it, are refused") {
    FakeHost host = with_eve();
    host.put_directory("/home/eve", 0755, 33, 33);
    CHECK(unsafe(host) == "/home/eve belongs to www-data, and not to eve");
    host = with_eve();
    host.put_directory("/home/eve", 0777, 1000, 1000);
    CHECK(unsafe(host).starts_with("others may write in /home/eve"));
    host = with_eve();
    host.put_link("/home/eve/.ssh", "/root/.ssh");
    CHECK(unsafe(host) == "/home/eve/.ssh is a link to /root/.ssh: it leaves /home/eve");
    host = with_eve();
    host.put_directory("/home/eve/.ssh", 0700, 1000, 1000);
    host.put_link(file, "../../root/keys");
    CHECK(unsafe(host).starts_with(file + " is a link to ../../root/keys"));
    host.put_link(file, "keys");
    host.put_file("/home/eve/.ssh/keys", second + "\n", 0600, 1000, 1000);
    const auto before = host.dump();
    const auto run = apply(host, keys({first}));
    CHECK(host.text("/home/eve/.ssh/keys") == second + "\n" + first + "\n");
    take_back(host, run);
    CHECK(host.dump() == before);
}
