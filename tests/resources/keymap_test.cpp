// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Catalog keymap(std::initializer_list<Said> list) {
    return {declare("keymap", attributes(list))};
}

FakeHost debian() {
    FakeHost host;
    host.put_file("/etc/debian_version", "12.0\n");
    host.put_file("/etc/default/keyboard",
                  "# KEYBOARD CONFIGURATION FILE\n\nXKBMODEL=\"pc105\"\nXKBLAYOUT=\"us\"\nXKBVARIANT=\"\"\n\n"
                  "BACKSPACE=\"guess\"\n");
    return host;
}

std::string refused(const FakeHost& host, std::initializer_list<Said> list) {
    const auto run = plan_for(host, keymap(list));
    return run.problems.ok() ? "" : run.problems.errors()[0].what();
}

}  // namespace

TEST_CASE("a keymap is set in the files of XKB and of the console, and both go back") {
    FakeHost host = debian();
    const auto before = host.dump();
    const auto run = apply(host, keymap({{"layout", "br"}, {"console", "br-abnt2"}}));
    CHECK(
        host.text("/etc/default/keyboard") ==
        "# KEYBOARD CONFIGURATION FILE\n\nXKBMODEL=\"pc105\"\nXKBLAYOUT=br\nXKBVARIANT=\"\"\n\nBACKSPACE=\"guess\"\n");
    CHECK(host.text("/etc/vconsole.conf") == "KEYMAP=br-abnt2\n");
    CHECK(plan_for(host, keymap({{"layout", "br"}, {"console", "br-abnt2"}})).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a keymap follows a link from one file to the other, as newer Debians have it") {
    FakeHost host = debian();
    host.put_link("/etc/vconsole.conf", "default/keyboard");
    const auto before = host.dump();
    const auto run = apply(host, keymap({{"layout", "de"}}));
    CHECK(host.look("/etc/vconsole.conf").kind == Entry::Kind::link);
    CHECK(host.text("/etc/default/keyboard").ends_with("KEYMAP=de\n"));
    CHECK(plan_for(host, keymap({{"layout", "de"}})).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a keymap of systemd's file alone names the layout, and what else is in the file stays") {
    FakeHost host;
    host.put_file("/etc/vconsole.conf", "FONT=lat9w-16\nKEYMAP=us\n");
    CHECK(plan_for(host, keymap({{"layout", "us"}})).steps.empty());
    const auto before = host.dump();
    const auto run = apply(host, keymap({{"layout", "de"}}));
    CHECK(host.text("/etc/vconsole.conf") == "FONT=lat9w-16\nKEYMAP=de\n");
    CHECK(plan_for(host, keymap({{"layout", "de"}})).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a keymap that XKB does not have is told") {
    FakeHost host = debian();
    host.put_file("/usr/share/X11/xkb/symbols/us", "");
    CHECK(refused(host, {{"layout", "us,xx"}}) == "there is no layout 'xx'");
    CHECK(refused(host, {{"layout", "us; reboot"}}) == "'us; reboot' can be no layout of a keyboard");
    CHECK(refused(host, {{"layout", ""}}) == "a keyboard has a layout");
    CHECK(refused(host, {{"layout", "us"}}).empty());
}
