// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "package/failure.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;
using namespace chaos::resources;

namespace {

const Command install{{"apt-get", "-o", "DPkg::Pre-Install-Pkgs::=eval \"$CHAOS_KEEP\"", "-y", "-q", "--no-remove",
                       "-o", "Dpkg::Options::=--force-confold", "install", "good=1.0", "sick=1.0", "old-"}};

constexpr const char* of_dpkg =
    "dpkg: error processing package sick (--configure):\n"
    " installed sick package post-installation script subprocess returned error exit status 3\n"
    "Errors were encountered while processing:\n sick\n"
    "E: Sub-process /usr/bin/dpkg returned an error code (1)\n";

Change coming(const char* name, std::uint32_t line) {
    const auto resource = declare("package", attributes({{"name", name}}));
    return {resource.id, {}, resource.wanted, {line, 1, 0}};
}

}  // namespace

TEST_CASE("a package command that failed is told as a person would type it, with the end of what it printed") {
    const auto failed = transaction_failed(install, {100, "Setting up good\n", of_dpkg});
    CHECK(std::string(failed.what()) ==
          "apt-get install good=1.0 sick=1.0 old- ended with status 100:\n"
          "dpkg: error processing package sick (--configure):\n"
          " installed sick package post-installation script subprocess returned error exit status 3\n"
          "Errors were encountered while processing:\n sick\n"
          "E: Sub-process /usr/bin/dpkg returned an error code (1)");
    CHECK(failed.hint == "a script of package sick fails on this host: mend what it wants, or leave the package out");
    CHECK(failed.printed().find("CHAOS_KEEP") != std::string::npos);
    CHECK(failed.printed().find("Setting up good") != std::string::npos);

    std::string many;
    for (int i = 0; i < 40; ++i) many += "line " + std::to_string(i) + "\n";
    const std::string text = transaction_failed(install, {1, "unseen", many + "\n\n"}).what();
    CHECK(text.find("line 24\n") == std::string::npos);
    CHECK(text.find(":\nline 25\n") != std::string::npos);
    CHECK(text.ends_with("\nline 39"));
    CHECK(std::string(transaction_failed(install, {1, "seen\n", " \n"}).what()).ends_with("status 1:\nseen"));
    CHECK(std::string(transaction_failed(install, {1, "", ""}).what()).ends_with("ended with status 1"));
}

TEST_CASE("a package command that is long, and those whose verbs are options, are told in short") {
    Command many{{"dnf", "install", "-y"}};
    for (int i = 0; i < 20; ++i) many.argv.push_back("p" + std::to_string(i));
    CHECK(as_typed(many) == "dnf install p0 p1 p2 p3 p4 p5 p6 p7 and 12 more");
    CHECK(as_typed({{"dpkg", "--force-confdef", "--force-confold", "--configure", "-a"}}) == "dpkg --configure -a");
    CHECK(as_typed({{"pacman", "--noconfirm", "-S", "--needed", "hello"}}) == "pacman -S --needed hello");
}

TEST_CASE("a package command that failed is told at the package at fault, and what it printed is kept") {
    FakeHost host;
    host.put_directory("/var/lib/chaos", 0700);
    std::string kept;
    host.put_command("install", [&kept](FakeHost&, const Command& command) {
        kept = command.input;
        return Output{};
    });
    std::vector<Change> changes{coming("good", 1), coming("sick", 2)};
    const auto failed = transaction_failed(install, {100, "Setting up good\n", of_dpkg});
    auto told = explained(host, changes, failed, Doing::applying);
    CHECK(told.where.line == 2);
    REQUIRE(told.notes.size() == 1);
    CHECK(told.notes[0].text.starts_with("all that it printed is in /var/lib/chaos/packages/failed/"));
    CHECK(kept == failed.printed());

    CHECK(package_at_fault("dpkg: error processing archive /var/cache/apt/archives/big_1.0_all.deb (--unpack):") ==
          "big");
    CHECK(package_at_fault("dpkg: error processing package libc6:amd64 (--configure):") == "libc6");
    CHECK(package_at_fault("E: no").empty());

    host.put_command("install", [](FakeHost&, const Command&) { return Output{1, "", "No space left on device"}; });
    CHECK(explained(host, changes, failed, Doing::applying).notes.empty());

    const auto full = transaction_failed(install, {100, "", "No space left on device"});
    CHECK(explained(host, changes, full, Doing::applying).hint == "make room (df -h), then apply again");
    CHECK(explained(host, changes, full, Doing::taking_back).hint == "make room (df -h), then try that again");

    kept.clear();
    changes[0].after = changes[0].after.hiding(1);
    CHECK(explained(host, changes, failed, Doing::applying).notes.empty());
    CHECK(kept.empty());
}
