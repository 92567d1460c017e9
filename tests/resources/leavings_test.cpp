// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <chaos/registry.hpp>

#include "package/repack.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;
namespace apt = chaos::resources::apt;

namespace {

constexpr const char* others = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n";
constexpr const char* left =
    "Package: tool\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1:2\nConfig-Version: 1:2\n"
    "Conffiles:\n /etc/tool.conf 0123\n /etc/tool.old 4567 obsolete\nDescription: a tool\n\n";
constexpr const char* archive = "/var/lib/chaos/packages/tool_1%3a2_all.left.deb";

/// A Debian on which what a removal left of `tool` is all of it; its dpkg knows how to purge.
FakeHost with_what_is_left() {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status", std::string(left) + others);
    host.put_file("/var/lib/dpkg/info/tool.list", "/.\n/etc\n/etc/tool.conf\n");
    host.put_file("/var/lib/dpkg/info/tool.postrm", "#!/bin/sh\n");
    host.put_file("/var/lib/apt/lists/deb_Packages.lz4", "");
    host.put_file("/etc/tool.conf", "edited");
    host.put_directory("/var/lib/chaos");
    for (const char* name : {"apt-get", "apt-cache", "cp", "mv", "rm", "mkdir", "dd", "sync", "dpkg-deb"})
        host.put_command(name, [](FakeHost&, const Command&) { return Output{}; });
    host.put_command("md5sum", [](FakeHost&, const Command& command) {
        return Output{0, (command.argv.back() == "/etc/tool.old" ? "4567  " : "89ab  ") + command.argv.back(), ""};
    });
    host.put_command("mv", [](FakeHost& inside, const Command& command) {
        inside.put_file(command.argv.back(), "packed");
        return Output{};
    });
    host.put_command("dpkg", [](FakeHost& inside, const Command& command) {
        const auto says = [&](const char* word) {
            return std::find(command.argv.begin(), command.argv.end(), word) != command.argv.end();
        };
        if (says("--purge")) inside.put_file("/var/lib/dpkg/status", others);
        if (says("--remove")) inside.put_file("/var/lib/dpkg/status", std::string(left) + others);
        return Output{};
    });
    return host;
}

/// What it ran, but for the first so many.
std::vector<std::string> commands_of(const FakeHost& host, std::size_t from = 0) {
    std::vector<std::string> lines;
    for (const Command& command : host.ran()) {
        std::string line;
        for (const auto& word : command.argv) line += (line.empty() ? "" : " ") + word;
        lines.push_back(line);
    }
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(from));
    return lines;
}

/// The number of the first line that has these words; of none, how many there are.
std::size_t at(const std::vector<std::string>& lines, const std::string& words) {
    return static_cast<std::size_t>(
        std::find_if(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(words) != line.npos; }) -
        lines.begin());
}

Resource purged() {
    return declare("package", attributes({{"name", "tool"}, {"purge", "true"}}), true);
}

}  // namespace

TEST_CASE("what a removal had left, and is purged, is kept before that and comes back as that alone") {
    auto host = with_what_is_left();
    std::string stands_in;
    host.put_command("dd", [&](FakeHost&, const Command& command) {
        if (command.argv.at(1).ends_with("/tree/etc/tool.conf")) stands_in = command.input;
        CHECK_FALSE(command.argv.at(1).ends_with("/tree/etc/tool.old"));  // it is as it was brought: copied
        return Output{};
    });
    const auto run = apply(host, {purged()});
    REQUIRE(run.before.at(0));
    const Change& change = run.steps.at(0).changes.at(0);
    CHECK(run.steps.at(0).type->undo_of(change) == Undo::effort);
    auto lines = commands_of(host);
    CHECK(at(lines, "--build") < at(lines, "sync -f"));
    CHECK(at(lines, "sync -f") < at(lines, "dpkg --purge tool"));
    CHECK(at(lines, "dpkg --purge tool") < lines.size());
    CHECK(at(lines, "apt-get") == lines.size());
    CHECK(at(lines, "cp -p -T -- /var/lib/dpkg/info/tool.postrm") < lines.size());
    CHECK(stands_in.starts_with("# kept by chaos"));
    REQUIRE(host.look(archive));

    auto before = host.ran().size();
    take_back(host, run);
    lines = commands_of(host, before);
    CHECK(at(lines, std::string("--install ") + archive) < at(lines, "dpkg --remove tool"));
    CHECK(at(lines, "dpkg --remove tool") < lines.size());
    CHECK(at(lines, "apt-get") == lines.size());

    before = host.ran().size();
    take_back(host, run);  // done again it does nothing
    lines = commands_of(host, before);
    CHECK(at(lines, "dpkg --") == lines.size());
}

TEST_CASE("where nothing was kept of what a removal had left, that is told and holds up nothing") {
    auto host = with_what_is_left();
    const auto run = apply(host, {purged()});
    host.remove(archive), host.publish();
    host.said.clear();
    take_back(host, run);
    REQUIRE(host.said.size() == 1);
    CHECK(host.said.front() == "of what tool 1:2 had left only its files below /etc come back: no more was kept");
}

TEST_CASE("what a removal left can not be wished for, and is none of the host's packages") {
    const auto wished = declare("package", attributes({{"name", "tool"}, {"removed", "true"}}));
    Diagnostics problems;
    wished.type->review(wished, problems);
    REQUIRE(problems.errors().size() == 1);
    CHECK(std::string_view(problems.errors().front().what()) == "what a removal left can not be wished for");
    auto host = with_what_is_left();
    const auto run = plan_for(host, {declare("package", attributes({{"name", "tool"}}), true)});
    CHECK(run.steps.empty());  // absent, and not to be purged
}

TEST_CASE("dpkg's status tells the configuration of a package with the digest that it was brought with") {
    const auto found = apt::conffiles_of(std::string(others) + "\n" + left, "tool", "all");
    REQUIRE(found.size() == 2);
    CHECK(found.front() == std::pair<std::string, std::string>("/etc/tool.conf", "0123"));
    CHECK(found.back() == std::pair<std::string, std::string>("/etc/tool.old", "4567"));
    CHECK(apt::conffiles_of(left, "tool", "amd64").empty());
    CHECK(apt::conffiles_of(others, "dpkg", "amd64").empty());
    CHECK(apt::control_of(left, "tool", "all") ==
          "Package: tool\nArchitecture: all\nVersion: 1:2\nDescription: a tool\n");
}
