// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Catalog loader(std::initializer_list<Said> list) {
    return {declare("bootloader", attributes(list))};
}

Value words(std::initializer_list<std::string> items) {
    return Value(Value::List(items.begin(), items.end()));
}

FakeHost with_grub(bool debian) {
    FakeHost host;
    if (debian) host.put_file("/etc/debian_version", "12.0\n");
    if (debian) host.put_directory("/etc/default/grub.d");
    host.put_directory("/boot/grub");
    host.put_file(debian ? "/usr/sbin/update-grub" : "/usr/bin/grub-mkconfig", "");
    host.put_file("/etc/default/grub",
                  "# comment\nGRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"\"\n");
    for (const char* tool : {"update-grub", "grub-mkconfig"})
        host.put_command(tool, [](FakeHost&, const Command&) { return Output{}; });
    return host;
}

std::string refused(const FakeHost& host, std::initializer_list<Said> list) {
    const auto run = plan_for(host, loader(list));
    return run.problems.ok() ? "" : run.problems.errors()[0].what();
}

}  // namespace

TEST_CASE("words of the kernel's command line are added in a drop-in, where those are read") {
    FakeHost host = with_grub(true);
    const auto before = host.dump();
    const auto wish = loader({{"name", "grub"}, {"cmdline", words({"quiet", "audit=1"})}, {"menu_timeout", "2"}});
    const auto run = apply(host, wish);
    CHECK(host.text("/etc/default/grub.d/90-chaos.cfg") ==
          "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX audit=1\"\nGRUB_TIMEOUT=2\n");
    CHECK(host.ran().size() == 1);
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
    CHECK(host.ran().size() == 2);
}

TEST_CASE("elsewhere the one file is set, and all else in it stays") {
    FakeHost host = with_grub(false);
    const auto before = host.dump();
    const auto wish = loader({{"cmdline", words({"quiet", "audit=1", "ro"})}});
    const auto run = apply(host, wish);
    CHECK(host.text("/etc/default/grub") ==
          "# comment\nGRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"audit=1 ro\"\n");
    CHECK(host.ran()[0].argv == std::vector<std::string>{"grub-mkconfig", "-o", "/boot/grub/grub.cfg"});
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a boot loader is asked for and never installed") {
    FakeHost host = with_grub(true);
    CHECK(plan_for(host, loader({{"name", "grub"}})).steps.empty());
    CHECK(refused(host, {{"name", "refind"}}) ==
          "the boot loader of this host is grub, and not refind: an apply installs none");
    FakeHost other;
    other.put_file("/boot/loader/loader.conf", "");
    CHECK(refused(other, {{"name", "grub"}}).starts_with("the boot loader of this host is systemd-boot"));
    CHECK(refused(other, {{"cmdline", words({"quiet"})}}) ==
          "cmdline and menu_timeout are set for grub; here is systemd-boot");
    const FakeHost none;
    CHECK(plan_for(none, loader({{"name", "grub"}})).steps.empty());
    CHECK(refused(none, {{"cmdline", words({"a b"})}}) == "'a b' can be no word of a kernel's command line");
    CHECK(refused(none, {{"menu_timeout", "soon"}}) == "expected whole seconds or -1 as menu_timeout, found 'soon'");
    CHECK_THROWS_AS(loader({{"name", "lilo"}}), Error);
}
