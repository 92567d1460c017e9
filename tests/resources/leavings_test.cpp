// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <chaos/registry.hpp>

#include "package/leavings.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;
using chaos::resources::without_leavings;

namespace {

constexpr const char* others = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n";
constexpr const char* left =
    "Package: tool\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1:2\nConfig-Version: 1:2\n"
    "Conffiles:\n /etc/tool.conf 0123\n /etc/tool.old 4567 obsolete\nDescription: a tool\n\n";

/// A Debian on which what a removal left of `tool` is all of it; its apt-get can purge it.
FakeHost with_what_is_left() {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status", std::string(left) + others);
    host.put_file("/var/lib/apt/lists/deb_Packages.lz4", "");
    host.put_directory("/var/lib/chaos");
    for (const char* name : {"apt-cache", "cp", "mv", "rm", "mkdir", "dd", "sync", "dpkg-deb", "dpkg", "apt-mark"})
        host.put_command(name, [](FakeHost&, const Command&) { return Output{}; });
    host.put_command("apt-get", [](FakeHost& inside, const Command& command) {
        const auto& words = command.argv;
        if (std::find(words.begin(), words.end(), "-s") != words.end()) return Output{0, "Purg tool [1:2]\n", ""};
        inside.put_file("/var/lib/dpkg/status", others);
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

TEST_CASE("what a removal had left goes by the package manager, and comes back without it") {
    auto host = with_what_is_left();
    const auto run = apply(host, {purged()});
    REQUIRE(run.before.at(0));
    const Change& change = run.steps.at(0).changes.at(0);
    CHECK(run.steps.at(0).type->undo_of(change) == Undo::effort);
    auto lines = commands_of(host);
    CHECK(at(lines, "tool- --purge") + at(lines, "--purge") < 2 * lines.size());
    CHECK(host.text("/var/lib/dpkg/status").find("Package: tool") == std::string::npos);

    const auto before = host.ran().size();
    take_back(host, run);
    lines = commands_of(host, before);
    CHECK(at(lines, "install") == lines.size());
    CHECK(at(lines, "unpack") == lines.size());
    CHECK(at(lines, "purge") == lines.size());
}

TEST_CASE("a change to what a removal leaves is a removal where the package is there, and else none") {
    const auto state = [](const char* removed) {
        return declare("package", attributes({{"name", "tool"}, {"purge", "true"}, {"removed", removed}})).wanted;
    };
    const State left = state("true"), installed = state("false");
    const ResourceId id{"package", "tool"};
    CHECK_FALSE(without_leavings(Change{id, {}, left}));
    CHECK_FALSE(without_leavings(Change{id, left, left}));
    const auto goes = without_leavings(Change{id, installed, left});
    REQUIRE(goes);
    CHECK_FALSE(goes->after);
    CHECK_FALSE(chaos::resources::goes_wholly(*goes, true));
    CHECK_FALSE(chaos::resources::goes_wholly(*goes, false));
    const auto comes = without_leavings(Change{id, left, installed});
    REQUIRE(comes);
    CHECK_FALSE(comes->before);
    const auto purged = without_leavings(Change{id, left, {}});
    REQUIRE(purged);
    CHECK(chaos::resources::goes_wholly(*purged, false));
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
