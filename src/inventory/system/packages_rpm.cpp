// SPDX-License-Identifier: Apache-2.0
// rpm's database has had four formats; the host's own rpm reads the one that it has, and one question is enough.
#include <algorithm>
#include <set>

#include "packages.hpp"

namespace chaos {
namespace {

std::string_view part_of(std::string_view& text, char end) {
    const auto part = text.substr(0, text.find(end));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return part;
}

std::set<std::string, std::less<>> words_of(std::string_view text) {
    std::set<std::string, std::less<>> words;
    while (!text.empty()) {
        auto line = part_of(text, '\n');
        if (line.starts_with('#')) continue;
        const auto end = line.find_last_not_of(" \t\r");
        if (end != line.npos) words.emplace(line.substr(0, end + 1));
    }
    return words;
}

/// Names on which zypper has a lock: `solvable_name: hello` of each paragraph in /etc/zypp/locks.
std::set<std::string, std::less<>> zypper_locks(std::string_view text) {
    std::set<std::string, std::less<>> names;
    while (!text.empty()) {
        const auto line = part_of(text, '\n');
        constexpr std::string_view key = "solvable_name: ";
        if (line.starts_with(key)) names.emplace(line.substr(key.size()));
    }
    return names;
}

/// Names in dnf's list of versionlock: `hello-0:1.0-1.*` each.
std::set<std::string, std::less<>> dnf_locks(std::string_view text) {
    std::set<std::string, std::less<>> names;
    for (std::string line : words_of(text)) {
        if (line.starts_with('!')) continue;
        for (int cut = 0; cut < 2; ++cut)
            if (const auto dash = line.rfind('-'); dash != line.npos) line.resize(dash);
        names.insert(std::move(line));
    }
    return names;
}

/// What dnf noted as a reason, of each package the last one: 1 and 4 are what came along. It keeps that in a database
/// of SQLite, and dnf itself can not be asked by who may only look; the Python that it runs in can read it.
std::set<std::string, std::less<>> dnf_automatic(const Host& host) {
    if (!host.look("/var/lib/dnf/history.sqlite")) return {};
    constexpr const char* program =
        "import sqlite3\n"
        "c = sqlite3.connect('file:/var/lib/dnf/history.sqlite?mode=ro', uri=True)\n"
        "for (name,) in c.execute('select r.name from trans_item t join rpm r on r.item_id = t.item_id where t.reason "
        "in (1, 4) and t.id in (select max(u.id) from trans_item u join rpm s on s.item_id = u.item_id where u.state = "
        "1 "
        "group by s.name, s.arch)'): print(name)\n";
    const Command command{{"python3", "-I", "-c", program}};
    const auto output = host.ask(command);
    if (output.status != 0) throw failed(command, output);
    return words_of(output.out);
}

}  // namespace

std::vector<std::string> Packages::rpm_question() {
    return {"rpm", "-qa", "--nodigest", "--nosignature", "--qf", "%{NAME}\\t%{EVR}\\t%{ARCH}\\n"};
}

std::vector<Packages::Package> Packages::rpm_packages(std::string_view answer) {
    std::vector<Package> all;
    while (!answer.empty()) {
        auto line = part_of(answer, '\n');
        Package one;
        one.name = part_of(line, '\t'), one.version = part_of(line, '\t'), one.architecture = line;
        if (one.name.empty() || one.version.empty() || one.name == "gpg-pubkey") continue;  // keys are in it, too
        one.want = "install", one.flag = "ok", one.status = "installed";
        one.essential = one.name == "glibc" || one.name == "rpm" || one.name == "systemd" || one.name == "filesystem";
        all.push_back(std::move(one));
    }
    return all;
}

namespace packages {

Packages of_rpm(const Host& host, Packages::Keeper keeper) {
    const Command question{Packages::rpm_question()};
    const auto output = host.ask(question);
    if (output.status != 0) throw failed(question, output);
    auto all = Packages::rpm_packages(output.out);
    std::string locks, automatic;
    std::set<std::string, std::less<>> held, brought;
    if (keeper == Packages::Keeper::zypper) {
        host.look("/etc/zypp/locks", &locks);
        host.look("/var/lib/zypp/AutoInstalled", &automatic);
        held = zypper_locks(locks), brought = words_of(automatic);
    } else {
        host.look("/etc/dnf/plugins/versionlock.list", &locks);
        held = dnf_locks(locks), brought = dnf_automatic(host);
    }
    for (auto& one : all) {
        if (held.contains(one.name)) one.want = "hold";
        one.automatic = brought.contains(one.name);
    }
    return Packages::of(keeper, std::move(all));
}

}  // namespace packages
}  // namespace chaos
