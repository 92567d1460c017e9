// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "package/dnf_library.hpp"
#include "package/package.hpp"
#include "package/rpm.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;
namespace rpm = chaos::resources::rpm;
using chaos::resources::Backend;
using chaos::resources::backend_of;
using chaos::resources::Metadata;
using chaos::resources::Move;
using chaos::resources::Request;
using Keeper = Packages::Keeper;

namespace {

/// An Arch whose pacman knows hello 2.0-1, and has 1.0-1 in its cache.
FakeHost arch() {
    FakeHost host;
    host.put_file("/var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
    host.put_file("/var/lib/pacman/local/libhi-1.0-1/desc",
                  "%NAME%\nlibhi\n\n%VERSION%\n1.0-1\n\n%ARCH%\nany\n\n%REASON%\n1\n\n%DEPENDS%\nx\n\n");
    host.put_file("/var/lib/pacman/local/half-1-1/files", "%FILES%\n");
    host.put_file("/etc/pacman.conf",
                  "[options]\nIgnorePkg = libhi other\n\n[core]\nServer = a\n\n[extra]\nServer = b\n");
    host.put_file("/var/lib/pacman/sync/core.db", "");
    host.put_file("/var/lib/pacman/sync/extra.db", "");
    host.put_file("/var/cache/pacman/pkg/hello-1.0-1-any.pkg.tar.zst", "");
    host.put_file("/var/cache/pacman/pkg/hello-1.0-1-any.pkg.tar.zst.sig", "");
    host.put_command("pacman", [](FakeHost&, const Command& command) {
        if (command.argv[1] == "-Sl")
            return Output{0, "core hello 2.0-1\nextra hello 3.0-1\ncore libhi 1.0-1 [installed]\n", ""};
        if (command.argv[1] == "-Sp" && command.argv.back() == "nope")
            return Output{1, "", "error: target not found: nope\n"};
        if (command.argv[1] == "-Sp") return Output{0, "newlib\t4-1\nhello\t2.0-1\n", ""};
        if (command.argv[1] == "-Up") return Output{0, "loading packages...\nhello\t1.0-1\n", ""};
        if (command.argv[1] == "-Rcp") return Output{0, "hello\t1.0-1\nlibhi\t1.0-1\n", ""};
        return Output{};
    });
    return host;
}

std::vector<std::string> words(const Command& command) {
    return command.argv;
}

}  // namespace

TEST_CASE("who keeps the packages is told by the database, and by os-release where there are several") {
    FakeHost host;
    CHECK(Packages::keeper_of(host) == Keeper::none);
    host.put_file("/var/lib/dpkg/status", "");
    CHECK(Packages::keeper_of(host) == Keeper::apt);
    auto fedora = host;
    fedora.put_file("/usr/lib/sysimage/rpm/rpmdb.sqlite", "x");
    CHECK(Packages::keeper_of(fedora) == Keeper::dnf);
    fedora.put_file("/var/lib/dpkg/status", "Package: x\n");
    CHECK(Packages::keeper_of(fedora) == Keeper::apt);
    fedora.put_file("/etc/os-release", "NAME=x\nID=nobara\nID_LIKE=\"rhel fedora\"\n");
    CHECK(Packages::keeper_of(fedora) == Keeper::dnf);
    fedora.put_file("/etc/os-release", "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n");
    CHECK(Packages::keeper_of(fedora) == Keeper::zypper);
    fedora.put_file("/etc/os-release", "ID=debian\n");
    CHECK(Packages::keeper_of(fedora) == Keeper::apt);
    CHECK(Packages::keeper_of(arch()) == Keeper::pacman);
}

TEST_CASE("pacman's packages have their marks, and a half-written one is none") {
    const auto host = arch();
    const View view(host);
    const auto& packages = view.once<Packages>();
    REQUIRE(packages.all.size() == 1);
    const auto* one = packages.find("libhi");
    REQUIRE(one);
    CHECK(one->version == "1.0-1");
    CHECK(one->automatic);
    CHECK(one->held());
    CHECK(one->installed());
    CHECK(
        Packages::pacman_ignored("[options]\n#IgnorePkg = a\nIgnorePkg= b c\nIgnorePkg =d\n[core]\nIgnorePkg = e\n") ==
        std::vector<std::string>{"b", "c", "d"});
}

TEST_CASE("pacman's metadata is that of the repositories that are on, the first one best") {
    auto host = arch();
    const auto& pacman = *backend_of(Keeper::pacman);
    const auto found = pacman.metadata(host);
    REQUIRE(found.size() == 2);
    CHECK(found[0].path == "/var/lib/pacman/sync/core.db");
    CHECK(found[0].repository == "core");
    CHECK(found[0].format == Metadata::Format::arch);
    CHECK(found[0].priority > found[1].priority);
    CHECK(pacman.has_all_lists(host));
    host.erase("/var/lib/pacman/sync/extra.db");
    CHECK_FALSE(pacman.has_all_lists(host));
    CHECK(pacman.has_lists(host));
}

TEST_CASE("pacman installs what the repositories have, and from its cache what they have no more") {
    auto host = arch();
    const auto& pacman = *backend_of(Keeper::pacman);
    auto answer = pacman.simulate(host, {.install = {"hello=2.0-1"}, .remove = {}});
    REQUIRE(answer.problems.empty());
    REQUIRE(answer.moves.size() == 2);
    CHECK(answer.moves[0].name == "newlib");
    CHECK(answer.moves[1].version == "2.0-1");
    answer = pacman.simulate(host, {.install = {"hello=1.0-1"}, .remove = {}});
    REQUIRE(answer.moves.size() == 1);
    CHECK(answer.moves[0].version == "1.0-1");
    answer = pacman.simulate(host, {.install = {"hello=7-1"}, .remove = {}});
    REQUIRE(answer.problems.size() == 1);
    CHECK(answer.problems[0].name == "hello");
    CHECK_FALSE(answer.problems[0].unknown);
    answer = pacman.simulate(host, {.install = {"nope"}, .remove = {}});
    REQUIRE(answer.problems.size() == 1);
    CHECK(answer.problems[0].name == "nope");
    CHECK(answer.problems[0].unknown);
    answer = pacman.simulate(host, {.install = {}, .remove = {"libhi"}});
    CHECK(answer.moves.size() == 2);

    pacman.carry_out(host, {.install = {"hello=1.0-1"}, .remove = {"libhi"}, .purge = true});
    REQUIRE(host.ran().size() == 2);
    CHECK(words(host.ran()[0]) ==
          std::vector<std::string>{"pacman", "-Rn", "--noprogressbar", "--noconfirm", "--color=never", "libhi"});
    CHECK(words(host.ran()[1]).back() == "/var/cache/pacman/pkg/hello-1.0-1-any.pkg.tar.zst");
    CHECK_THROWS_AS(pacman.carry_out(host, {.install = {"hello=7-1"}, .remove = {}}), Error);
    CHECK(host.ran().size() == 2);
}

TEST_CASE("pacman brings files and what repositories have by one transaction") {
    auto host = arch();
    host.put_file("/var/cache/pacman/pkg/hello-2.0-1-any.pkg.tar.zst", "");
    Request request{.install = {"mine=1.0-1", "hello=2.0-1"}, .remove = {}};
    request.files["mine=1.0-1"] = "/srv/mine.pkg.tar.zst";
    chaos::resources::pacman_backend().carry_out(host, request);
    REQUIRE(host.ran().size() == 2);
    CHECK(words(host.ran()[0])[1] == "-Sw");
    const auto last = words(host.ran()[1]);
    CHECK(last[1] == "-U");
    CHECK(last[last.size() - 2] == "/srv/mine.pkg.tar.zst");
    CHECK(last.back() == "/var/cache/pacman/pkg/hello-2.0-1-any.pkg.tar.zst");
}

TEST_CASE("pacman takes a package from the repository that is said") {
    auto host = arch();
    host.put_command("pacman", [](FakeHost&, const Command& command) {
        if (command.argv.back() == "extra") return Output{0, "extra hello 3.0-1\n", ""};
        return Output{command.argv[1] == "-Sl", "", ""};
    });
    Request request{.install = {"hello"}, .remove = {}};
    request.sources["hello"] = "extra";
    chaos::resources::pacman_backend().carry_out(host, request);
    REQUIRE(host.ran().size() == 1);
    CHECK(host.ran()[0].argv.back() == "extra/hello");
    request.sources["hello"] = "nowhere";
    CHECK_THROWS_WITH(chaos::resources::pacman_backend().carry_out(host, request),
                      "pacman: the repository nowhere does not have hello");
}

TEST_CASE("an upgrade of pacman is all that it would do, without what is held or said elsewhere") {
    auto host = arch();
    host.put_command("pacman", [](FakeHost&, const Command& command) {
        if (command.argv[1] == "-Qu")
            return Output{0, "hello 1-1 -> 2-1\nlibhi 1-1 -> 2-1 [ignored]\nfix 1-1 -> 3-1\n", ""};
        const bool passes = command.argv.back() == "fix" && *(command.argv.rbegin() + 1) == "--ignore";
        return Output{passes ? 0 : 1, ":: Starting full system upgrade...\nnewlib\t4-1\nhello\t2-1\n", ""};
    });
    const auto& pacman = chaos::resources::pacman_backend();
    const auto found = pacman.renewal(host, {.names = {}, .fixed = {"fix"}});
    REQUIRE(found.moves.size() == 2);
    CHECK(found.moves[1].name == "hello");
    CHECK(found.moves[1].version == "2-1");
    REQUIRE(found.stays.size() == 2);
    CHECK(found.stays[0].why == Upgrades::Stays::Why::held);
    CHECK(found.stays[0].name == "libhi");
    CHECK(found.stays[1].newer == "3-1");
    CHECK(found.stays[1].why == Upgrades::Stays::Why::fixed);
    CHECK_THROWS_WITH(pacman.renewal(host, {.names = {"hello"}, .fixed = {}}),
                      "pacman upgrades all or nothing: what stays was built for the libraries that are there now");
    CHECK_THROWS_WITH(pacman.renewal(host, {.names = {}, .security_only = true, .fixed = {}}),
                      "pacman knows no security updates: its repositories say what is newest, and not why");
    CHECK_THROWS_WITH(chaos::resources::dnf_backend().renewal(host, {}),
                      "dnf can not be asked by looking alone what it would upgrade");
}

TEST_CASE("zypper is told of files and of repositories, and upgrades all but what is said elsewhere") {
    FakeHost host;
    std::vector<std::vector<std::string>> asked;
    host.put_command("zypper", [&](FakeHost&, const Command& command) {
        asked.push_back(command.argv);
        return Output{0,
                      "<install-summary><to-upgrade><solvable type=\"package\" name=\"hello\" edition=\"2-1\" "
                      "edition-old=\"1-1\"/><solvable type=\"package\" name=\"fix\" edition=\"3-1\" "
                      "edition-old=\"1-1\"/></to-upgrade></install-summary>",
                      ""};
    });
    Request request{.install = {"mine=1.0-1", "hello=2-1"}, .remove = {}};
    request.files["mine=1.0-1"] = "/srv/mine.rpm";
    request.sources["hello"] = "tiny";
    const auto& zypper = chaos::resources::zypper_backend();
    CHECK_FALSE(zypper.simulate(host, request).known);
    zypper.carry_out(host, request);
    const auto& last = asked.back();
    CHECK(std::find(last.begin(), last.end(), "--allow-unsigned-rpm") != last.end());
    CHECK(std::find(last.begin(), last.end(), "/srv/mine.rpm") != last.end());
    CHECK(last.back() == "tiny:hello=2-1");
    CHECK(zypper.renewal(host, {}).moves.size() == 2);
    CHECK_THROWS_WITH(zypper.renewal(host, {.names = {}, .fixed = {"fix"}}),
                      "fix would have to become 3-1, and a manifest says 1-1");
    CHECK(asked.back().back() == "hello");  // asked again, for the others alone
}

TEST_CASE("zypper's security updates are what its security patches would make newer") {
    FakeHost host;
    std::vector<std::string> newer;
    const auto solvable = [](const std::string& name) {
        return "<solvable type=\"package\" name=\"" + name + "\" edition=\"2-1\" edition-old=\"1-1\"/>";
    };
    host.put_command("zypper", [&](FakeHost&, const Command& command) {
        const bool is_patch = std::find(command.argv.begin(), command.argv.end(), "patch") != command.argv.end();
        const bool names_hello = command.argv.back() == "hello";
        if (!is_patch) newer.push_back(command.argv.back());
        return Output{0,
                      "<install-summary><to-upgrade>" + solvable("hello") +
                          (names_hello ? "" : solvable("fix") + (is_patch ? "" : solvable("plain"))) +
                          "</to-upgrade></install-summary>",
                      ""};
    });
    const auto& zypper = chaos::resources::zypper_backend();
    const auto all = zypper.renewal(host, {.names = {}, .security_only = true, .fixed = {}});
    CHECK(all.moves.size() == 2);
    CHECK(all.not_security == 1);
    const auto one = zypper.renewal(host, {.names = {"hello"}, .security_only = true, .fixed = {}});
    CHECK(one.moves.size() == 1);
    CHECK(newer.back() == "hello");
    const auto others = zypper.renewal(host, {.names = {}, .security_only = true, .fixed = {"fix"}});
    CHECK(others.moves.size() == 1);
    REQUIRE(others.stays.size() == 1);
    CHECK(others.stays[0].name == "fix");
}

TEST_CASE("dnf's library is asked by the Python of dnf itself, and not at all where there is none") {
    FakeHost host;
    const auto& dnf = chaos::resources::dnf_backend();
    const Request request{.install = {"hello=1.0-1", "other", "mine=2-1"},
                          .remove = {"old"},
                          .files = {{"mine=2-1", "/srv/mine.rpm"}},
                          .sources = {{"other", "tiny"}}};
    CHECK_FALSE(dnf.simulate(host, request).known);
    CHECK_THROWS_WITH(dnf.renewal(host, {}), "dnf can not be asked by looking alone what it would upgrade");
    host.put_file("/usr/bin/dnf", "#!/bin/sh\n");
    CHECK_FALSE(dnf.simulate(host, request).known);
    host.put_file("/usr/bin/dnf-3", "#!/usr/libexec/platform-python -s\nimport sys\n");
    std::string question;
    host.put_command("/usr/libexec/platform-python", [&](FakeHost&, const Command& command) {
        question = command.input;
        return Output{0,
                      "comes\tlibhi\t\t1.0-1\thello needs libhi\t6344\t9\ncomes\thello\t\t1.0-1\t\t6356\t9\n"
                      "goes\told\t1-1\t\t\n",
                      ""};
    });
    const auto answer = dnf.simulate(host, request);
    CHECK(answer.known);
    CHECK(question == "install\thello\t1.0-1\t\ninstall\tother\t\ttiny\nfile\tmine\t/srv/mine.rpm\nremove\told\n");
    REQUIRE(answer.moves.size() == 3);
    CHECK(answer.moves[0].reason.why == "hello needs libhi");
    CHECK(answer.moves[0].reason.fetched == 6344);
    CHECK(answer.moves[0].reason.takes == 9);
    CHECK(answer.moves[2].kind == Move::Kind::remove);
    CHECK(answer.moves[2].old_version == "1-1");
    host.put_command("/usr/libexec/platform-python", [](FakeHost&, const Command&) {
        return Output{1, "", "ModuleNotFoundError: No module named 'dnf'\n"};
    });
    CHECK_FALSE(dnf.simulate(host, request).known);
}

TEST_CASE("what goes from a host of rpm is fetched before, kept for who takes it back, and told where nobody has it") {
    FakeHost host;
    host.put_file("/usr/lib/sysimage/rpm/rpmdb.sqlite", "x");
    host.put_directory("/var/lib/chaos", 0700);
    host.put_command("rpm", [](FakeHost&, const Command&) {
        return Output{0, "hello\t1:1.0-1\tnoarch\nlost\t1.0-1\tx86_64\nold\t1.0-1\tnoarch\n", ""};
    });
    host.put_command("dnf", [](FakeHost& scene, const Command&) {
        scene.put_file("/var/lib/chaos/packages/fetched/hello-1.0-1.noarch.rpm", "bytes");
        return Output{1, "", "No package lost-1.0-1 available.\n"};
    });
    host.put_command("mv", [](FakeHost& scene, const Command& command) {
        const auto& from = *(command.argv.rbegin() + 1);
        if (!scene.look(from)) return Output{1, "", "no such file"};
        scene.put_file(command.argv.back(), scene.text(from));
        return Output{};
    });
    host.put_command("rm", [](FakeHost&, const Command&) { return Output{}; });
    host.put_file("/var/lib/chaos/packages/local/old_1.0-1.rpm", "kept before");
    const auto goes = [](const char* name, const char* version) {
        resources::Package one{.name = name, .version = version};
        return Change{{"package", name}, State::of(one), State()};
    };
    const std::vector<Change> changes{goes("hello", "1:1.0-1"), goes("lost", "1.0-1"), goes("old", "1.0-1")};
    const auto& dnf = chaos::resources::dnf_backend();
    dnf.keep_outgoing(host, changes);
    CHECK(words(host.ran()[0]) == std::vector<std::string>{"dnf", "-q", "download", "--setopt=strict=0",
                                                           "--destdir=/var/lib/chaos/packages/fetched", "hello-1:1.0-1",
                                                           "lost-1.0-1"});
    CHECK(host.text("/var/lib/chaos/packages/local/hello_1%3a1.0-1.rpm") == "bytes");
    REQUIRE(host.said.size() == 1);
    CHECK(host.said[0] == "no repository has lost 1.0-1 any more: a rollback can not bring it back");
    Packages::Package hello;
    hello.name = "hello", hello.version = "1:1.0-1", hello.architecture = "noarch";
    CHECK(dnf.archive_of(host, hello) == "/var/lib/chaos/packages/local/hello_1%3a1.0-1.rpm");
}

TEST_CASE("what dnf's library says of an upgrade has what comes and what stays, each with its reason") {
    namespace library = chaos::resources::dnf;
    using Why = Upgrades::Stays::Why;
    const auto told = library::parse(
        "held\tkept\t1-1\t2-1\nfixed\tfix\t1-1\t3-1\nbeside\tkernel\t6.1-1\t6.2-1\nothers\t4\n"
        "impossible\tapp\t1-1\t2-1\tProblem: nothing provides lib\ncomes\thello\t1-1\t2-1\t\t10\t20\n"
        "unknown\tnope\tno repository has it\nproblem\t\tProblem: two\nnoise\n\n");
    REQUIRE(told.renewal.stays.size() == 4);
    CHECK(told.renewal.stays[0].why == Why::held);
    CHECK(told.renewal.stays[1].why == Why::fixed);
    CHECK(told.renewal.stays[2].reason.ends_with("dnf upgrade kernel"));
    CHECK(told.renewal.stays[3].reason == "Problem: nothing provides lib");
    CHECK(told.renewal.not_security == 4);
    REQUIRE(told.answer.problems.size() == 2);
    CHECK(told.answer.problems[0].unknown);
    CHECK(told.answer.problems[0].name == "nope");
    CHECK_FALSE(told.answer.problems[1].unknown);
    CHECK(told.answer.moves.size() == 1);
}

TEST_CASE("pacman's holds are words of pacman.conf, and the rest of it stays") {
    auto host = arch();
    const auto& pacman = *backend_of(Keeper::pacman);
    pacman.mark(host, Backend::Mark::unhold, {"libhi"});
    host.publish();
    CHECK(host.text("/etc/pacman.conf") ==
          "[options]\nIgnorePkg = other\n\n[core]\nServer = a\n\n[extra]\nServer = b\n");
    pacman.mark(host, Backend::Mark::hold, {"libhi"});
    host.publish();
    CHECK(Packages::pacman_ignored(host.text("/etc/pacman.conf")) == std::vector<std::string>{"other", "libhi"});
}

TEST_CASE("pacman's lock is somebody's while it is open, else an interruption's") {
    auto host = arch();
    const auto& pacman = *backend_of(Keeper::pacman);
    CHECK_FALSE(pacman.interrupted(host, {}));
    host.put_file("/var/lib/pacman/db.lck", "");
    CHECK(pacman.interrupted(host, {}));
    host.put_link("/proc/712/fd/4", "/var/lib/pacman/db.lck");
    host.put_file("/proc/712/comm", "pacman\n");
    CHECK(pacman.lock_holder(host) == "pacman (pid 712)");
    CHECK_FALSE(pacman.interrupted(host, {}));
    host.erase("/proc/712");
    pacman.repair(host);
    CHECK_FALSE(host.look("/var/lib/pacman/db.lck"));
}

TEST_CASE("rpm's answer is read line by line, and its keys are no packages") {
    const auto all =
        Packages::rpm_packages("hello\t1:2.0-1\tnoarch\ngpg-pubkey\t1-2\t(none)\nglibc\t2.38-4\tx86_64\n\n");
    REQUIRE(all.size() == 2);
    CHECK(all[0].version == "1:2.0-1");
    CHECK(all[1].essential);
    const auto packages = Packages::of(Keeper::dnf, all);
    CHECK(packages.architecture == "x86_64");
    CHECK(packages.find("hello:x86_64"));
    CHECK_FALSE(packages.find("gpg-pubkey"));
}

TEST_CASE("dnf's table is read, in lines that are too long for it as well") {
    const auto answer = rpm::parse_dnf_table(
        {1,
         "Last metadata expiration check: 0:00:49 ago.\nDependencies resolved.\n====\n Package  Arch  Version  "
         "Repository  "
         "Size\n====\nInstalling:\n hello             noarch             1.0-1              tiny             6.2 k\n "
         "python3-very-long-name-that-takes-the-line\n                   noarch             1:3-1      tiny   6 k\n"
         "Upgrading:\n libhi x86_64 2.0-1 tiny 6 k\nRemoving dependent packages:\n old noarch 0.9-1 @tiny 6 k\n\n"
         "Transaction Summary\n====\nInstall  2 Packages\nOperation aborted.\n",
         ""});
    REQUIRE(answer.moves.size() == 4);
    CHECK(answer.moves[0].name == "hello");
    CHECK(answer.moves[0].version == "1.0-1");
    CHECK(answer.moves[1].version == "1:3-1");
    CHECK(answer.moves[2].name == "libhi");
    CHECK(answer.moves[3].kind == Move::Kind::remove);
    CHECK(answer.moves[3].old_version == "0.9-1");
    const auto unknown =
        rpm::parse_dnf_table({1, "", "No match for argument: nope\nError: Unable to find a match: nope\n"});
    REQUIRE(unknown.problems.size() == 1);
    CHECK(unknown.problems[0].name == "nope");
    CHECK(unknown.problems[0].unknown);
}

TEST_CASE("zypper's summary is read from its XML") {
    const auto answer = rpm::parse_zypper_xml(
        {0,
         "<?xml version='1.0'?>\n<stream>\n<install-summary download-size=\"1\">\n<to-upgrade>\n<solvable "
         "type=\"package\" "
         "name=\"hello\" edition=\"2.0-1\" edition-old=\"1.0-1\" arch=\"noarch\">\n<description>a &lt; "
         "b</description></solvable>\n</to-upgrade>\n<to-remove>\n<solvable type=\"package\" name=\"libhi\" "
         "edition=\"1.0-1\" arch=\"noarch\"/>\n</to-remove>\n</install-summary>\n</stream>\n",
         ""});
    REQUIRE(answer.problems.empty());
    REQUIRE(answer.moves.size() == 2);
    CHECK(answer.moves[0].version == "2.0-1");
    CHECK(answer.moves[0].old_version == "1.0-1");
    CHECK(answer.moves[1].kind == Move::Kind::remove);
    const auto none = rpm::parse_zypper_xml(
        {104, "<stream><message type=\"error\">No provider of &apos;nope = 1&apos; found.</message></stream>", ""});
    REQUIRE(none.problems.size() == 1);
    CHECK(none.problems[0].said == "No provider of 'nope = 1' found.");
    CHECK(none.problems[0].name == "nope");
}

TEST_CASE("a transaction that would do more than was asked is refused before it begins") {
    const Request request{.install = {"hello=1.0-1"}, .remove = {"old"}};
    const auto judge = [&](std::vector<Move> moves) { rpm::must_be_asked(request, {std::move(moves), {}}, "dnf"); };
    judge({{Move::Kind::install, "hello", "", "1.0-1"}, {Move::Kind::remove, "old", "1", ""}});
    CHECK_THROWS_WITH_AS(judge({{Move::Kind::remove, "web", "1", ""}}),
                         "dnf would remove web as well, and nobody asked for that", Error);
    CHECK_THROWS_AS(judge({{Move::Kind::install, "hello", "", "2.0-1"}}), Error);
}

TEST_CASE("a .repo file has its repositories in order, with the priority of each") {
    const auto repos = rpm::parse_repos("[main]\nx=1\n[a]\nname=A\nenabled=0\n[b]\n priority = 10\nenabled=1\n[c]\n");
    REQUIRE(repos.size() == 4);
    CHECK_FALSE(repos[1].enabled);
    CHECK(repos[2].priority == 10);
    CHECK(repos[3].enabled);
    FakeHost host;
    host.put_file("/etc/zypp/repos.d/x.repo", "[b]\npriority=10\n[c]\n[off]\nenabled=0\n");
    host.put_file("/var/cache/zypp/raw/b/repodata/repomd.xml", "");
    const auto& zypper = *backend_of(Keeper::zypper);
    REQUIRE(zypper.metadata(host).size() == 1);
    CHECK(zypper.metadata(host)[0].priority == -10);
    CHECK_FALSE(zypper.has_all_lists(host));
    host.put_file("/var/cache/zypp/raw/c/repodata/repomd.xml", "");
    CHECK(zypper.has_all_lists(host));
    host.put_file("/etc/yum.repos.d/x.repo", "[b]\n");
    host.put_file("/var/cache/dnf/b-0123456789abcdef/repodata/repomd.xml", "");
    const auto found = backend_of(Keeper::dnf)->metadata(host);
    REQUIRE(found.size() == 1);
    CHECK(found[0].path == "/var/cache/dnf/b-0123456789abcdef/repodata");
}

TEST_CASE("zypper's marks are lines of the file that libzypp reads") {
    FakeHost host;
    host.put_file("/var/lib/zypp/AutoInstalled", "# generated\nlibhi\n");
    const auto& zypper = *backend_of(Keeper::zypper);
    zypper.mark(host, Backend::Mark::automatic, {"hello"});
    zypper.mark(host, Backend::Mark::manual, {"libhi"});
    host.publish();
    CHECK(host.text("/var/lib/zypp/AutoInstalled") == "# generated\nhello\n");
}
