// SPDX-License-Identifier: Apache-2.0
#include "apt.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "../lines.hpp"
#include "archives.hpp"
#include "fidelity.hpp"
#include "manners.hpp"
#include "moves.hpp"
#include "package.hpp"

namespace chaos::resources::apt {
namespace {

std::vector<std::string> apt_get() {
    return {"apt-get", "-y", "-q", "-o", "Dpkg::Use-Pty=0", "-o", "Dpkg::Options::=--force-confdef", "-o",
            "Dpkg::Options::=--force-confold", "-o",
            "DPkg::Lock::Timeout=2",  // waiting is ours, and told
            "-o", "APT::Get::AutomaticRemove=false",
            // It takes a status of the same size and second for the one it knows, and dpkg is faster than that.
            "-o", "Dir::Cache::pkgcache="};
}

/// `[1.0]` or `(1.1 Debian:12.5/stable [amd64])`: the version in it.
std::string version_in(std::string_view word) {
    word.remove_prefix(1);
    return std::string(word.substr(0, word.find_first_of("])")));
}

/// `Unable to locate package nginx`, `Package 'old' has no installation candidate`, `Version '2' for 'jq' was not
/// found`
Refusal refusal(std::string_view said) {
    const auto between = [&](std::string_view before, std::string_view after) {
        const auto begin = said.find(before);
        if (begin == said.npos) return std::string();
        const auto rest = said.substr(begin + before.size());
        return std::string(rest.substr(0, after.empty() ? rest.npos : rest.find(after)));
    };
    Refusal refused{std::string(said)};
    for (const auto& [before, after] : {std::pair("Unable to locate package ", ""),
                                        {"find any package by glob '", "'"},
                                        {"find any package by regex '", "'"},
                                        {"' for '", "'"},
                                        {"Package '", "'"},
                                        {"Package ", " "}})
        if (refused.name.empty()) refused.name = between(before, after);
    refused.unknown = said.starts_with("Unable to locate package ") || said.starts_with("Couldn't find any package") ||
                      said.find("has no installation candidate") != said.npos ||
                      said.find("was not found") != said.npos;
    return refused;
}

}  // namespace

Command command(const Request& request, bool simulate) {
    auto command = quiet(apt_get());
    auto& argv = command.argv;
    if (simulate) argv.emplace_back("-s");
    if (request.purge) argv.emplace_back("--purge");
    if (request.downgrades) argv.emplace_back("--allow-downgrades");
    if (!request.removals && !simulate) argv.emplace_back("--no-remove");
    // To apt a libgcc-s1:i386 is as essential as the host's own: its removal was planned by a look at that.
    const auto is_foreign = [](const std::string& name) { return name.find(':') != name.npos; };
    if (request.complete && std::any_of(request.remove.begin(), request.remove.end(), is_foreign))
        argv.emplace_back("--allow-remove-essential");
    if (request.complete) argv.emplace_back("--no-install-recommends");
    if (request.complete && !simulate)
        for (auto& one : held_to(request)) argv.push_back(std::move(one));
    argv.emplace_back("install");
    for (const auto& one : request.install) argv.push_back(request.told(one));
    for (const auto& name : request.remove) argv.push_back(name + "-");
    if (simulate) command.timeout_s = 120;
    return command;
}

Command back(const Request& request) {
    auto to = command(request, false);
    // What goes came with the run that is taken back: the host did without it, whatever it calls itself.
    if (!request.remove.empty()) to.argv.emplace(to.argv.begin() + 1, "--allow-remove-essential");
    // Nobody else's files are read, so nobody else need be; what was cut is not let be; nothing new comes along.
    to.argv.insert(to.argv.begin() + 1, {"-f", "--no-install-recommends", "-o", "APT::Sandbox::User=root"});
    return to;
}

Answer parse(const Output& output) {
    Answer answer;
    for (std::string_view rest = output.out; !rest.empty();) {
        auto line = next_line(rest);
        const auto verb = next_word(line);
        const bool installs = verb == "Inst";
        if (!installs && verb != "Remv" && verb != "Purg") continue;
        Move move{installs ? Move::Kind::install : Move::Kind::remove, std::string(next_word(line)), {}, {}};
        if (auto word = next_word(line); word.starts_with('[')) {
            move.old_version = version_in(word);
            word = next_word(line);
            if (word.starts_with('(')) move.version = version_in(word);
        } else if (word.starts_with('(')) {
            move.version = version_in(word);
        }
        answer.moves.push_back(std::move(move));
    }
    for (std::string_view rest = output.err; !rest.empty();)
        if (const auto line = next_line(rest); line.starts_with("E: "))
            answer.problems.push_back(refusal(line.substr(3)));
    if (output.status != 0 && answer.problems.empty())
        answer.problems.push_back({fmt::format("apt-get -s ended with {}: {}", output.status, output.err)});
    return answer;
}

Answer simulate(const Host& host, const Request& request) {
    const auto output = host.ask(command(request, true));
    // Who only looks may not write the cache of the lists anew, which apt wants to where they changed since.
    if (output.status != 0 &&
        (output.err.find("pkgcache.bin") != output.err.npos || output.err.find("mkstemp") != output.err.npos))
        return {.moves = {}, .problems = {}, .known = false, .help = "apt-get check"};
    return parse(output);
}

bool has_lists(const Host& host) {
    const auto names = host.list("/var/lib/apt/lists");
    return std::any_of(names.begin(), names.end(),
                       [](const std::string& name) { return name.find("_Packages") != name.npos; });
}

bool has_all_lists(const Host& host) {
    const auto names = host.list("/var/lib/apt/lists");
    const auto has = [&](const std::string& name) { return std::binary_search(names.begin(), names.end(), name); };
    const auto output = host.ask({{"apt-get", "--print-uris", "update"}});
    for (std::string_view rest = output.status == 0 ? output.out : std::string_view(); !rest.empty();) {
        auto line = next_line(rest);  // 'https://.../InRelease' deb.example.org_debian_dists_stable_InRelease 0
        next_word(line);
        const std::string name(next_word(line));
        constexpr std::string_view signed_one = "_InRelease";
        if (!name.ends_with(signed_one)) continue;
        const auto source = name.substr(0, name.size() - signed_one.size());
        if (!has(name) && !has(source + "_Release")) return false;
    }
    return has_lists(host);
}

Command update() {
    auto argv = apt_get();
    argv.emplace_back("update");
    auto command = quiet(std::move(argv));
    command.timeout_s = 600;
    return command;
}

void repair(WritableHost& host, bool must_configure) {
    std::vector<const Packages::Package*> halves;
    const View view(host);
    const auto& packages = view.once<Packages>();
    std::size_t broken = 0;
    for (const auto& package : packages.all) {
        if (!Packages::broken(package)) continue;
        ++broken;
        if (package.flag == "reinstreq" || package.status == "half-installed") halves.push_back(&package);
    }
    if (broken == 0 && !packages.journal) return;
    host.says(fmt::format("dpkg was interrupted: bringing it to an end first ({} {})", broken,
                          broken == 1 ? "package" : "packages"));
    const auto archives = incoming_of(host, halves);
    if (!archives.empty()) {
        auto unpack = quiet({"dpkg", "--force-confdef", "--force-confold", "--unpack"});
        unpack.argv.insert(unpack.argv.end(), archives.begin(), archives.end());
        if (must_configure)
            carry_out(host, unpack);
        else
            try_out(host, unpack);
    }
    const auto configure = quiet({"dpkg", "--force-confdef", "--force-confold", "--configure", "-a"});
    const auto failed = try_out(host, configure);
    if (failed && must_configure)
        throw TransactionFailed(failed->what(), Remedy{"apt-get --fix-broken install", true}, failed->printed());
}

void unpack_halves(WritableHost& host, const std::vector<std::string>& packages) {
    auto argv = apt_get();
    argv.insert(argv.end(), {"install", "--reinstall", "--no-install-recommends"});
    argv.insert(argv.end(), packages.begin(), packages.end());
    carry_out(host, quiet(std::move(argv)));
}

void finish_removals(WritableHost& host, const Request& request) {
    const View view(host);
    const auto& packages = view.once<Packages>();
    const auto is_asked = [&](const std::string& name) {
        const auto is_it = [&](const std::string& one) { return bare(one.substr(0, one.find('=')), packages) == name; };
        return std::any_of(request.install.begin(), request.install.end(), is_it) ||
               std::any_of(request.remove.begin(), request.remove.end(), is_it);
    };
    std::vector<std::string> names;
    for (const auto& one : packages.all)
        if (one.status == "half-installed" && (one.want == "deinstall" || one.want == "purge"))
            if (auto name = name_of(one, packages); !is_asked(name)) names.push_back(std::move(name));
    if (names.empty()) return;
    host.says(fmt::format("a removal was broken off: bringing it to an end first ({})", listed(names)));
    auto command = quiet({"dpkg", "--remove"});
    command.argv.insert(command.argv.end(), names.begin(), names.end());
    if (const auto failed = try_out(host, command))
        throw TransactionFailed(
            Error(fmt::format("{} stands half removed, and apt does nothing before that is done:\n{}", listed(names),
                              failed->what()))
                .help(fmt::format("mend what its script wants; or keep it: apt-get install --reinstall {}", names[0])),
            failed->printed());
}

}  // namespace chaos::resources::apt
