// SPDX-License-Identifier: Apache-2.0
#include "facts/facts.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/registry.hpp>
#include <chaos/root_host.hpp>

#include "scratch.hpp"

using namespace chaos;
using namespace chaos::facts;

namespace {

std::string text_at(const Value& value, std::string_view key) {
    for (const Value::Entry& entry : std::get<Value::Map>(value.data)) {
        if (std::get<std::string>(entry.key.data) == key) return std::get<std::string>(entry.value.data);
    }
    FAIL("no such key: " << std::string(key));
    return {};
}

std::string text_of(const Value& value) {
    return std::get<std::string>(value.data);
}

void check_system(const char* text, const System& expected) {
    const System system = parse_os_release(text);
    CHECK(system.id == expected.id);
    CHECK(system.family == expected.family);
    CHECK(system.version == expected.version);
    CHECK(system.codename == expected.codename);
    CHECK(system.name == expected.name);
}

}  // namespace

TEST_CASE("os-release of the well-known systems is understood") {
    check_system(
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n"
        "VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\nHOME_URL=\"https://www.debian.org/\"\n",
        {"debian", "debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"});
    check_system(
        "PRETTY_NAME=\"Ubuntu 22.04.3 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nVERSION_CODENAME=jammy\nID=ubuntu\n"
        "ID_LIKE=debian\n",
        {"ubuntu", "debian", "22.04", "jammy", "Ubuntu 22.04.3 LTS"});
    check_system(
        "NAME=\"Linux Mint\"\nVERSION=\"21.2 (Victoria)\"\nID=linuxmint\nID_LIKE=\"ubuntu "
        "debian\"\nVERSION_ID=\"21.2\"\n"
        "VERSION_CODENAME=victoria\n",
        {"linuxmint", "debian", "21.2", "victoria", "Linux Mint"});
    check_system(
        "NAME=\"Fedora Linux\"\nVERSION=\"38 (Server Edition)\"\nID=fedora\nVERSION_ID=38\nVERSION_CODENAME=\"\"\n"
        "PRETTY_NAME=\"Fedora Linux 38 (Server Edition)\"\n",
        {"fedora", "redhat", "38", "", "Fedora Linux 38 (Server Edition)"});
    check_system(
        "NAME=\"Rocky Linux\"\nVERSION=\"9.2 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"
        "VERSION_ID=\"9.2\"\nPRETTY_NAME=\"Rocky Linux 9.2 (Blue Onyx)\"\n",
        {"rocky", "redhat", "9.2", "", "Rocky Linux 9.2 (Blue Onyx)"});
    check_system("NAME=\"Arch Linux\"\nPRETTY_NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n",
                 {"arch", "arch", "", "", "Arch Linux"});
    check_system("NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.18.4\nPRETTY_NAME=\"Alpine Linux v3.18\"\n",
                 {"alpine", "alpine", "3.18.4", "", "Alpine Linux v3.18"});
    check_system(
        "NAME=\"openSUSE Leap\"\nVERSION=\"15.5\"\nID=\"opensuse-leap\"\nID_LIKE=\"suse "
        "opensuse\"\nVERSION_ID=\"15.5\"\n"
        "PRETTY_NAME=\"openSUSE Leap 15.5\"\n",
        {"opensuse-leap", "suse", "15.5", "", "openSUSE Leap 15.5"});
    check_system("# a comment\nID='own'\nPRETTY_NAME=\"a \\\"b\\\" \\$c\"\nrubbish\n",
                 {"own", "own", "", "", "a \"b\" $c"});
    check_system("", {"linux", "linux", "", "", ""});
}

TEST_CASE("a program says what machine it is for") {
    std::string file("\177ELF\2\1\1", 7);
    file.resize(64, '\0');
    file[18] = 62;
    CHECK(parse_elf_machine(file) == "x86_64");
    file[18] = static_cast<char>(183);
    CHECK(parse_elf_machine(file) == "aarch64");
    file[5] = 2;
    file[18] = 0;
    file[19] = 22;
    CHECK(parse_elf_machine(file) == "s390x");
    CHECK(parse_elf_machine("#!/bin/sh\n").empty());
    CHECK(parse_elf_machine("\177ELF").empty());
}

TEST_CASE("processors and memory are read from what the kernel says") {
    CHECK(parse_cpu_list("0-3") == 4);
    CHECK(parse_cpu_list("0-1,4,6-7") == 5);
    CHECK(parse_cpu_list("") == 0);
    CHECK(parse_cpu_list("x-3,3-1") == 0);
    CHECK(parse_cpu_model("processor\t: 0\nmodel name\t: Intel(R) Xeon(R) @ 2.00GHz\n\nmodel name\t: other\n") ==
          "Intel(R) Xeon(R) @ 2.00GHz");
    CHECK(parse_cpu_model("processor\t: 0\nBogoMIPS\t: 243.75\n").empty());
    const char* meminfo = "MemTotal:       16384256 kB\nMemFree:         1000 kB\nMemAvailable:    8000000 kB\n";
    CHECK(parse_meminfo(meminfo, "MemTotal") == 16384256ULL * 1024);
    CHECK(parse_meminfo(meminfo, "MemAvailable") == 8000000ULL * 1024);
    CHECK(parse_meminfo(meminfo, "Mem") == 0);
}

TEST_CASE("a full name comes from the hosts file, as the name or an alias has it") {
    CHECK(parse_fqdn("127.0.0.1 localhost\n127.0.1.1\tweb1.example.org web1\n", "web1") == "web1.example.org");
    CHECK(parse_fqdn("10.0.0.1 web1 web1.example.org # web1.no.org\n", "web1") == "web1.example.org");
    CHECK(parse_fqdn("127.0.0.1 localhost web1\n", "web1") == "web1");
    CHECK(parse_fqdn("10.0.0.1 web10.example.org web10\n", "web1") == "web1");
    CHECK(parse_fqdn("", "web1.example.net") == "web1.example.net");
}

TEST_CASE("a virtual machine and a container are told by their makers") {
    CHECK(parse_virtualization("QEMU", "Standard PC", "KVMKVMKVM") == "kvm");
    CHECK(parse_virtualization("QEMU", "Standard PC", "TCGTCGTCGTCG") == "qemu");
    CHECK(parse_virtualization("Amazon EC2", "t3.micro", "KVMKVMKVM") == "amazon");
    CHECK(parse_virtualization("Amazon EC2", "m5.metal", "") == "none");
    CHECK(parse_virtualization("Google", "Google Compute Engine", "KVMKVMKVM") == "google");
    CHECK(parse_virtualization("Google", "Pixelbook", "") == "none");
    CHECK(parse_virtualization("innotek GmbH", "VirtualBox", "KVMKVMKVM") == "oracle");
    CHECK(parse_virtualization("Oracle Corporation", "SUN FIRE X4170", "") == "none");
    CHECK(parse_virtualization("Microsoft Corporation", "Virtual Machine", "Microsoft Hv") == "microsoft");
    CHECK(parse_virtualization("Dell Inc.", "PowerEdge", "") == "none");
    CHECK(parse_virtualization("", "", "NewVMNewVM") == "vm-other");
    CHECK(parse_container("systemd-nspawn", "") == "systemd-nspawn");
    CHECK(parse_container("", std::string("A=1\0container=lxc\0B=2", 21)) == "lxc");
    CHECK(parse_container("", "TERM=linux").empty());
}

TEST_CASE("the default route is the one with the lowest metric that is up") {
    const char* head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    const Route route = parse_default_route(std::string(head) +
                                            "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
                                            "eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
                                            "eth1\t00000000\t0200000A\t0000\t0\t0\t1\t00000000\t0\t0\t0\n"
                                            "eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n");
    CHECK(route.interface == "eth0");
    CHECK(route.gateway == "10.0.0.1");
    CHECK(parse_default_route(head).interface.empty());
    const std::string zeros(32, '0');
    const Route six = parse_default_route_6(
        zeros + " 00 " + zeros + " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth0\n" +
        zeros + " 00 " + zeros + " 00 " + zeros + " ffffffff 00000001 00000000 00200200       lo\n");
    CHECK(six.interface == "eth0");
    CHECK(six.gateway == "fe80::1");
}

TEST_CASE("name servers are read as the resolver reads them") {
    CHECK(parse_nameservers("# nameserver 9.9.9.9\nsearch a.b\nnameserver\t1.1.1.1\nnameserver ::1 \nnameserver\n") ==
          std::vector<std::string>{"1.1.1.1", "::1"});
}

TEST_CASE("facts of an image are its own, not those of the machine it lies on") {
    const Scratch root;
    for (const char* directory : {"etc", "usr", "usr/lib", "usr/lib/systemd", "usr/bin"}) root.directory(directory);
    root.file("usr/lib/os-release", "ID=fedora\nVERSION_ID=38\n");
    root.link("etc/os-release", "../usr/lib/os-release");
    root.file("etc/hostname", "web1.example.org\n");
    root.file("etc/machine-id", "uninitialized\n");
    root.file("usr/bin/dnf", "");
    root.file("usr/bin/apt-get", "");
    root.file("usr/lib/systemd/systemd", "");
    root.file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n+nis::::::\n");
    std::string elf("\177ELF\2\1\1", 7);
    elf.resize(64, '\0');
    elf[18] = static_cast<char>(183);
    root.file("usr/bin/env", elf);
    const RootHost host(root.path());
    const View view(host);
    CHECK(text_at(read_os(view), "id") == "fedora");
    CHECK(text_at(read_os(view), "family") == "redhat");
    CHECK(text_of(read_arch(view)) == "aarch64");
    CHECK(text_at(read_kernel(view), "release").empty());
    CHECK(text_of(read_hostname(view)) == "web1");
    CHECK(text_of(read_fqdn(view)) == "web1.example.org");
    CHECK(text_of(read_machine_id(view)).empty());
    CHECK(text_of(read_package_manager(view)) == "dnf");
    CHECK(text_of(read_service_manager(view)) == "systemd");
    CHECK(text_of(read_virtualization(view)).empty());
    CHECK(std::get<Value::Map>(read_users(view).data).size() == 1);
    CHECK(text_at(std::get<Value::Map>(read_users(view).data)[0].value, "home") == "/root");
    const Value network = read_network(view);
    CHECK(std::get<Value::Map>(std::get<Value::Map>(network.data)[0].value.data).empty());
    CHECK(text_at(std::get<Value::Map>(network.data)[1].value, "gateway").empty());
}

TEST_CASE("facts of an empty root are empty, not errors") {
    const Scratch root;
    const RootHost host(root.path());
    const View view(host);
    for (const auto read : {read_os, read_arch, read_kernel, read_cpu, read_memory, read_free_memory, read_disks,
                            read_hostname, read_fqdn, read_machine_id, read_virtualization, read_container,
                            read_package_manager, read_service_manager, read_network, read_users, read_user})
        CHECK_NOTHROW(read(view));
}

TEST_CASE("facts of this machine agree with what it says elsewhere") {
    const RootHost host("/");
    const View view(host);
    CHECK(text_at(read_cpu(view), "count") == std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)));
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    CHECK(text_at(read_memory(view), "total") == std::to_string(pages * ::sysconf(_SC_PAGESIZE)));
    CHECK(text_at(read_kernel(view), "release") + "\n" == host.ask({{"uname", "-r"}}).out);
    CHECK(text_of(read_arch(view)) + "\n" == host.ask({{"uname", "-m"}}).out);
    CHECK(text_at(read_user(view), "uid") == std::to_string(::geteuid()));
    CHECK(text_of(read_free_memory(view)) != "0");
}

TEST_CASE("a host's own facts are what the files in facts.d say, by their names") {
    const Scratch root;
    for (const char* directory : {"etc", "etc/chaos", "etc/chaos/facts.d"}) root.directory(directory);
    const RootHost host(root.path());
    CHECK(std::get<Value::Map>(read_local(View(host)).data).empty());
    root.file("etc/chaos/facts.d/rack.yml", "row: 4\nslot: b\n");
    root.file("etc/chaos/facts.d/more.json", "{\"tier\": \"gold\"}");
    root.file("etc/chaos/facts.d/README", "not: a fact");
    root.file("etc/chaos/facts.d/.rack.yml.swp", "rubbish: [");
    const Value local = read_local(View(host));
    const auto& all = std::get<Value::Map>(local.data);
    REQUIRE(all.size() == 2);
    CHECK(text_of(all[0].key) == "more");
    CHECK(text_at(all[0].value, "tier") == "gold");
    CHECK(text_at(all[1].value, "row") == "4");
    CHECK_FALSE(all[1].value.where);

    root.file("etc/chaos/facts.d/rack.yml", "row: 4\nslot: [\n");
    try {
        read_local(View(host));
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(std::string(error.what()).starts_with("/etc/chaos/facts.d/rack.yml:"));
        CHECK_FALSE(error.where);
    }
}

TEST_CASE("every fact has a name of its own and says what it is, and this machine has them all") {
    const RootHost host("/");
    const View view(host);
    std::vector<std::string_view> names;
    for (const Fact& fact : builtin_facts()) {
        CHECK_FALSE(fact.doc.empty());
        CHECK(std::find(names.begin(), names.end(), fact.name) == names.end());
        names.push_back(fact.name);
        CHECK_FALSE(fact.read(view).is_null());
    }
    CHECK(names.size() == 18);
}
