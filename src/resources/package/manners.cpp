// SPDX-License-Identifier: Apache-2.0
#include "manners.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "locks.hpp"

namespace chaos::resources::apt {
namespace {

constexpr const char* policy_name = "policy-rc.d";
constexpr std::string_view asked_for_policy = "/usr/sbin/policy-rc.d";
constexpr std::string_view mark = "chaos: held: ";

/// What asks for policy: it is given a copy of itself that asks ours. There is no other way to show a policy-rc.d to
/// one process alone where the host has none: a mount needs something to lie on.
constexpr const char* askers[] = {"/usr/bin/deb-systemd-invoke", "/usr/sbin/invoke-rc.d"};

bool is_plain(std::string_view path) {
    return std::all_of(path.begin(), path.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '-' ||
               c == '_' || c == '.';
    });
}

std::vector<std::string> running_units(const Host& host) {
    std::vector<std::string> names;
    for (const Unit& unit : host.services().units())
        if (unit.at_work()) names.push_back(unit.name);
    return names;
}

/// Where no service manager answers, what ran before can not be told: nothing is held. On an image nothing runs.
void hold_services(WritableHost& host, Command& command) {
    if (host.live() && !host.services().answers()) return;
    const auto veil = veil_of(host);
    if (veil.empty()) return;
    command.veil = veil;
    command.own.push_back({policy_name, policy(running_units(host))});
    for (const char* asker : askers)
        if (auto own = changed_copy(host, asker, asked_for_policy, veil + "/policy-rc.d"))
            command.own.push_back(std::move(*own));
}

void tell_held(WritableHost& host, const Output& output) {
    const auto held = held_in(output.err);
    if (!held.empty())
        host.says(fmt::format("not started by its package: {} (what the manifest wishes running has a step of its own)",
                              fmt::join(held, ", ")));
}

/// Without what it was to see alone, and without the options that name that.
void uncover(Command& command) {
    command.own.clear();
    auto& argv = command.argv;
    for (std::size_t i = 0; i + 1 < argv.size();)
        if (argv[i] == "-o" && argv[i + 1].ends_with("=" + command.veil))
            argv.erase(argv.begin() + static_cast<std::ptrdiff_t>(i),
                       argv.begin() + static_cast<std::ptrdiff_t>(i) + 2);
        else
            ++i;
}

}  // namespace

std::string veil_of(WritableHost& host) {
    auto veil = host.keep_in("packages/veil");
    return is_plain(veil) ? veil : std::string();
}

std::optional<Command::Own> changed_copy(const WritableHost& host, const std::string& path, std::string_view from,
                                         const std::string& to) {
    std::string text;
    host.look(path, &text);
    auto at = text.find(from);
    if (at == text.npos) return std::nullopt;
    for (; at != text.npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
    return Command::Own{path.substr(path.rfind('/') + 1), std::move(text), path};
}

Command quiet(std::vector<std::string> argv) {
    Command command{std::move(argv)};
    command.environment = {"DEBIAN_FRONTEND=noninteractive",
                           "DEBCONF_NONINTERACTIVE_SEEN=true",
                           "DEBCONF_NOWARNINGS=yes",
                           "NEEDRESTART_SUSPEND=1",
                           "NEEDRESTART_MODE=l",
                           "APT_LISTCHANGES_FRONTEND=none",
                           "APT_LISTBUGS_FRONTEND=none",
                           "UCF_FORCE_CONFFOLD=1",
                           "LC_ALL=C"};
    command.timeout_s = 0;  // a package transaction is never cut
    return command;
}

std::string policy(const std::vector<std::string>& running) {
    std::string names;
    for (const std::string& name : running) {
        if (name.find_first_of(" \t\n'\"\\$`") != name.npos) continue;
        names += name + " ";
        constexpr std::string_view service = ".service";
        if (name.ends_with(service)) names += name.substr(0, name.size() - service.size()) + " ";
    }
    return fmt::format(R"(#!/bin/sh
# Seen by one command of chaos alone: what ran before it may be started again, nothing else.
policy=$*
[ "$1" != --quiet ] || shift
case $2 in
    *start*)
        case " {}" in
            *" $1 "*) ;;
            *) echo "{}$1" >&2; exit 101 ;;
        esac ;;
esac
[ ! -x {} ] || exec {} $policy
exit 104
)",
                       names, mark, asked_for_policy, asked_for_policy);
}

std::vector<std::string> held_in(std::string_view errors) {
    std::vector<std::string> names;
    for (auto at = errors.find(mark); at != errors.npos; at = errors.find(mark, at)) {
        at += mark.size();
        names.emplace_back(errors.substr(at, errors.find('\n', at) - at));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

Output run_when_free(WritableHost& host, Command command) {
    for (int waited_s = 0;;) {
        wait_for_locks(host, waited_s);
        Output output;
        try {
            output = host.run(command);
        } catch (const NoNamespace&) {
            const auto holds = [](const Command::Own& own) { return own.name == policy_name; };
            if (std::any_of(command.own.begin(), command.own.end(), holds))
                host.says("services are started by their packages: nothing can be hidden from others here");
            uncover(command);
            continue;
        }
        // Somebody came between: whom apt names holds it now, and is waited for.
        if (output.status == 0 || !is_about_a_lock(output.err) || lock_holder(host).empty()) return output;
    }
}

void must(WritableHost& host, const Command& command) {
    const auto output = run_when_free(host, command);
    if (output.status != 0) throw transaction_failed(command, output);
}

std::optional<TransactionFailed> try_out(WritableHost& host, Command command) {
    hold_services(host, command);
    const auto output = run_when_free(host, command);
    tell_held(host, output);
    if (output.status == 0) return std::nullopt;
    return transaction_failed(command, output);
}

void carry_out(WritableHost& host, const Command& command) {
    if (auto failed = try_out(host, command)) throw TransactionFailed(*failed);
}

}  // namespace chaos::resources::apt
