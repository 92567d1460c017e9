// SPDX-License-Identifier: Apache-2.0
#include "apt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "fidelity.hpp"
#include "package.hpp"

namespace chaos::resources::apt {
namespace {

constexpr const char* lock_wait = "600";  // seconds

/// Nobody is asked anything: not by debconf, dpkg (changed configuration stays), needrestart or apt-listchanges.
Command quiet(std::vector<std::string> argv) {
    Command command{std::move(argv)};
    command.environment = {"DEBIAN_FRONTEND=noninteractive", "DEBCONF_NONINTERACTIVE_SEEN=true",
                           "NEEDRESTART_SUSPEND=1", "APT_LISTCHANGES_FRONTEND=none", "LC_ALL=C"};
    command.timeout_s = 0;  // a package transaction is never cut
    return command;
}

std::vector<std::string> apt_get() {
    return {"apt-get",
            "-y",
            "-q",
            "-o",
            "Dpkg::Use-Pty=0",
            "-o",
            "Dpkg::Options::=--force-confdef",
            "-o",
            "Dpkg::Options::=--force-confold",
            "-o",
            fmt::format("DPkg::Lock::Timeout={}", lock_wait),
            "-o",
            "APT::Get::AutomaticRemove=false"};
}

std::string_view next_line(std::string_view& text) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    return line;
}

std::string_view next_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    return word;
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
    if (request.complete) argv.emplace_back("--no-install-recommends");
    if (request.complete && !simulate)
        for (auto& one : held_to(request)) argv.push_back(std::move(one));
    argv.emplace_back("install");
    argv.insert(argv.end(), request.install.begin(), request.install.end());
    for (const auto& name : request.remove) argv.push_back(name + "-");
    if (simulate) command.timeout_s = 120;
    return command;
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
    auto asked = command(request, true);
    auto output = host.ask(asked);
    // Who only looks may not write apt's caches anew, which it wants to where dpkg's status changed since. It does
    // without that one; the other, of the lists, is as old as the last update.
    const auto would_write = [&] {
        return output.status != 0 &&
               (output.err.find("pkgcache.bin") != output.err.npos || output.err.find("mkstemp") != output.err.npos);
    };
    if (would_write()) {
        asked.argv.insert(asked.argv.end(), {"-o", "Dir::Cache::pkgcache="});
        output = host.ask(asked);
    }
    if (would_write()) return {.moves = {}, .problems = {}, .known = false, .help = "apt-get check"};
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

std::string lock_holder(const Host& host) {
    if (!host.live()) return {};
    std::string locks;
    host.look("/proc/locks", &locks);
    for (const char* path : {"/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"}) {
        const Entry lock = host.look(path);
        if (!lock) continue;
        // 1: POSIX  ADVISORY  WRITE 712 00:2b:1234 0 EOF
        const auto mark = fmt::format(":{} ", lock.inode);
        for (std::string_view rest = locks; !rest.empty();) {
            auto line = next_line(rest);
            if (line.find(mark) == line.npos || line.find("POSIX") == line.npos) continue;
            for (int skipped = 0; skipped < 4; ++skipped) next_word(line);
            const std::string pid(next_word(line));
            std::string name;
            host.look("/proc/" + pid + "/comm", &name);
            if (!name.empty() && name.back() == '\n') name.pop_back();
            return fmt::format("{} (pid {})", name.empty() ? "a process" : name, pid);
        }
    }
    return {};
}

std::string archive_of(const Packages::Package& package) {
    std::string version;
    for (const char c : package.version) version += c == ':' ? std::string("%3a") : std::string(1, c);
    return fmt::format("/var/cache/apt/archives/{}_{}_{}.deb", package.name, version, package.architecture);
}

void must(WritableHost& host, const Command& command) {
    const auto holder = lock_holder(host);
    const auto output = host.run(command);
    if (output.status == 0) return;
    auto error = failed(command, output);
    if (output.err.find("Could not get lock") != output.err.npos) {
        const auto now = lock_holder(host);
        throw Error(fmt::format("dpkg's lock was held for {} seconds by {}", lock_wait, now.empty() ? holder : now))
            .help("wait for it to end, then apply again");
    }
    throw error;
}

void repair(WritableHost& host) {
    const View view(host);
    const auto& packages = view.once<Packages>();
    std::vector<std::string> unpack;
    bool configure = packages.journal;
    for (const auto& package : packages.all) {
        if (!Packages::broken(package)) continue;
        configure = true;
        if (package.flag != "reinstreq" && package.status != "half-installed") continue;
        // The version that was coming is not in the status while it is half unpacked: any .deb of that name will do,
        // the newest name first.
        std::string best;
        for (const auto& name : host.list("/var/cache/apt/archives"))
            if (name.starts_with(package.name + "_") && name.ends_with(".deb"))
                best = "/var/cache/apt/archives/" + name;
        if (!best.empty()) unpack.push_back(best);
    }
    if (!unpack.empty()) {
        std::vector<std::string> argv{"dpkg", "--force-confdef", "--force-confold", "--unpack"};
        argv.insert(argv.end(), unpack.begin(), unpack.end());
        must(host, quiet(argv));
    }
    if (configure) must(host, quiet({"dpkg", "--force-confdef", "--force-confold", "--configure", "-a"}));
}

}  // namespace chaos::resources::apt
