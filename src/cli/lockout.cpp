// SPDX-License-Identifier: Apache-2.0
#include "lockout.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/confirm.hpp>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace chaos::cli {

namespace {

struct Door {
    std::string_view name, what;
};

constexpr std::string_view sshd = "sshd", firewall = "the firewall", network = "the network", sudo = "sudo",
                           pam = "who may log in", mounts = "what is mounted at boot";

/// A path that ends in / stands for all below it.
constexpr Door paths[] = {
    {"/etc/ssh/", sshd},
    {"/etc/default/ssh", sshd},
    {"/etc/sysconfig/sshd", sshd},
    {"/etc/hosts.allow", sshd},
    {"/etc/hosts.deny", sshd},
    {"/root/.ssh/", sshd},
    {"/etc/nftables.conf", firewall},
    {"/etc/nftables.d/", firewall},
    {"/etc/nftables/", firewall},
    {"/etc/iptables/", firewall},
    {"/etc/sysconfig/iptables", firewall},
    {"/etc/ufw/", firewall},
    {"/etc/default/ufw", firewall},
    {"/etc/firewalld/", firewall},
    {"/etc/fail2ban/", firewall},
    {"/etc/network/", network},
    {"/etc/netplan/", network},
    {"/etc/systemd/network/", network},
    {"/etc/NetworkManager/", network},
    {"/etc/sysconfig/network-scripts/", network},
    {"/etc/wpa_supplicant/", network},
    {"/etc/wireguard/", network},
    {"/etc/dhcpcd.conf", network},
    {"/etc/sudoers", sudo},
    {"/etc/sudoers.d/", sudo},
    {"/etc/doas.conf", sudo},
    {"/etc/pam.d/", pam},
    {"/etc/pam.conf", pam},
    {"/etc/security/", pam},
    {"/etc/login.defs", pam},
    {"/etc/nsswitch.conf", pam},
    {"/etc/passwd", pam},
    {"/etc/shadow", pam},
    {"/etc/group", pam},
    {"/etc/shells", pam},
    {"/etc/sssd/", pam},
    {"/etc/fstab", mounts},
    {"/etc/crypttab", mounts},
};

constexpr Door units[] = {
    {"ssh", sshd},
    {"sshd", sshd},
    {"dropbear", sshd},
    {"nftables", firewall},
    {"iptables", firewall},
    {"ip6tables", firewall},
    {"netfilter-persistent", firewall},
    {"ufw", firewall},
    {"firewalld", firewall},
    {"fail2ban", firewall},
    {"networking", network},
    {"network", network},
    {"systemd-networkd", network},
    {"NetworkManager", network},
    {"wpa_supplicant", network},
    {"dhcpcd", network},
    {"sssd", pam},
};

constexpr Door packages[] = {
    {"openssh-server", sshd},
    {"openssh", sshd},
    {"dropbear", sshd},
    {"sudo", sudo},
    {"libpam-modules", pam},
    {"libpam-runtime", pam},
    {"libpam0g", pam},
    {"pam", pam},
    {"nftables", firewall},
    {"iptables", firewall},
    {"ufw", firewall},
    {"firewalld", firewall},
    {"ifupdown", network},
    {"netplan.io", network},
    {"network-manager", network},
    {"NetworkManager", network},
    {"isc-dhcp-client", network},
};

/// Kinds that are about nothing else.
constexpr Door kinds[] = {{"sudo", sudo},       {"sudo_rule", sudo},     {"firewall", firewall},
                          {"network", network}, {"connection", network}, {"mount", mounts}};

template <class Doors>
std::string_view named(const Doors& doors, std::string_view name) {
    const auto found =
        std::find_if(std::begin(doors), std::end(doors), [&](const Door& door) { return door.name == name; });
    return found == std::end(doors) ? std::string_view() : found->what;
}

std::string_view at_path(std::string_view path) {
    for (const Door& door : paths)
        if (path == door.name || (door.name.ends_with('/') &&
                                  (path.starts_with(door.name) || path == door.name.substr(0, door.name.size() - 1))))
            return door.what;
    const auto home = path.rfind("/.ssh/");
    if (home != std::string_view::npos && path.substr(home + 6).starts_with("authorized_keys")) return sshd;
    // Drop-ins of its unit, wherever the file of it lies.
    constexpr std::string_view of_units = "/etc/systemd/system/";
    if (!path.starts_with(of_units)) return {};
    const auto name = path.substr(of_units.size());
    return named(units, name.substr(0, name.find('.')));
}

std::string_view without_end(std::string_view unit) {
    for (const std::string_view end : {".service", ".socket"})
        if (unit.ends_with(end)) return unit.substr(0, unit.size() - end.size());
    return unit;
}

/// Every path that the resource makes, changes or takes away.
std::string_view of_its_paths(const ResourceType& type, const Change& change) {
    constexpr std::string_view mark = "path:";
    for (const State& state : {change.before, change.after})
        for (const std::string& name : claimed(type, state, {Claim::Role::provides}))
            if (name.starts_with(mark))
                if (const auto what = at_path(std::string_view(name).substr(mark.size())); !what.empty()) return what;
    return {};
}

/// The text of a file of /proc, as far as it can be read.
std::string proc(int pid, const char* name) {
    const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return {};
    std::string text;
    char block[4096];
    for (ssize_t got = 0; (got = ::read(file, block, sizeof block)) > 0;)
        text.append(block, static_cast<std::size_t>(got));
    ::close(file);
    return text;
}

/// PID (NAME) STATE PARENT ...: the name may hold anything.
std::pair<std::string, int> name_and_parent(int pid) {
    const std::string stat = proc(pid, "stat");
    const auto open = stat.find('('), close = stat.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close + 4 > stat.size()) return {"", 0};
    int parent = 0;
    std::from_chars(stat.data() + close + 4, stat.data() + stat.size(), parent);
    return {stat.substr(open + 1, close - open - 1), parent};
}

std::string variable_of(int pid, std::string_view name) {
    const std::string all = proc(pid, "environ");
    const std::string start = std::string(name) + "=";
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find('\0', at), all.size());
        if (all.compare(at, start.size(), start) == 0) return all.substr(at + start.size(), end - at - start.size());
        at = end + 1;
    }
    return {};
}

}  // namespace

std::string_view lockout_of(const Resource& resource, const Change& change, std::string_view person) {
    const std::string_view kind = resource.id.type;
    const std::string& key = resource.id.key;
    if (const auto what = named(kinds, kind); !what.empty()) return what;
    if (kind == "service" || kind == "unit")
        if (const auto what = named(units, without_end(key)); !what.empty()) return what;
    // What is only added opens nothing and closes nothing; but for what may begin to filter.
    if (kind == "package")
        if (const auto what = named(packages, key); !what.empty() && (change.before || what == firewall)) return what;
    if ((kind == "user" || kind == "authorized_keys") && change.before && (key == "root" || key == person))
        return kind == "user" ? "your account" : sshd;
    if (kind == "sysctl" && key.starts_with("net.")) return network;
    return of_its_paths(*resource.type, change);
}

std::string ssh_connection() {
    if (const char* own = std::getenv("SSH_CONNECTION"); own && *own) return own;
    constexpr int deepest = 64;
    int pid = ::getppid();
    for (int depth = 0; pid > 1 && depth < deepest; ++depth) {
        if (std::string said = variable_of(pid, "SSH_CONNECTION"); !said.empty()) return said;
        const auto [name, parent] = name_and_parent(pid);
        if (name.starts_with("sshd") || name == "dropbear") return "ssh";
        pid = parent;
    }
    return {};
}

std::string_view to_text(Confirmation::Reason reason) {
    switch (reason) {
        case Confirmation::Reason::none: return "none";
        case Confirmation::Reason::asked: return "asked";
        case Confirmation::Reason::written: return "written";
        case Confirmation::Reason::ssh: return "ssh";
    }
    return {};
}

Confirmation confirmation_of(const Options& options, const Site& site, const Plan& plan, std::string_view person,
                             bool over_ssh) {
    Confirmation confirmation;
    if (plan.empty() || (options.confirm && *options.confirm == 0)) return confirmation;
    if (options.confirm) return {*options.confirm, Confirmation::Reason::asked, {}};
    std::vector<std::pair<std::string, std::string>> doors;
    std::int64_t written = site.confirm.value_or(0);
    for (const Step& step : plan)
        for (std::size_t k = 0; k < step.changes.size(); ++k) {
            const Resource& resource = site.catalog[step.resources[k]];
            const std::string id = chaos::to_text(resource.id);
            if (resource.confirm.value_or(0) > 0) {
                written = std::max(written, *resource.confirm);
                confirmation.because.emplace_back(id, "");
            }
            if (resource.confirm.value_or(1) == 0) continue;
            if (const auto what = lockout_of(resource, step.changes[k], person); !what.empty())
                doors.emplace_back(id, what);
        }
    if (written > 0) {
        confirmation.seconds = written;
        confirmation.reason = Confirmation::Reason::written;
    } else if (over_ssh && !doors.empty() && site.confirm.value_or(1) != 0) {
        confirmation = {standard_window_s, Confirmation::Reason::ssh, std::move(doors)};
    }
    return confirmation;
}

}  // namespace chaos::cli
