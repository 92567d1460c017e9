// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

constexpr const char* base = "/var/lib/flatpak";
constexpr const char* metadata = "[Application]\nname=org.a.App\nruntime=org.a.Platform/x86_64/1\n";

void put_ref(FakeHost& host, const std::string& kind, const std::string& id, const std::string& branch) {
    const auto place = fmt::format("{}/{}/{}/x86_64/{}", base, kind, id, branch);
    host.put_file(place + "/abc/deploy", std::string("local\0abc\0", 10));
    host.put_file(place + "/abc/metadata", kind == "app" ? metadata : "[Runtime]\nname=x\n");
    host.put_link(place + "/active", "abc");
    if (kind == "app") host.put_link(fmt::format("{}/app/{}/current", base, id), "x86_64/" + branch);
}

void drop_ref(FakeHost& host, const std::string& ref) {  // KIND/ID/ARCH/BRANCH
    host.erase(fmt::format("{}/{}", base, ref.substr(0, ref.find('/', ref.find('/') + 1))));
}

Output run_flatpak(FakeHost& host, const Command& command) {
    const auto& words = command.argv;
    const auto& verb = words.at(1);
    std::string config;
    host.look(std::string(base) + "/repo/config", &config);
    if (verb == "remote-info")
        return words.back() == "org.a.App" ? Output{0, metadata, ""}
                                           : Output{1, "", "error: Can't find ref: not found\n"};
    if (verb == "remote-add")
        host.put_file(std::string(base) + "/repo/config",
                      config + "[remote \"local\"]\ngpg-verify=true\nurl=" + words.back() + "\n");
    if (verb == "remote-delete") host.put_file(std::string(base) + "/repo/config", "[core]\n");
    if (verb == "install")
        put_ref(host, words.back().starts_with("org.a.Platform") ? "runtime" : "app",
                words.back().substr(0, words.back().find("//")),
                words.back().starts_with("org.a.Platform") ? "1" : "stable");
    if (verb == "uninstall") drop_ref(host, words.back());
    return {};
}

FakeHost with_flatpak(bool has_remote = true) {
    FakeHost host;
    host.put_file("/usr/bin/flatpak", "");
    host.put_directory(std::string(base) + "/app");
    host.put_directory(std::string(base) + "/runtime");
    host.put_file(std::string(base) + "/repo/config",
                  has_remote ? "[core]\n[remote \"local\"]\ngpg-verify=true\nurl=file:///srv\n" : "[core]\n");
    host.put_command("flatpak", run_flatpak);
    return host;
}

Resource app(std::initializer_list<Said> more, const char* id = "org.a.App") {
    auto said = attributes(more);
    said.push_back({Value("id"), Value(std::string(id))});
    return declare("flatpak", std::move(said));
}

}  // namespace

TEST_CASE("an application comes with its runtime, which the plan names, and both go back") {
    FakeHost host = with_flatpak();
    const auto before = host.dump();
    const Catalog wish{app({{"remote", "local"}})};
    const auto run = apply(host, wish);
    REQUIRE(run.catalog.size() == 2);
    CHECK(to_text(run.catalog[1].id) == "flatpak:org.a.Platform//1");
    CHECK(host.look(std::string(base) + "/runtime/org.a.Platform/x86_64/1/active"));
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("an application that is there is known by its directories: where it came from, and its branch") {
    FakeHost host = with_flatpak();
    put_ref(host, "app", "org.a.App", "beta");
    CHECK(plan_for(host, {app({{"remote", "local"}, {"branch", "beta"}})}).steps.empty());
    CHECK(plan_for(host, {app({{"branch", "stable"}})}).steps.size() == 1);
    CHECK(plan_for(host, {app({})}).steps.empty());
}

TEST_CASE("without a remote of that name, flathub comes along and any other is a remark") {
    FakeHost host = with_flatpak(false);
    const auto run = plan_for(host, {app({})});
    REQUIRE(run.catalog.size() == 2);
    CHECK(to_text(run.catalog[1].id) == "flatpak_remote:flathub");
    CHECK(plan_for(host, {app({{"remote", "other"}})}).problems.remarks().size() == 1);
}

TEST_CASE("what the remote does not have is told with the plan") {
    const auto run = plan_for(with_flatpak(), {app({{"remote", "local"}}, "org.a.Nowhere")});
    REQUIRE_FALSE(run.problems.ok());
    CHECK(std::string(run.problems.errors()[0].what()).find("local does not tell of org.a.Nowhere") == 0);
}

TEST_CASE("a remote is added and goes back; a description is known by its server") {
    FakeHost host = with_flatpak(false);
    const auto before = host.dump();
    const Catalog wish{declare("flatpak_remote", attributes({{"name", "local"}, {"url", "https://a.example.org/x"}}))};
    const auto run = apply(host, wish);
    CHECK(plan_for(host, wish).steps.empty());
    CHECK(plan_for(host, {declare("flatpak_remote",
                                  attributes({{"name", "local"}, {"url", "https://a.example.org/y.flatpakrepo"}}))})
              .steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
    CHECK_FALSE(
        plan_for(host, {declare("flatpak_remote", attributes({{"name", "x"}, {"url", "nowhere"}}))}).problems.ok());
}

TEST_CASE("an id is that of an application") {
    for (const char* wrong : {"signal", "org.signal", "org.a.App//", "org.a.A b"})
        CHECK_THROWS_AS(app({}, wrong), Error);
    CHECK(app({}, "org.a.App//beta").id.key == "org.a.App//beta");
}
