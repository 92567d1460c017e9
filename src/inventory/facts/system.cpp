// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>

#include "../text.hpp"
#include "facts.hpp"

namespace chaos::facts {
namespace {

/// A value of os-release: shell quoting, of which only the backslash matters within double quotes.
std::string unquoted(std::string_view text) {
    if (text.size() < 2 || (text.front() != '"' && text.front() != '\'') || text.back() != text.front())
        return std::string(text);
    const bool escapes = text.front() == '"';
    std::string result;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (escapes && text[i] == '\\' && i + 2 < text.size()) ++i;
        result += text[i];
    }
    return result;
}

/// The family of one id; empty where it founds none.
std::string_view family_of(std::string_view id) {
    if (id == "debian" || id == "ubuntu" || id == "raspbian") return "debian";
    if (id == "fedora" || id == "rhel" || id == "centos" || id == "amzn" || id == "ol") return "redhat";
    if (id == "arch" || id == "archarm") return "arch";
    if (id == "suse" || id == "opensuse" || id == "sles" || id.starts_with("opensuse-")) return "suse";
    if (id == "alpine" || id == "gentoo" || id == "void" || id == "nixos") return id;
    return {};
}

bool there(const View& view, const char* path) {
    try {
        return static_cast<bool>(view->look(path));
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

System parse_os_release(std::string_view text) {
    System system;
    std::string like, plain_name;
    for_lines(text, [&](std::string_view line) {
        const std::size_t equals = line.find('=');
        if (line.front() == '#' || equals == line.npos) return;
        const std::string_view key = line.substr(0, equals);
        std::string value = unquoted(line.substr(equals + 1));
        if (key == "ID")
            system.id = std::move(value);
        else if (key == "ID_LIKE")
            like = std::move(value);
        else if (key == "VERSION_ID")
            system.version = std::move(value);
        else if (key == "VERSION_CODENAME")
            system.codename = std::move(value);
        else if (key == "PRETTY_NAME")
            system.name = std::move(value);
        else if (key == "NAME")
            plain_name = std::move(value);
    });
    if (system.id.empty()) system.id = "linux";  // os-release(5) says so
    if (system.name.empty()) system.name = plain_name;
    system.family = family_of(system.id);
    for_words(like, ' ', [&](std::string_view id) {
        if (system.family.empty()) system.family = family_of(id);
    });
    if (system.family.empty()) system.family = system.id;
    return system;
}

std::string parse_elf_machine(std::string_view file) {
    if (file.size() < 20 || !file.starts_with("\177ELF")) return {};
    const bool wide = file[4] == 2, little = file[5] == 1;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(file[at])); };
    const unsigned machine = little ? byte(18) | byte(19) << 8 : byte(19) | byte(18) << 8;
    switch (machine) {
        case 3: return "i686";
        case 8: return wide ? "mips64" : "mips";
        case 20: return "ppc";
        case 21: return little ? "ppc64le" : "ppc64";
        case 22: return "s390x";
        case 40: return "armv7l";
        case 62: return "x86_64";
        case 183: return "aarch64";
        case 243: return wide ? "riscv64" : "riscv32";
        case 258: return "loongarch64";
        default: return {};
    }
}

Value read_os(const View& view) {
    auto text = read_text(view.host(), "/etc/os-release");
    if (!text) text = read_text(view.host(), "/usr/lib/os-release");
    const System system = parse_os_release(text.value_or(""));
    return map_of({{"id", system.id},
                   {"family", system.family},
                   {"version", system.version},
                   {"codename", system.codename},
                   {"name", system.name}});
}

Value read_arch(const View& view) {
    if (view->live()) {
        utsname names{};
        ::uname(&names);
        return Value(std::string(names.machine));
    }
    // An image runs nowhere yet: what its programs are made for.
    for (const char* program : {"/usr/bin/env", "/bin/true", "/bin/busybox", "/bin/sh"}) {
        std::string machine = parse_elf_machine(read_text(view.host(), program).value_or(""));
        if (!machine.empty()) return Value(std::move(machine));
    }
    return Value(std::string());
}

Value read_kernel(const View& view) {
    utsname names{};
    if (view->live()) ::uname(&names);
    return map_of({{"release", names.release}});
}

Value read_package_manager(const View& view) {
    constexpr std::pair<const char*, const char*> known[] = {
        {"/usr/bin/apt-get", "apt"},   {"/usr/bin/dnf", "dnf"}, {"/usr/bin/dnf5", "dnf"},
        {"/usr/bin/microdnf", "dnf"},  {"/usr/bin/yum", "dnf"}, {"/usr/bin/zypper", "zypper"},
        {"/usr/bin/pacman", "pacman"}, {"/sbin/apk", "apk"},    {"/usr/bin/apk", "apk"}};
    // A Debian may have dnf installed and the other way round: the system's own first.
    const System system = parse_os_release(read_text(view.host(), "/etc/os-release").value_or(""));
    const std::string_view own = system.family == "debian"   ? "apt"
                                 : system.family == "redhat" ? "dnf"
                                 : system.family == "suse"   ? "zypper"
                                 : system.family == "arch"   ? "pacman"
                                 : system.family == "alpine" ? "apk"
                                                             : "";
    for (const auto& [path, name] : known) {
        if (name == own && there(view, path)) return Value(std::string(name));
    }
    for (const auto& [path, name] : known) {
        if (there(view, path)) return Value(std::string(name));
    }
    return Value(std::string("none"));
}

Value read_service_manager(const View& view) {
    constexpr std::pair<const char*, const char*> running[] = {
        {"/run/systemd/system", "systemd"}, {"/run/openrc", "openrc"}, {"/run/runit", "runit"}};
    constexpr std::pair<const char*, const char*> installed[] = {{"/usr/lib/systemd/systemd", "systemd"},
                                                                 {"/lib/systemd/systemd", "systemd"},
                                                                 {"/sbin/openrc", "openrc"},
                                                                 {"/sbin/runit", "runit"},
                                                                 {"/etc/inittab", "sysvinit"}};
    if (view->live()) {
        for (const auto& [path, name] : running) {
            if (there(view, path)) return Value(std::string(name));
        }
        const bool sysv = read_line(view.host(), "/proc/1/comm") == "init" && there(view, "/etc/inittab");
        return Value(std::string(sysv ? "sysvinit" : "none"));
    }
    for (const auto& [path, name] : installed) {
        if (there(view, path)) return Value(std::string(name));
    }
    return Value(std::string("none"));
}

}  // namespace chaos::facts
