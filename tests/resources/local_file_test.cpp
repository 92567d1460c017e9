// SPDX-License-Identifier: Apache-2.0
#include "package/local_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;
using namespace chaos::resources;

namespace {

/// One member of a tar: its head and its bytes.
std::string member(const std::string& name, const std::string& text, const std::string& size = {}) {
    std::string head(512, '\0');
    head.replace(0, name.size(), name);
    const auto digits = size.empty() ? fmt::format("{:011o}", text.size()) : size;
    head.replace(124, digits.size(), digits);
    head[156] = '0';
    return head + text + std::string((512 - text.size() % 512) % 512, '\0');
}

constexpr const char* control =
    "Package: mine\nVersion: 2.0\nArchitecture: all\nDepends: libnew\nDescription: of our own\n";

/// A Debian with a repository of one package; its dpkg-deb says of every file what is given.
FakeHost debian(const Output& told, const char* installed = "") {
    FakeHost host;
    host.put_file(
        "/var/lib/dpkg/status",
        std::string("Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n") + installed);
    host.put_file("/var/lib/dpkg/arch-native", "amd64\n");
    host.put_file("/etc/apt/sources.list", "deb http://deb.example.org/debian stable main\n");
    host.put_file("/var/lib/apt/lists/deb.example.org_debian_dists_stable_main_binary-amd64_Packages",
                  "Package: libnew\nVersion: 1\nArchitecture: amd64\n\n"
                  "Package: mine\nVersion: 2.0\nArchitecture: amd64\nDepends: nowhere\n");
    host.put_file("/var/lib/apt/lists/deb.example.org_debian_dists_stable_InRelease", "Origin: Example\n");
    host.put_directory("/var/lib/chaos");
    host.put_command("dpkg-deb", [told](FakeHost&, const Command&) { return told; });
    return host;
}

Output good() {
    return {0, member("./", "") + member("./control", control), ""};
}

Value by_reference(const std::string& path) {
    return Value::Map{{std::string("path"), path},
                      {std::string("size"), std::string("4")},
                      {std::string("digest"), hex(digest("deb\n"))}};
}

Resource mine(const char* path = "/site/mine_2.0_all.deb", const char* name = "mine") {
    return declare("package", attributes({{"name", name}, {"packed", by_reference(path)}}));
}

std::string refusal(const FakeHost& host, Resource wanted) {
    const auto run = plan_for(host, {std::move(wanted)});
    REQUIRE(run.problems.errors().size() == 1);
    return run.problems.errors()[0].what();
}

constexpr const char* older = "Package: mine\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n";
constexpr const char* same_one = "Package: mine\nStatus: install ok installed\nArchitecture: all\nVersion: 2.0\n";

}  // namespace

TEST_CASE("a control archive has the package's paragraph, wherever it stands in it") {
    CHECK(control_in(member("./control", control)) == control);
    CHECK(control_in(member("./md5sums", "x") + member("control", control)) == control);
    CHECK(control_in("").empty());
    CHECK(control_in(std::string(1024, '\0')).empty());
    CHECK(control_in(member("./md5sums", "x")).empty());
}

TEST_CASE("a control archive that lies about its sizes has nothing") {
    for (const char* size : {"77777777777", "00000010000", "-0000000001", "nonsense!!!", "           "})
        CHECK_MESSAGE(control_in(member("./md5sums", "x", size) + member("./control", control)).empty(), size);
    const auto whole = member("./control", std::string(2000, 'x'));
    for (std::size_t cut = 0; cut < 512 + 2000; ++cut) CHECK(control_in(whole.substr(0, cut)).empty());
}

TEST_CASE("a package of a file has the file's version, and what it needs comes along") {
    const auto host = debian(good());
    const auto run = plan_for(host, {mine()});
    REQUIRE_MESSAGE(run.problems.ok(), run.problems.errors().front().what());
    REQUIRE(run.catalog.size() == 2);
    const auto& goal = *run.goal[0].as<Package>();
    CHECK(goal.version == "2.0");  // not the one of the repository that has this version, too, and can not be installed
    CHECK(run.catalog[1].id.key == "libnew");
    CHECK(run.catalog[1].companion);
}

TEST_CASE("a package of a file is as wished where its version is installed, and an upgrade where another is") {
    CHECK(plan_for(debian(good(), same_one), {mine()}).steps.empty());
    const auto run = plan_for(debian(good(), older), {mine()});
    REQUIRE(run.problems.ok());
    CHECK(run.goal[0].as<Package>()->version == "2.0");
}

TEST_CASE("a package's file that is none, or of another package, is refused before anything is touched") {
    CHECK(refusal(debian({2, "", "dpkg-deb: error: not a Debian format archive\n"}), mine()) ==
          "/site/mine_2.0_all.deb is no whole package: dpkg-deb: error: not a Debian format archive");
    CHECK(refusal(debian({0, "noise", ""}), mine()) ==
          "/site/mine_2.0_all.deb is no whole package: it tells no name and version");
    const auto evil = member("./control", "Package: -o=evil\nVersion: 1; rm\nArchitecture: all\n");
    CHECK(refusal(debian({0, evil, ""}), mine()).find("is no whole package") != std::string::npos);
    CHECK(refusal(debian(good()), mine("/site/mine_2.0_all.deb", "yours")) ==
          "/site/mine_2.0_all.deb is the package mine, and not yours");
    CHECK(refusal(debian(good()), mine("/site/mine-2.0-1.noarch.rpm")) ==
          "/site/mine-2.0-1.noarch.rpm is no file of apt: these end in .deb");
    CHECK(refusal(debian({0, member("./control", "Package: mine\nVersion: 2.0\nArchitecture: armhf\n"), ""}), mine())
              .find("mine:armhf") != std::string::npos);
}

TEST_CASE("a package's entry that contradicts itself about its file is told as it is read") {
    const auto told = [](Value::Map said) {
        Diagnostics problems;
        const auto resource = declare("package", std::move(said));
        resource.type->review(resource, problems);
        return problems.errors().empty() ? std::string() : std::string(problems.errors()[0].what());
    };
    CHECK(told(attributes({{"name", "mine"}, {"packed", by_reference("/a.deb")}})).empty());
    CHECK(told(attributes({{"name", "mine"}, {"packed", by_reference("/a.deb")}, {"version", "1"}})) ==
          "the file has its version: say either");
    CHECK(told(attributes({{"name", "mine"}, {"packed", by_reference("/a.deb")}, {"source", "sid"}})) ==
          "a file comes from no repository: say either");
    CHECK(told(attributes({{"name", "mine"}, {"sha256", "00"}})) == "sha256 is of a file, and none is named");
    CHECK(told(attributes({{"name", "mine"}, {"packed", by_reference("/a.deb")}, {"sha256", "00"}})) ==
          "expected a SHA-256 of 64 digits, found '00'");
    CHECK(told(attributes({{"name", "mine"}, {"source", "--evil"}})) == "'--evil' can not name a repository");
    for (const auto& [path, name] : {std::pair("tools/mine_1.0_all.deb", "mine"),
                                     {"lib-mine-1.0-1.noarch.rpm", "lib-mine"},
                                     {"./lib-mine-1.0-1-any.pkg.tar.zst", "lib-mine"}})
        try {
            declare("package", attributes({{"name", "mine"}})).type->schema().clean(path);
            FAIL("it was taken for a name");
        } catch (const Error& error) {
            CHECK(error.hint == fmt::format("{{name: {}, file: {}}}", name, path));
        }
}

TEST_CASE("a package's file that changed since the plan stops the run before the package manager is called") {
    auto host = debian(good());
    host.put_command("apt-get", [](FakeHost&, const Command&) { return Output{0, "", ""}; });
    host.put_command("cp", [](FakeHost& scene, const Command& command) {
        scene.put_file(command.argv.back(), "evil");
        return Output{0, "", ""};
    });
    const auto run = plan_for(host, {mine()});
    REQUIRE(run.problems.ok());
    std::vector<Change> changes{{run.catalog[0].id, State(), run.goal[0]}};
    auto request = request_for(changes, false);
    REQUIRE(request.install.size() == 1);
    CHECK_THROWS_WITH(stage_files(host, changes, request),
                      "/site/mine_2.0_all.deb is no more what it was when the plan was made");
}
