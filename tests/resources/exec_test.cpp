// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <unistd.h>

#include <chaos/manifest.hpp>
#include <filesystem>
#include <fstream>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Resource exec(std::initializer_list<Said> list, bool absent = false) {
    return declare("exec", attributes(list), absent);
}

/// A host with `make`, which makes /made, `unmake`, and `is-made`.
FakeHost workshop() {
    FakeHost host;
    host.put_command("make", [](FakeHost& h, const Command&) { return h.put_file("/made", ""), Output{}; });
    host.put_command("unmake", [](FakeHost& h, const Command&) { return h.erase("/made"), Output{}; });
    host.put_command("is-made", [](FakeHost& h, const Command&) { return Output{h.look("/made") ? 0 : 1, "", ""}; });
    host.put_command("is-not-made", [](FakeHost& h, const Command&) {
        return Output{h.look("/made") ? 1 : 0, "", ""};
    });
    return host;
}

}  // namespace

TEST_CASE("an exec runs once, as each of its guards says") {
    for (const auto& guard :
         {std::pair{"creates", "/made"}, std::pair{"unless", "is-made"}, std::pair{"onlyif", "is-not-made"}}) {
        CAPTURE(guard.first);
        FakeHost host = workshop();
        const Catalog catalog = {exec({{"name", "x"}, {"command", "make it"}, {guard.first, guard.second}})};
        apply(host, catalog);
        REQUIRE(host.ran().size() == 1);
        CHECK(host.ran()[0].argv == std::vector<std::string>{"make", "it"});
        CHECK(plan_for(host, catalog).steps.empty());
    }
}

TEST_CASE("an exec is taken back by its undo, and only if it has one") {
    FakeHost host = workshop();
    const auto before = host.dump();
    const auto run =
        apply(host, {exec({{"name", "x"}, {"command", "make"}, {"creates", "/made"}, {"undo", "unmake"}})});
    CHECK(run.steps[0].type->undo_of(run.steps[0].changes[0]) == Undo::effort);
    take_back(host, run);
    CHECK(host.dump() == before);
    const auto forever = plan_for(host, {exec({{"name", "x"}, {"command", "make"}, {"creates", "/made"}})});
    CHECK(forever.steps[0].type->undo_of(forever.steps[0].changes[0]) == Undo::none);
}

TEST_CASE("an exec that is recorded can be taken back exactly, says no undo of its own, and is for root") {
    FakeHost host = workshop();
    const Catalog catalog = {exec({{"name", "x"}, {"command", "make"}, {"creates", "/made"}, {"record", "true"}})};
    const auto run = plan_for(host, catalog);
    const ResourceType& type = *run.steps[0].type;
    CHECK(type.undo_of(run.steps[0].changes[0]) == Undo::exact);
    Diagnostics problems;
    type.check(View(host), run.steps[0].changes, problems);
    CHECK(problems.ok());
    host.set_superuser(false);
    type.check(View(host), run.steps[0].changes, problems);
    REQUIRE(problems.errors().size() == 1);
    CHECK(std::string(problems.errors()[0].what()) == "what exec:x writes can be recorded by root alone");

    Diagnostics both;
    type.review(exec({{"name", "x"}, {"command", "make"}, {"creates", "/m"}, {"undo", "unmake"}, {"record", "true"}}),
                both);
    REQUIRE(both.errors().size() == 1);
    CHECK(std::string(both.errors()[0].what()) == "exec x says both record and undo");
}

TEST_CASE("an exec that is to be absent is undone where it can be, else left") {
    FakeHost host = workshop();
    host.put_file("/made", "");
    CHECK(plan_for(host, {exec({{"name", "x"}, {"command", "make"}, {"creates", "/made"}}, true)}).steps.empty());
    apply(host, {exec({{"name", "x"}, {"command", "make"}, {"creates", "/made"}, {"undo", "unmake"}}, true)});
    CHECK_FALSE(host.look("/made"));
}

TEST_CASE("an exec runs when what it watches changed, and is not run again to take that back") {
    FakeHost host = workshop();
    Resource resource = exec({{"name", "x"}, {"command", "make"}});
    const Change change{resource.id, resource.wanted.with_inputs({1, 1}), resource.wanted.with_inputs({2, 2})};
    CHECK(change.triggered());
    resource.type->apply_all(host, std::span(&change, 1));
    CHECK(host.ran().size() == 1);
    CHECK(resource.type->undo_of(change) == Undo::none);
    const Change back = change.inverse();
    resource.type->undo_all(host, std::span(&back, 1));
    CHECK(host.ran().size() == 1);
}

TEST_CASE("an exec that fails shows its command") {
    FakeHost host;
    host.put_command("make", [](FakeHost&, const Command&) { return Output{2, "", "no rule\n"}; });
    try {
        apply(host, {exec({{"name", "x"}, {"command", "make it"}, {"creates", "/made"}})});
        FAIL("it did not fail");
    } catch (const Error& error) {
        CHECK(std::string(error.what()).find("make it") != std::string::npos);
    }
}

TEST_CASE("an exec hands directory, variables and time to its command") {
    FakeHost host = workshop();
    apply(host, {exec({{"name", "x"},
                       {"command", "make"},
                       {"creates", "/made"},
                       {"cwd", "/srv"},
                       {"timeout", "90s"},
                       {"env", Value(attributes({{"A", "1"}}))}})});
    REQUIRE(host.ran().size() == 1);
    CHECK(host.ran()[0].directory == "/srv");
    CHECK(host.ran()[0].timeout_s == 90);
    CHECK(host.ran()[0].environment == std::vector<std::string>{"A=1"});
}

TEST_CASE("an exec gives its text to a shell only when that is said, and whole") {
    FakeHost host;
    host.put_command("/bin/sh", [](FakeHost&, const Command&) { return Output{}; });
    const auto run = plan_for(
        host, {exec({{"name", "x"}, {"command", "echo \"a  b\" > /made"}, {"creates", "/made"}, {"shell", "true"}})});
    carry_out(host, run.steps);
    CHECK(host.ran()[0].argv == std::vector<std::string>{"/bin/sh", "-c", "echo \"a  b\" > /made"});
}

TEST_CASE("an exec without a guard, without a command or with an open quote is a problem") {
    FakeHost host = workshop();
    CHECK_FALSE(plan_for(host, {exec({{"name", "x"}, {"command", "make"}})}).problems.ok());
    CHECK_FALSE(plan_for(host, {exec({{"name", "x"}, {"command", ""}, {"creates", "/made"}})}).problems.ok());
    CHECK_FALSE(plan_for(host, {exec({{"name", "x"}, {"command", "make 'it"}, {"creates", "/made"}})}).problems.ok());
}

TEST_CASE("an exec without a guard is told with a manifest's other mistakes; a watch is a guard") {
    const auto file = std::filesystem::temp_directory_path() / ("exec_test." + std::to_string(::getpid()) + ".yml");
    std::ofstream(file) << "units: {a.service: \"[Service]\\n\"}\n"
                           "exec:\n"
                           "  bare: make\n"
                           "  listens: {command: make, watch: [unit:a.service]}\n";
    const FakeHost host;
    const View view(host);
    const Registry registry{builtin_types(), {}};
    Sources sources;
    Diagnostics problems;
    read_site(sources, {file.string()}, {.registry = registry, .view = view, .host_name = "web1"}, problems);
    std::filesystem::remove(file);
    REQUIRE(problems.errors().size() == 1);
    CHECK(problems.errors()[0].where.line == 3);
    CHECK(problems.errors()[0].what() == std::string("exec bare does not say when there is nothing to do"));
}

TEST_CASE("an exec's guards change nothing") {
    FakeHost host = workshop();
    const auto before = host.dump();
    plan_for(host, {exec({{"name", "x"}, {"command", "make"}, {"unless", "make"}})});
    CHECK(host.dump() == before);
}

TEST_CASE("two execs hold one lock, so that they never overlap") {
    const auto resource = exec({{"name", "x"}, {"command", "make"}, {"creates", "/made"}});
    std::vector<Claim> claims;
    resource.type->claims(resource.wanted, claims);
    REQUIRE_FALSE(claims.empty());
    CHECK(claims[0].role == Claim::Role::locks);
    CHECK(claims[0].name == "lock:exec");
}
