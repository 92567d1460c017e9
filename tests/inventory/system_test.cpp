// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>

#include <chaos/system/accounts.hpp>
#include <chaos/system/outdated.hpp>
#include <chaos/system/packages.hpp>
#include <chaos/system/units.hpp>

#include "support/fake_host.hpp"

using namespace chaos;

TEST_CASE("accounts are found by name and by number, and survive being copied and moved") {
    const std::string shadow = "root:*:19000:0:99999:7:::\neve:$6$x$y:19001:0:99999:7::20000:\n";
    auto read = Accounts::parse(
        "root:x:0:0:root:/root:/bin/bash\neve:x:1000:1000:Eve,,,:/home/eve:/bin/sh\nhalf:x:1001:1001::/h:\n",
        "root:x:0:\neve:x:1000:\naudio:x:29:eve,half\nadm:x:4:eve\n", &shadow);
    auto copy = read;
    read = {};
    const auto accounts = std::move(copy);
    REQUIRE(accounts.user("eve"));
    CHECK(accounts.user("eve") == accounts.user(1000U));
    CHECK(accounts.user("eve")->comment == "Eve,,,");
    CHECK(accounts.user("eve")->password == "$6$x$y");
    CHECK(accounts.user("eve")->aging == "19001:0:99999:7::20000:");
    CHECK_FALSE(accounts.user("half")->shadowed);
    CHECK(accounts.user("ev") == nullptr);
    CHECK(accounts.user(5U) == nullptr);
    CHECK(accounts.owner_name(5) == "5");
    CHECK(Accounts::parse("", "", nullptr).owner_name(0) == "root");  // an image without accounts
    CHECK(Accounts::parse("", "", nullptr).group_name(0) == "root");
    CHECK(accounts.group_name(29) == "audio");
    CHECK(accounts.groups_of("eve") == std::vector<std::string>{"adm", "audio"});
}

TEST_CASE("accounts pass over lines that are none, and the first of a double name counts") {
    const auto accounts = Accounts::parse(
        "+::::::\n#x:x:1:1:::\n\nbad:x:one:1:::\ntoor:x:0:0::/a:/b\nroot:x:0:0::/r:/s\ntoor:x:7:7:::\ncut:x:3:3", "",
        nullptr);
    CHECK(accounts.users.size() == 4);
    CHECK(accounts.user(0U)->name == "toor");
    CHECK(accounts.user("toor")->uid == 0);
    CHECK(accounts.user("cut")->gid == 3);
    CHECK_FALSE(accounts.shadow_known);
}

namespace {

constexpr std::string_view status =
    "Package: dpkg\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\nDescription: x\n "
    "more: y\n\n"
    "Package: libc6\nStatus: install ok installed\nArchitecture: i386\nVersion: 2.36-1\n\n"
    "Package: libc6\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 2.36-9\nConffiles:\n /etc/a 012\n\n"
    "Package: tz\nStatus: install reinstreq half-installed\nArchitecture: all\nVersion: 1\n\n"
    "Package: apt\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.6\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 3\n";

}  // namespace

TEST_CASE("packages are found by name and architecture, the native one first") {
    const auto packages = Packages::parse(status,
                                          "Package: libc6\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: "
                                          "tz\nArchitecture: amd64\nAuto-Installed: 1\n",
                                          "amd64\n");
    REQUIRE(packages.find("libc6"));
    CHECK(packages.find("libc6")->version == "2.36-9");
    CHECK(packages.find("libc6")->want == "hold");
    CHECK(packages.find("libc6")->automatic);
    CHECK(packages.find("libc6:i386")->version == "2.36-1");
    CHECK_FALSE(packages.find("libc6:i386")->automatic);
    CHECK(packages.find("tz:amd64") == packages.find("tz"));
    CHECK(packages.find("tz")->automatic);
    CHECK(Packages::broken(*packages.find("tz")));
    CHECK_FALSE(packages.find("gone")->installed());
    CHECK(packages.find("dpkg")->essential);
    CHECK(packages.find("apt")->essential);
    CHECK_FALSE(packages.find("libc6")->essential);
    CHECK(packages.find("libc") == nullptr);
    CHECK(packages.find("libc6:arm64") == nullptr);
}

TEST_CASE("packages of a foreign architecture are not there by their name alone, to dpkg") {
    const auto packages = Packages::parse(
        "Package: hello\nStatus: install ok installed\nArchitecture: i386\nVersion: 2\n\n"
        "Package: doc\nStatus: install ok installed\nArchitecture: all\nVersion: 3\n"
        "Installed-Size: 12\n",
        "", "amd64");
    CHECK(packages.find("hello") == nullptr);
    CHECK(packages.find("hello:amd64") == nullptr);
    REQUIRE(packages.find("hello:i386"));
    CHECK(packages.find("hello:i386")->size == 0);
    REQUIRE(packages.find("doc"));
    CHECK(packages.find("doc")->size == 12 * 1024);
    const auto others = Packages::of(Packages::Keeper::dnf, {{.name = "glibc", .architecture = "x86_64"},
                                                             {.name = "steam", .architecture = "i686"}});
    CHECK(others.find("steam"));
}

TEST_CASE("packages learn from dpkg's journal what it had not merged when it was cut") {
    test::FakeHost host;
    host.put_file("/var/lib/dpkg/status", std::string(status));
    host.put_file("/var/lib/dpkg/updates/0000",
                  "Package: gone\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 4\n");
    host.put_file("/var/lib/dpkg/updates/0001", "Package: tz\nStatus: purge ok not-installed\nArchitecture: all\n");
    host.put_file("/var/lib/dpkg/updates/tmp.i", "Package: dpkg\n");
    const View view(host);
    const auto& packages = view.once<Packages>();
    CHECK(packages.journal);
    CHECK(packages.architecture == "amd64");
    CHECK(packages.find("gone")->version == "4");
    CHECK(packages.find("tz") == nullptr);
    CHECK(packages.find("libc6")->version == "2.36-9");
    // What it had noted before is no second package: it would be mended as often as it was noted.
    CHECK(std::count_if(packages.all.begin(), packages.all.end(), [](const auto& one) { return one.name == "gone"; }) ==
          1);
    CHECK(std::none_of(packages.all.begin(), packages.all.end(),
                       [](const auto& one) { return one.name == "tz" && Packages::broken(one); }));
}

TEST_CASE("packages are not there without dpkg, and hundreds of them are read") {
    const test::FakeHost bare;
    CHECK_FALSE(View(bare).once<Packages>().present);
    std::string text;
    for (int i = 0; text.size() < 300'000; ++i) {
        text += "Package: p" + std::to_string(i) +
                "\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDepends: ";
        for (int k = 0; k < 20; ++k) text += "libsome" + std::to_string(k) + " (>= 2.3.4), ";
        text += "\nDescription: short\n long text that goes on\n and on\n .\n and on\n\n";
    }
    const auto packages = Packages::parse(text, "", "amd64");
    CHECK(packages.all.size() > 500);
    CHECK(packages.find("p400")->version == "1");
}

TEST_CASE("units are enabled by wants, requires, aliases, instances and rc links, and masked by /dev/null") {
    test::FakeHost host(false);
    const std::string etc = "/etc/systemd/system/", lib = "/lib/systemd/system/";
    for (const char* name : {"cron.service", "ssh.service", "getty@.service", "x.socket", "linked.service"})
        host.put_file(lib + name, "[Unit]\n");
    host.put_link(etc + "multi-user.target.wants/cron.service", lib + "cron.service");
    host.put_link(etc + "sshd.service", lib + "ssh.service");
    host.put_link(etc + "linked.service", "/srv/linked.service");
    host.put_link(etc + "getty.target.wants/getty@tty1.service", lib + "getty@.service");
    host.put_link(etc + "sockets.target.requires/x.socket", lib + "x.socket");
    host.put_link(etc + "bad.service", "/dev/null");
    host.put_file(etc + "empty.service", "");
    host.put_link("/etc/rc3.d/S01old", "../init.d/old");
    host.put_link("/etc/rc3.d/S01linked", "../init.d/linked");
    host.put_link("/etc/rc0.d/K01old", "../init.d/old");
    const View view(host);
    const auto& units = view.once<Units>();
    for (const char* name :
         {"cron.service", "ssh.service", "sshd.service", "getty@tty1.service", "x.socket", "old.service"}) {
        CAPTURE(name);
        CHECK(units.starts(host, name));
    }
    CHECK_FALSE(units.starts(host, "linked.service"));  // its own unit file counts, not its script
    CHECK_FALSE(units.starts(host, "getty@tty2.service"));
    CHECK(units.masked == std::unordered_set<std::string>{"bad.service", "empty.service"});
    CHECK(units.loaded.empty());
    CHECK(Units::file_of(host, "getty@tty7.service") == lib + "getty@.service");
    CHECK(Units::file_of(host, "nowhere.service").empty());
    CHECK(unit_name("nginx") == "nginx.service");
    CHECK(unit_name("nginx.socket") == "nginx.socket");
    CHECK(unit_name("a.b") == "a.b.service");
}

TEST_CASE("code whose file is gone is found by the maps of its process, and belongs to a service or to nobody") {
    const std::string gone = "7f00-7f01 r-xp 00000000 00:2b 12    /usr/lib/libssl.so.3 (deleted)\n";
    CHECK(Outdated::is_outdated("1-2 rw-p 0 0:0 0\n" + gone));
    CHECK_FALSE(Outdated::is_outdated("7f00-7f01 r--p 00000000 00:2b 12    /usr/lib/libssl.so.3 (deleted)\n"));
    CHECK_FALSE(Outdated::is_outdated("7f00-7f01 r-xp 00000000 00:2b 12    /usr/lib/libssl.so.3\n"));
    CHECK_FALSE(Outdated::is_outdated("7f00-7f01 rwxs 00000000 00:01 12    /memfd:jit (deleted)\n"));
    CHECK_FALSE(Outdated::is_outdated(" (deleted)"));
    test::FakeHost host;
    const auto process = [&](const std::string& pid, const std::string& cgroup, const std::string& maps) {
        host.put_file("/proc/" + pid + "/maps", maps);
        host.put_file("/proc/" + pid + "/cgroup", "0::" + cgroup + "\n");
        host.put_file("/proc/" + pid + "/comm", "sh\n");
    };
    process("900001", "/system.slice/ssh.service", gone);
    process("900002", "/system.slice/system-web.slice/web@1.service/sub", gone);
    process("900003", "/user.slice/user-0.slice/session-1.scope", gone);
    process("900004", "/system.slice/fine.service", "");
    process("900005", "/system.slice/ssh.service", gone);
    const View view(host);
    const auto found = Outdated::read(view);
    CHECK(found.services == std::vector<std::string>{"ssh.service", "web@1.service"});
    CHECK(found.processes == std::vector<std::string>{"sh (pid 900003)"});
    CHECK(found.restart() == "systemctl restart ssh.service web@1.service");
}
