// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/history.hpp>

#include "package/apt.hpp"
#include "package/apt_marks.hpp"
#include "package/apt_shown.hpp"
#include "package/archives.hpp"
#include "package/locks.hpp"
#include "package/manners.hpp"
#include "package/repack.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;
namespace apt = chaos::resources::apt;

namespace {

constexpr const char* status =
    "Package: dpkg\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n"
    "Package: libold\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\n"
    "Package: telnet\nStatus: install ok installed\nArchitecture: amd64\nVersion: 0.17\n";

/// A Debian whose apt-get answers every simulation with this.
FakeHost debian(Output answer) {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status", status);
    host.put_file("/var/lib/apt/lists/deb_Packages.lz4", "");
    host.put_command("apt-get", [answer](FakeHost&, const Command&) { return answer; });
    return host;
}

Resource package(const char* name, bool absent = false) {
    return declare("package", attributes({{"name", name}}), absent);
}

bool has(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

TEST_CASE("a package's plan has exact versions and what comes along, each for whom it comes") {
    auto host =
        debian({0,
                "NOTE: This is only a simulation!\nInst libnew (2.0 Debian:12/stable [amd64])\n"
                "Inst web (3.1-2 Debian:12/stable [amd64]) []\nInst libold [1.0] (1.1 Debian:12/stable [amd64])\n"
                "Inst tool (1:4 Debian:12/stable [all])\nRemv telnet [0.17]\nConf web (3.1-2 x)\n",
                ""});
    const auto run = plan_for(host, {package("web"), package("tool"), package("telnet", true)});
    REQUIRE_MESSAGE(run.problems.ok(), run.problems.errors().front().what());
    REQUIRE(run.catalog.size() == 5);
    const auto version = [&](std::size_t i) {
        return run.catalog[i].type->schema().find("version")->get(run.goal[i].spec()).text();
    };
    CHECK(version(0) == "3.1-2");
    CHECK(version(1) == "1:4");
    CHECK_FALSE(run.goal[2]);
    for (const std::size_t i : {3, 4}) {
        const bool upgraded = run.catalog[i].id.key == "libold";
        CHECK(version(i) == (upgraded ? "1.1" : "2.0"));
        CHECK(static_cast<bool>(run.before[i]) == upgraded);
        CHECK(run.catalog[i].because == (upgraded ? 1 : 0));
    }
    CHECK(run.steps.size() == 1);  // one transaction
}

TEST_CASE(
    "a package may have a name of one letter, as R of Fedora has: else what upgraded it could not be taken back") {
    auto wanted = package("R");
    CHECK(to_text(wanted.id) == "package:R");
    CHECK_NOTHROW(wanted.type->schema().key()->set(wanted.type->schema().make().get(), Value("R")));
    Diagnostics problems;
    CHECK(decode(wanted.type->schema(), encode(wanted.type->schema(), wanted.wanted), problems));
    CHECK(problems.ok());
}

TEST_CASE("a package that a run left half removed leaves with its entry, and is no edit of somebody's") {
    const auto notes = [](std::string_view state) {
        FakeHost host;
        host.put_file("/var/lib/dpkg/status", std::string(status) + "\nPackage: web\nStatus: " + std::string(state) +
                                                  "\nArchitecture: amd64\nVersion: 1\n");
        auto entry = declare("package", attributes({{"name", "web"}, {"version", "2"}}), true);
        entry.leaving = true, entry.where = {}, entry.recorded = entry.wanted;
        const auto run = plan_for(host, {entry});
        const auto& remarks = run.problems.remarks();
        const bool told = std::any_of(remarks.begin(), remarks.end(), [](const Error& one) {
            return std::string_view(one.what()).find("somebody else") != std::string_view::npos;
        });
        return !told && !run.goal[0];
    };
    CHECK(notes("deinstall ok half-installed"));
    CHECK_FALSE(notes("install ok installed"));  // another version: somebody's
}

TEST_CASE("a package that somebody put on hold since stays when its entry leaves, and that is told") {
    const auto leaves = [](const char* noted, const char* origin) {
        FakeHost host = debian({});
        host.put_file("/var/lib/dpkg/status", std::string(status) + "\nPackage: web\nStatus: hold ok installed\n" +
                                                  "Architecture: amd64\nVersion: 2\n");
        auto said = attributes({{"name", "web"}, {"version", "2"}});
        if (*noted) said.push_back({Value("hold"), Value(noted)});
        auto entry = declare("package", attributes({{"name", "web"}, {"version", origin}}), !*origin);
        entry.leaving = true, entry.where = {}, entry.recorded = declare("package", said).wanted;
        if (!*origin) entry.wanted = entry.recorded;
        const auto run = plan_for(host, {entry});
        std::string told;
        for (const Error& error : run.problems.remarks()) told += error.what();
        return std::pair(run.steps.empty(), told);
    };
    const std::string stays = "package:web left the manifest, but 'hold' was changed since by somebody else: it stays";
    CHECK(leaves("false", "") == std::pair(true, stays));
    CHECK(leaves("false", "1") == std::pair(true, stays));
    CHECK_FALSE(leaves("true", "").first);  // it was so when we left it
    CHECK_FALSE(leaves("", "").first);      // or may have been
}

TEST_CASE("a package that would remove another one is refused, unless that one is to be absent") {
    auto host = debian({0, "Remv telnet [0.17]\nInst web (3 x)\n", ""});
    const auto run = plan_for(host, {package("web")});
    REQUIRE_FALSE(run.problems.ok());
    CHECK(std::string(run.problems.errors()[0].what()) == "package web can not be changed without removing telnet");
    CHECK(plan_for(host, {package("web"), package("telnet", true)}).problems.ok());
}

TEST_CASE("a package that apt does not know is an error with apt's words at that package") {
    auto host = debian({100, "", "E: Unable to locate package wbe\nE: Package 'old' has no installation candidate\n"});
    const auto run = plan_for(host, {package("fine"), package("wbe"), package("old")});
    REQUIRE(run.problems.errors().size() == 2);
    CHECK(std::string(run.problems.errors()[0].what()) == "package wbe: apt says: Unable to locate package wbe");
    CHECK(std::string(run.problems.errors()[1].what()) ==
          "package old: apt says: Package 'old' has no installation candidate");
}

TEST_CASE("a package is planned where apt has no lists or may not write its cache, with a remark") {
    FakeHost bare;
    bare.put_file("/var/lib/dpkg/status", status);
    const auto run = plan_for(bare, {package("web")});
    REQUIRE(run.steps.size() == 1);
    Diagnostics said;
    run.steps[0].type->check(View(bare), run.steps[0].changes, said);
    CHECK(said.ok());
    CHECK(said.remarks().size() == 1);
    CHECK(run.steps[0].type->undo_of(run.steps[0].changes[0]) == Undo::effort);
    const auto stale =
        debian({100, "", "E: Could not create temporary file for /var/cache/apt/pkgcache.bin - mkstemp\n"});
    CHECK(plan_for(stale, {package("web")}).problems.remarks().size() == 1);
}

TEST_CASE("a package is an error where there is no dpkg, and an essential one is never removed") {
    const FakeHost none;
    Diagnostics said;
    auto run = plan_for(none, {package("web")});
    run.steps.at(0).type->check(View(none), run.steps[0].changes, said);
    CHECK_FALSE(said.ok());
    const auto host = debian({0, "Remv dpkg [1.21]\n", ""});
    Diagnostics refused;
    run = plan_for(host, {package("dpkg", true)});
    run.steps.at(0).type->check(View(host), run.steps[0].changes, refused);
    CHECK_FALSE(refused.ok());
}

TEST_CASE("a package's answers go to debconf by standard input and never by an argument") {
    auto host = debian({0, "Inst web (3 x)\n", ""});
    std::string heard;
    host.put_command("debconf-set-selections", [&heard](FakeHost&, const Command& command) {
        heard = command.input;
        return Output{};
    });
    Value answers(Value::Map{{Value("web/password"), Value("sesame")}});
    const auto run = plan_for(host, {declare("package", attributes({{"name", "web"}, {"debconf", answers}}))});
    run.steps.at(0).type->apply_all(host, run.steps[0].changes);
    CHECK(heard == "web web/password string sesame\n");
    for (const auto& command : host.ran())
        for (const auto& word : command.argv) CHECK(word.find("sesame") == word.npos);
    REQUIRE_FALSE(host.ran().empty());
    const auto& install = host.ran().back();
    CHECK(has(install.argv, "web=3"));
    CHECK(has(install.argv, "--no-remove"));
    CHECK(has(install.environment, "DEBIAN_FRONTEND=noninteractive"));
}

TEST_CASE("apt's lock is held by whom /proc/locks names") {
    FakeHost host;
    host.put_file("/var/lib/dpkg/lock-frontend", "");
    CHECK(apt::lock_holder(host).empty());
    const auto inode = std::to_string(host.look("/var/lib/dpkg/lock-frontend").inode);
    host.put_file("/proc/locks", "1: FLOCK  ADVISORY  WRITE 9 00:19:" + inode +
                                     " 0 EOF\n2: POSIX  ADVISORY  WRITE 712 00:19:" + inode + " 0 EOF\n");
    host.put_file("/proc/712/comm", "apt-get\n");
    CHECK(apt::lock_holder(host) == "apt-get (pid 712)");
    int waited_s = apt::lock_wait_s;  // what is said then is true of a run that takes back as well
    try {
        apt::wait_for_locks(host, waited_s);
        FAIL("it is held");
    } catch (const Error& error) {
        CHECK(std::string(error.what()) == "dpkg's lock was held for 600 seconds by apt-get (pid 712)");
        CHECK(error.hint == "wait for it to end, then try again");
    }
}

TEST_CASE("a package that others need by now stays where it would only go back, and is told where it is to be absent") {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status",
                  "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
                  "Package: libjq\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
                  "Depends: libonig (>= 1)\n\n"
                  "Package: libonig\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
                  "Package: web\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
                  "Package: jq\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDepends: libjq\n");
    const auto going = [&](Place where) {
        const View view(host);
        Catalog catalog{package("libjq", true), package("libonig", true), package("web", true)};
        for (Resource& one : catalog) one.where = where;
        Diagnostics problems;
        const States observed = observe(catalog, view, problems, 1, true);
        States goal(3);
        const auto kept = keep_occupied(catalog, view, observed, goal);
        CHECK(!goal[2]);
        CHECK(static_cast<bool>(goal[0]) == !kept.empty());
        return kept;
    };
    CHECK(going({}) == std::vector<std::uint32_t>{0, 1});
    CHECK(going({3, 5, 0}).empty());
    CHECK(plan_for(host, {package("web", true)}).problems.ok());
    auto declared = package("libjq", true);
    declared.where = {3, 5, 0};
    CHECK_FALSE(plan_for(host, {declared}).problems.ok());
}

namespace {

/// A Debian on which commands do nothing but well, tool 1 is installed, and chaos keeps what goes.
FakeHost keeping_debian() {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status",
                  "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1\n"
                  "Conffiles:\n /etc/tool.conf 0123\nDescription: a tool\n more of it\n\n"
                  "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n");
    host.put_file("/var/lib/apt/lists/deb_Packages.lz4", "");
    host.put_directory("/var/lib/chaos");
    for (const char* name : {"apt-get", "apt-cache", "apt-mark", "cp", "mv", "rm", "mkdir", "dd", "sync", "install",
                             "dpkg", "sha256sum", "dpkg-deb"})
        host.put_command(name, [](FakeHost&, const Command&) { return Output{}; });
    return host;
}

Change change_of(std::optional<std::string> from, std::optional<std::string> to) {
    const auto state = [](const std::optional<std::string>& version) {
        if (!version) return State();
        return declare("package", attributes({{"name", "tool"}, {"version", *version}})).wanted;
    };
    return {{"package", "tool"}, state(from), state(to)};
}

std::string words(const Command& command) {
    std::string all;
    for (const std::string& word : command.argv) all += (all.empty() ? "" : " ") + word;
    return all;
}

std::vector<std::string> lines_of(const FakeHost& host) {
    std::vector<std::string> all;
    for (const Command& command : host.ran()) all.push_back(words(command));
    return all;
}

std::size_t at(const std::vector<std::string>& lines, std::string_view part) {
    for (std::size_t i = 0; i < lines.size(); ++i)
        if (lines[i].find(part) != std::string::npos) return i;
    return lines.size();
}

constexpr const char* of_dpkg = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n";

/// That command brings this version where it is given that file.
void brings(FakeHost& host, const char* command, const std::string& file, const std::string& version) {
    host.put_command(command, [=](FakeHost& h, const Command& asked) {
        if (has(asked.argv, file))
            h.put_file(
                "/var/lib/dpkg/status",
                of_dpkg +
                    ("Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + version + "\n"));
        return Output{};
    });
}

const ResourceType& kind() {
    return *declare("package", attributes({{"name", "tool"}})).type;
}

}  // namespace

TEST_CASE("a package that goes is kept, from apt's cache where its digest is right, before apt is asked to remove it") {
    auto host = keeping_debian();
    const std::string cached = "/var/cache/apt/archives/tool_1%3a1_amd64.deb";
    host.put_file(cached, "bytes");
    const std::string digest(64, 'a');
    host.put_command("apt-cache", [&](FakeHost&, const Command&) {
        return Output{0, "Package: tool\nVersion: 1:1\nArchitecture: amd64\nSHA256: " + digest + "\n\n", ""};
    });
    host.put_command("sha256sum", [&](FakeHost&, const Command&) { return Output{0, digest + "  x\n", ""}; });
    host.put_command("cp", [](FakeHost& inside, const Command& command) {
        if (has(command.argv, "-l")) inside.put_file("/var/lib/chaos/packages/tool_1%3a1_amd64.deb", "bytes");
        return Output{};
    });
    const Change change = change_of("1:1", std::nullopt);
    kind().apply_all(host, std::span(&change, 1));
    const auto lines = lines_of(host);
    CHECK(at(lines, "cp -l") < at(lines, "sync -f /var/lib/chaos/packages"));
    CHECK(at(lines, "sync -f") < at(lines, "install tool-"));
    CHECK(at(lines, "install tool-") < lines.size());
    CHECK(at(lines, "dpkg-deb") == lines.size());
}

TEST_CASE("a package whose .deb no archive has any more is packed anew before it goes") {
    auto host = keeping_debian();
    host.put_file("/var/lib/dpkg/info/tool.list",
                  "/.\n/usr\n/usr/bin\n/usr/bin/tool\n/../../out\n/usr/gone\n/srv/tool\n/etc\n/etc/tool.conf\n");
    host.put_file("/etc/tool.conf", "edited");
    host.put_file("/var/lib/chaos/packages/repacked/tree/etc/tool.conf", "edited");
    host.put_command("dpkg", [](FakeHost&, const Command& command) {
        return has(command.argv, "--verify") ? Output{1, "??5?????? c /etc/tool.conf\n??5??????   /usr/bin/tool\n", ""}
                                             : Output{};
    });
    host.put_file("/var/lib/dpkg/info/tool.postinst", "#!/bin/sh\n");
    host.put_file("/usr/bin/tool", "it");
    host.put_directory("/srv/tool", 0750);
    host.put_file("/var/cache/apt/archives/tool_1%3a1_amd64.deb", "wrong");
    host.put_command("dpkg-deb", [](FakeHost&, const Command& command) {
        return has(command.argv, "-W") ? Output{0, "tool 1:2 amd64", ""} : Output{};
    });
    std::string control, in_place;
    host.put_command("dd", [&](FakeHost&, const Command& command) {
        return (has(command.argv, "of=/var/lib/chaos/packages/repacked/tree/etc/tool.conf") ? in_place : control) =
                   command.input,
                                                                                                         Output{};
    });
    const Change change = change_of("1:1", "1:2");
    kind().apply_all(host, std::span(&change, 1));
    const auto lines = lines_of(host);
    const std::string tree = "/var/lib/chaos/packages/repacked/tree";
    CHECK(at(lines, "cp -a --parents -t " + tree + " -- usr/bin/tool") < lines.size());
    CHECK(lines[at(lines, "cp -a --parents")].find("out") == std::string::npos);
    CHECK(at(lines, "install -d -m 750 -o 0 -g 0 -- " + tree + "/srv/tool") < lines.size());
    CHECK(at(lines, "cp -p -T -- /var/lib/dpkg/info/tool.postinst " + tree + "/DEBIAN/postinst") < lines.size());
    CHECK(at(lines, "--build " + tree) < at(lines, "install tool=1:2"));
    CHECK(control == "Package: tool\nArchitecture: amd64\nVersion: 1:1\nDescription: a tool\n more of it\n");
    CHECK(at(lines, "cp -l") == lines.size());                   // another version under its name
    CHECK(in_place.starts_with("# kept by chaos in place of"));  // else dpkg would take the edit for the package's
}

namespace {

/// What is left of a package's history: a run that upgraded it, and what was there before chaos.
class LaterRuns final : public History {
public:
    std::vector<RunRecord> runs(std::size_t) const override { return {}; }
    std::optional<RunRecord> run(std::int64_t) const override { return RunRecord{.state = RunState::committed}; }
    std::optional<Window> window() const override { return std::nullopt; }
    std::vector<ChangeRecord> changes(std::int64_t) const override { return {}; }
    std::vector<ChangeRecord> changes_of(const ResourceId& id) const override {
        ChangeRecord change;
        change.before = Value(attributes({{"version", "1:2"}})), change.after = Value(attributes({{"version", "1:3"}}));
        return id.key == "tool" ? std::vector{change} : std::vector<ChangeRecord>();
    }
    std::vector<OwnedRecord> owned(const std::string&) const override { return {}; }
    const std::vector<Holding>& holdings() const override { return holdings_; }
    OwnedRecord owned(const Holding&) const override {
        OwnedRecord record;
        record.origin = Value(attributes({{"version", "1:1"}}));
        return record;
    }
    std::string site_origin(const std::string&) const override { return {}; }
    std::vector<std::pair<std::string, Digest>> noted(const ResourceId&, std::string*) const override { return {}; }

private:
    std::vector<Holding> holdings_{{"package", "tool", "site", "", false, false, 1}};
};

}  // namespace

TEST_CASE("packages that are kept go when no recorded run needs them, and they are not what was there before chaos") {
    auto host = keeping_debian();
    host.put_command("rm", [](FakeHost&, const Command&) { return Output{}; });
    for (const char* version : {"1", "2", "3", "4"})
        host.put_file(std::string("/var/lib/chaos/packages/tool_1%3a") + version + "_amd64.deb", "bytes");
    kind().sweep(host, LaterRuns());
    const auto lines = lines_of(host);
    REQUIRE(at(lines, "rm -f") < lines.size());
    CHECK(lines[at(lines, "rm -f")] == "rm -f -- /var/lib/chaos/packages/tool_1%3a4_amd64.deb");
}

TEST_CASE("only a hold that was there when the plan was made is let go") {
    const auto marks = [](const char* hold) {
        auto host = keeping_debian();
        host.put_file("/var/lib/dpkg/status",
                      "Package: tool\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1:1\n");
        host.put_file("/var/lib/chaos/packages/tool_1%3a1_amd64.deb", "kept");
        Change change = change_of("1:1", "1:2");
        if (*hold)
            change.before =
                declare("package", attributes({{"name", "tool"}, {"version", "1:1"}, {"hold", hold}})).wanted;
        try {
            kind().apply_all(host, std::span(&change, 1));
        } catch (const Error& error) {
            REQUIRE(std::string(error.what()).ends_with("somebody put it on hold since the plan was made"));
            CHECK(error.hint == "apt-mark unhold tool");
            CHECK(at(lines_of(host), "apt-get") == lines_of(host).size());
        }
        return at(lines_of(host), "apt-mark unhold") < lines_of(host).size();
    };
    CHECK_FALSE(marks("false"));
    CHECK(marks("true"));
    CHECK(marks(""));  // nobody looked: what was recorded before that was observed
}

TEST_CASE("a package that can not be kept is not touched") {
    auto host = keeping_debian();
    const Change change = change_of("1:1", std::nullopt);
    CHECK_THROWS_WITH_AS(kind().apply_all(host, std::span(&change, 1)),
                         doctest::Contains("can not be kept, so it could not come back: dpkg has no list"), Error);
    CHECK(at(lines_of(host), "apt-get") == lines_of(host).size());
}

TEST_CASE("packages go back by the files that were kept, and step by step where apt finds no way") {
    auto host = keeping_debian();
    host.put_file("/var/lib/chaos/packages/tool_1%3a0_amd64.deb", "old");
    const Change change = change_of("1:1", "1:0");
    const std::string file = "/var/lib/chaos/packages/tool_1%3a0_amd64.deb";
    brings(host, "apt-get", file, "1:0");
    kind().undo_all(host, std::span(&change, 1));
    auto lines = lines_of(host);
    REQUIRE(at(lines, file) < lines.size());
    CHECK(lines[at(lines, file)].starts_with("apt-get -f --no-install-recommends"));
    CHECK(at(lines, "update") == lines.size());
    auto stuck = keeping_debian();
    stuck.put_file(file, "old");
    stuck.put_command("apt-get", [](FakeHost&, const Command&) { return Output{100, "", "E: no way\n"}; });
    brings(stuck, "dpkg", file, "1:0");
    kind().undo_all(stuck, std::span(&change, 1));
    lines = lines_of(stuck);
    CHECK(at(lines, "--unpack " + file) < at(lines, "--configure -a"));
    CHECK(at(lines, "--configure -a") < lines.size());
}

TEST_CASE("an interrupted dpkg gets the .debs of the last transaction, by version, and that is said") {
    auto host = keeping_debian();
    host.put_file("/var/lib/dpkg/status",
                  "Package: tool\nStatus: install reinstreq half-installed\nArchitecture: amd64\nVersion: 1\n\n"
                  "Package: other\nStatus: install reinstreq half-installed\nArchitecture: amd64\nVersion: 1\n");
    host.put_file("/var/lib/chaos/packages/incoming", "tool_2_amd64.deb\n");
    for (const char* file : {"/var/lib/chaos/packages/tool_2_amd64.deb", "/var/lib/chaos/packages/tool_3_amd64.deb",
                             "/var/cache/apt/archives/tool_9_amd64.deb", "/var/cache/apt/archives/other_9_amd64.deb"})
        host.put_file(file, "");
    apt::repair(host);
    const auto lines = lines_of(host);
    REQUIRE(at(lines, "--unpack") < lines.size());
    CHECK(lines[at(lines, "--unpack")].ends_with(
        "--unpack /var/lib/chaos/packages/tool_2_amd64.deb /var/cache/apt/archives/other_9_amd64.deb"));
    REQUIRE_FALSE(host.said.empty());
    CHECK(host.said[0] == "dpkg was interrupted: bringing it to an end first (2 packages)");
}

TEST_CASE("a package goes back as wholly as it came: what a removal had left of it stays") {
    const auto tool = [](const char* state) {
        return "Package: tool\nStatus: " + std::string(state) +
               "\nArchitecture: amd64\nVersion: 3\n\n"
               "Package: lib\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n";
    };
    const auto goes_back = [&](const std::string& left, std::string_view key) -> std::string_view {
        auto host = debian({0, "Inst lib (2 Debian:12/stable [amd64])\nInst tool (3 Debian:12/stable [amd64])\n", ""});
        host.put_file("/var/lib/dpkg/status", status + left);
        const auto run = plan_for(host, {package("tool")});
        for (const Change& change : run.steps.at(0).changes) {
            if (change.id.key != key) continue;
            auto back = keeping_debian();
            back.put_file("/var/lib/dpkg/status", of_dpkg + tool("install ok installed"));
            const Change inverse = change.inverse();
            kind().undo_all(back, std::span(&inverse, 1));
            const bool purges = at(lines_of(back), "--purge") < lines_of(back).size();
            CHECK(at(lines_of(back), inverse.id.key + "-") < lines_of(back).size());
            CHECK(kind().undo_of(change) == (purges ? Undo::exact : Undo::effort));
            return purges ? "purged" : "removed";
        }
        return "";
    };
    const std::string left = "\n" + tool("deinstall ok config-files");
    CHECK(goes_back("", "tool") == "purged");
    CHECK(goes_back("", "lib") == "purged");
    CHECK(goes_back(left.substr(0, left.find("\n\n", 1) + 1), "tool") == "removed");
    CHECK(goes_back(left.substr(0, left.find("\n\n", 1) + 1), "lib") == "purged");
}

TEST_CASE("an upgrade that was cut goes back to the version that was, which dpkg notes until the new one is unpacked") {
    const std::string directory = "/var/lib/chaos/packages/", old = directory + "tool_1_amd64.deb";
    auto host = keeping_debian();
    host.put_file("/var/lib/dpkg/status",
                  std::string(of_dpkg) +
                      "Package: tool\nStatus: install reinstreq half-installed\nArchitecture: amd64\nVersion: 1\n");
    host.put_file(directory + "incoming", "tool_2_amd64.deb\n");
    host.put_file(directory + "tool_2_amd64.deb", "new");
    host.put_file(old, "old");
    brings(host, "dpkg", directory + "tool_2_amd64.deb", "2");
    brings(host, "apt-get", old, "1");
    auto fails = host;
    fails.put_command("apt-get", [](FakeHost&, const Command&) { return Output{}; });
    const auto state = [](const char* intact) {
        return declare("package", attributes({{"name", "tool"}, {"version", "1"}, {"intact", intact}})).wanted;
    };
    const Change change{{"package", "tool"}, state("false"), state("true")};
    kind().undo_all(host, std::span(&change, 1));
    CHECK(host.text("/var/lib/dpkg/status").ends_with("Version: 1\n"));
    CHECK_THROWS_WITH_AS(kind().undo_all(fails, std::span(&change, 1)),
                         "package tool did not come back at 1: it is at 2", Error);
}

TEST_CASE("files of a package that came back after dpkg had noted it as removed are removed once more") {
    const std::string file = "/var/lib/chaos/packages/tool_2_amd64.deb", status = "/var/lib/dpkg/status";
    const auto undone = [&](const char* size, const char* owner,
                            const char* other =
                                "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n") {
        auto host = keeping_debian();
        host.put_file(status, other);
        host.put_file(file, "the .deb");
        host.put_file("/usr/bin/tool", "four");
        host.put_command("dpkg-deb", [size](FakeHost&, const Command& command) {
            CHECK(command.environment == std::vector<std::string>{"TZ=UTC"});
            return Output{0,
                          std::string("drwxr-xr-x root/root         0 1970-01-01 00:00 ./usr/bin/\n") +
                              "-rw-r--r-- root/root        12 1970-01-01 00:00 ./usr/share/not there\n" +
                              "-rwxr-xr-x root/root      " + size + " 1970-01-01 00:00 ./usr/bin/tool\n",
                          ""};
        });
        host.put_command("dpkg-query", [owner](FakeHost&, const Command& command) {
            if (command.argv.at(1) != "--search") return Output{};
            CHECK(command.argv.size() == 3);
            return *owner ? Output{0, std::string(owner) + ": /usr/bin/tool\n", ""} : Output{1, "", "no path found"};
        });
        host.put_command("dpkg", [&](FakeHost& h, const Command& command) {
            if (has(command.argv, "--unpack"))
                h.put_file(
                    status,
                    h.text(status) + "\nPackage: tool\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 2\n");
            return Output{};
        });
        host.put_command("apt-get", [&](FakeHost& h, const Command&) {
            h.put_file(status, "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n");
            return Output{};
        });
        const Change change = change_of("2", std::nullopt);
        kind().undo_all(host, std::span(&change, 1));
        return lines_of(host);
    };
    const auto lines = undone("4", "");
    CHECK(at(lines, "--force-depends --unpack " + file) < at(lines, "-f --no-install-recommends"));
    CHECK(at(lines, "-f --no-install-recommends") < lines.size());
    for (const auto& none : {undone("5", ""), undone("4", "other")}) CHECK(at(none, "--unpack") == none.size());
    const auto there =
        undone("4", "", "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n");
    CHECK(at(there, "--unpack") == there.size());
}

TEST_CASE("what runs maintainer scripts sees a policy-rc.d of its own, that lets start what ran before") {
    auto host = keeping_debian();
    host.put_file("/usr/bin/deb-systemd-invoke", "my $p = '/usr/sbin/policy-rc.d';\n");
    host.put_unit("web.service", "[Service]\nExecStart=/web\n", true);
    const Change change = change_of(std::nullopt, "2");
    kind().apply_all(host, std::span(&change, 1));
    const auto& ran = host.ran();
    const auto install =
        std::find_if(ran.begin(), ran.end(), [](const Command& one) { return has(one.argv, "install"); });
    REQUIRE(install != ran.end());
    CHECK(install->veil == "/var/lib/chaos/packages/veil");
    REQUIRE(install->own.size() == 2);
    CHECK(install->own[0].text.find("\" web.service web ") != std::string::npos);
    CHECK(install->own[1].over == "/usr/bin/deb-systemd-invoke");
    CHECK(install->own[1].text == "my $p = '/var/lib/chaos/packages/veil/policy-rc.d';\n");
    CHECK(apt::held_in("x\nchaos: held: b\nchaos: held: a\nchaos: held: b\n") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("of a list the paragraphs are picked that tell of exactly what comes") {
    const std::string list =
        "Package: one\nArchitecture: amd64\nVersion: 1\nDescription: x\n Package: two\n\n"
        "Package: one\nArchitecture: amd64\nVersion: 2\n\n"
        "Architecture: i386\nPackage: lib\nVersion: 1\n\n"
        "Package: lib\nArchitecture: amd64\nVersion: 1\n\n"
        "Package: data\nArchitecture: all\nVersion: 3\n";
    const auto picked = [&](const std::set<std::string>& wanted, std::size_t known) {
        std::set<std::string> found;
        auto text = apt::paragraphs_of(list, wanted, "amd64", found);
        CHECK(found.size() == known);
        return text;
    };
    CHECK(picked({"one=2"}, 1) == "Package: one\nArchitecture: amd64\nVersion: 2\n\n");
    CHECK(picked({"lib:i386=1"}, 1) == "Architecture: i386\nPackage: lib\nVersion: 1\n\n");
    CHECK(picked({"lib=1"}, 1) == "Package: lib\nArchitecture: amd64\nVersion: 1\n\n");
    CHECK(picked({"data=3", "two=1", "one=3"}, 1) == "Package: data\nArchitecture: all\nVersion: 3\n");
    CHECK(picked({}, 0).empty());
    std::set<std::string> found;
    for (const char* odd : {"", "\n", "\n\n", "Package: one", "Package: "})
        CHECK(apt::paragraphs_of(odd, {"one=1"}, "amd64", found).empty());
}

TEST_CASE("apt is shown what comes and no other package, and without a place for that all lists as ever") {
    auto host = keeping_debian();
    host.remove("/var/lib/apt/lists/deb_Packages.lz4");
    host.put_file("/var/lib/apt/lists/deb_InRelease", "Suite: stable\n");
    host.put_file("/var/lib/apt/lists/deb_Packages",
                  "Package: tool\nArchitecture: amd64\nVersion: 2\n\nPackage: other\nArchitecture: all\nVersion: 2\n");
    host.put_file("/usr/sbin/dpkg-preconfigure", "if (system(\"apt-extracttemplates\", @all)) {}\n");
    resources::Request request{.install = {"tool=2"}, .remove = {}};
    request.complete = true;
    const auto text_of = [](const Command& command, std::string_view name) {
        const auto its = std::find_if(command.own.begin(), command.own.end(),
                                      [&](const Command::Own& own) { return own.name == name; });
        return its == command.own.end() ? std::string("none") : its->text;
    };
    const std::string veil = "/var/lib/chaos/packages/veil";
    auto command = apt::command(request, false);
    apt::show_only_what_comes(host, request, command);
    CHECK(command.veil == veil);
    CHECK(has(command.argv, "Dir::State::lists=" + veil));
    CHECK(text_of(command, "deb_InRelease") == "Suite: stable\n");
    CHECK(text_of(command, "deb_Packages") == "Package: tool\nArchitecture: amd64\nVersion: 2\n\n");
    CHECK(text_of(command, "dpkg-preconfigure") ==
          "if (system(\"env\", \"APT_CONFIG=" + veil + "/apt.conf\", \"apt-extracttemplates\", @all)) {}\n");
    CHECK(text_of(command, "apt.conf").starts_with("Dir::State::lists \"" + veil));

    const auto is_left_alone = [&](const resources::Request& asked) {
        auto plain = apt::command(asked, false);
        const auto before = plain.argv;
        apt::show_only_what_comes(host, asked, plain);
        return plain.argv == before && plain.own.empty();
    };
    resources::Request unknown = request;
    unknown.install.emplace_back("none=1");
    CHECK(is_left_alone(unknown));
    resources::Request partly = request;
    partly.complete = false;
    CHECK(is_left_alone(partly));
    host.put_file("/var/lib/apt/lists/other_Packages.lz4", "not to be read");
    CHECK(is_left_alone(request));
}

TEST_CASE("of a list that is kept compressed apt is shown what comes, uncompressed") {
    auto host = keeping_debian();
    host.remove("/var/lib/apt/lists/deb_Packages.lz4");
    host.put_file("/var/lib/apt/lists/one_Packages.gz", "");
    host.put_file("/var/lib/apt/lists/two_Packages", "");
    host.put_file("/var/lib/apt/lists/two_Packages.xz", "");  // an older one: apt reads it neither
    host.put_command("/usr/lib/apt/apt-helper", [](FakeHost&, const Command& asked) {
        CHECK(asked.argv.back() == "/var/lib/apt/lists/one_Packages.gz");
        return Output{
            0, "Package: other\nArchitecture: all\nVersion: 2\n\nPackage: tool\nArchitecture: amd64\nVersion: 2\n", ""};
    });
    resources::Request request{.install = {"tool=2"}, .remove = {}};
    request.complete = true;
    auto command = apt::command(request, false);
    apt::show_only_what_comes(host, request, command);
    std::map<std::string, std::string> shown;
    for (const Command::Own& own : command.own) shown.emplace(own.name, own.text);
    CHECK(shown.at("one_Packages") == "Package: tool\nArchitecture: amd64\nVersion: 2\n");
    CHECK(shown.at("two_Packages").empty());
    CHECK(shown.size() == 2);
}

TEST_CASE("where a command can see nothing of its own, it is not told of it") {
    auto host = keeping_debian();
    std::vector<std::vector<std::string>> told;
    host.put_command("apt-get", [&](FakeHost&, const Command& command) {
        told.push_back(command.argv);
        if (!command.own.empty()) throw NoNamespace("no mount namespace");
        return Output{};
    });
    Command command{{"apt-get", "-o", "Dir::State::lists=/veil", "-o", "Dir::Cache::pkgcache=", "install"}};
    command.veil = "/veil";
    command.own.push_back({"deb_Packages", "text"});
    CHECK(apt::run_when_free(host, command).status == 0);
    REQUIRE(told.size() == 2);
    CHECK(told[1] == std::vector<std::string>{"apt-get", "-o", "Dir::Cache::pkgcache=", "install"});
}

TEST_CASE("maintainer scripts are plain where debhelper wrote all that they do") {
    FakeHost host;
    host.put_file("/var/lib/dpkg/info/tool.list", "");
    const Packages::Package tool{.name = "tool", .architecture = "amd64"};
    CHECK(apt::has_plain_scripts(host, tool));
    host.put_file(
        "/var/lib/dpkg/info/tool.postinst",
        "#!/bin/sh\nset -e\n# Automatically added by dh_x/1\nldconfig\n# End automatically added section\n\nexit 0\n");
    CHECK(apt::has_plain_scripts(host, tool));
    host.put_file("/var/lib/dpkg/info/tool.prerm", "#!/bin/sh\nrm -r /var/lib/tool\n");
    CHECK_FALSE(apt::has_plain_scripts(host, tool));
}

TEST_CASE("what apt notes of who came along is changed where that is asked, and else as it was") {
    const std::string states =
        "Package: lib\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: lib\nArchitecture: i386\nAuto-Installed: "
        "1\n\n"
        "Package: odd\nArchitecture: amd64\nX-Of-Others: yes\nAuto-Installed: 0\n";
    CHECK(apt::with_marks(states, {{"odd", "amd64"}, {"new", "amd64"}}, true) ==
          "Package: lib\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: lib\nArchitecture: i386\nAuto-Installed: "
          "1\n\n"
          "Package: odd\nArchitecture: amd64\nX-Of-Others: yes\nAuto-Installed: 1\n\n"
          "Package: new\nArchitecture: amd64\nAuto-Installed: 1\n\n");
    CHECK(apt::with_marks(states, {{"lib", "i386"}, {"none", "amd64"}}, false) ==
          "Package: lib\nArchitecture: amd64\nAuto-Installed: 1\n\n"
          "Package: odd\nArchitecture: amd64\nX-Of-Others: yes\nAuto-Installed: 0\n\n");
    CHECK(apt::with_marks("Package: odd\nArchitecture: amd64\nX: y\nAuto-Installed: 1\n", {{"odd", "amd64"}}, false) ==
          "Package: odd\nArchitecture: amd64\nX: y\nAuto-Installed: 0\n\n");
    CHECK(apt::with_marks("", {}, true).empty());
    const auto marks = Packages::parse("Package: odd\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n",
                                       apt::with_marks("", {{"odd", "amd64"}}, true), "amd64\n");
    CHECK(marks.all[0].automatic);
}
