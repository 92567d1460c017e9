// SPDX-License-Identifier: Apache-2.0
#include "repack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "../lines.hpp"
#include "manners.hpp"

namespace chaos::resources::apt {
namespace {

constexpr const char* info = "/var/lib/dpkg/info/";
constexpr std::size_t most = 256U << 20U, at_once = 500;  // bytes of a text of dpkg's; names in one argv

constexpr std::string_view stand_in = "# kept by chaos in place of configuration that had been edited\n";

/// `hello.`, or `libc6:amd64.` where several architectures may be there at once; empty where dpkg has no list of it.
std::string prefix_of(const Host& host, const Packages::Package& package) {
    for (const auto& prefix : {package.name + ".", package.name + ":" + package.architecture + "."})
        if (host.look(info + prefix + "list")) return prefix;
    return {};
}

/// From dpkg's database, which anybody may have written who made this image: no way out of the tree.
bool is_clean(std::string_view path) {
    if (!path.starts_with('/') || path.size() < 2) return false;
    for (std::string_view rest = path.substr(1); !rest.empty();) {
        const auto part = rest.substr(0, rest.find('/'));
        if (part.empty() || part == "." || part == "..") return false;
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    }
    return true;
}

/// Where the files of a package lie that another one, or a person, had diverted.
std::map<std::string, std::string> diversions(const Host& host, const std::string& package) {
    std::string text;
    host.look("/var/lib/dpkg/diversions", &text, most);
    std::map<std::string, std::string> to;
    for (std::string_view rest = text; !rest.empty();) {
        const auto from = next_line(rest), target = next_line(rest), by = next_line(rest);
        if (by != package && is_clean(target)) to.emplace(from, target);
    }
    return to;
}

class Repacking {
public:
    Repacking(WritableHost& host, const Packages::Package& package, const std::string& tree)
        : host_(host), package_(package), tree_(tree), prefix_(prefix_of(host, package)) {
        if (prefix_.empty())
            throw Error(fmt::format("dpkg has no list of the files of {}", package.name))
                .help("apt-get install --reinstall " + package.name);
    }

    void put_files() {
        std::string list;
        host_.look(info + prefix_ + "list", &list, most);
        std::vector<std::string> paths;
        for (std::string_view rest = list; !rest.empty();)
            if (const auto path = next_line(rest); is_clean(path)) paths.emplace_back(path);
        std::set<std::string> holding;
        for (const auto& path : paths) holding.insert(path.substr(0, path.rfind('/')));
        const auto elsewhere = diversions(host_, package_.name);
        std::vector<std::string> files;
        std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::vector<std::string>> directories;
        for (const auto& path : paths) {
            // What holds others is made along with them; it may be a link here, where directories were merged.
            if (holding.contains(path)) continue;
            if (const auto diverted = elsewhere.find(path); diverted != elsewhere.end()) {
                if (!host_.look(diverted->second)) continue;
                const auto parent = tree_ + path.substr(0, path.rfind('/'));
                must(host_, {{"mkdir", "-p", "--", parent}});
                must(host_, {{"cp", "-a", "-T", "--", diverted->second, tree_ + path}});
                continue;
            }
            const Entry entry = host_.look(path);
            if (entry.kind == Entry::Kind::directory)
                directories[{entry.mode, entry.uid, entry.gid}].push_back(tree_ + path);
            else if (entry)
                files.push_back(path.substr(1));
        }
        in_pieces({{"cp", "-a", "--parents", "-t", tree_, "--"}, {}, "/"}, files);
        for (const auto& [meta, made] : directories) {
            const auto& [mode, uid, gid] = meta;
            in_pieces({{"install", "-d", "-m", fmt::format("{:o}", mode), "-o", std::to_string(uid), "-g",
                        std::to_string(gid), "--"}},
                      made);
        }
    }

    /// The package's own bytes of configuration that somebody edited are not known. With the edited ones in their place
    /// dpkg would take the edit for the package's, and the next upgrade would overwrite it; so something else stands
    /// there. The edited bytes are effects of the step, and come back by themselves: those of /etc, so only there.
    void stand_in_for_edited() {
        for (const auto& path :
             edited_in(host_.ask({{"dpkg", "--verify", prefix_.substr(0, prefix_.size() - 1)}}).out)) {
            if (!path.starts_with("/etc/") || !is_clean(path)) continue;
            const auto copy = tree_ + path;
            if (host_.look(copy).kind == Entry::Kind::file)
                must(host_, {{"dd", "of=" + copy, "status=none"}, std::string(stand_in)});
        }
    }

    void put_control() {
        std::string status;
        host_.look("/var/lib/dpkg/status", &status, most);
        const auto control = control_of(status, package_.name, package_.architecture);
        if (control.empty()) throw Error("dpkg's status has nothing of " + package_.name);
        must(host_, {{"mkdir", "-p", "-m", "0755", "--", tree_ + "/DEBIAN"}});
        for (const auto& name : host_.list(info)) {
            if (!name.starts_with(prefix_) || name == prefix_ + "list") continue;
            must(host_, {{"cp", "-p", "-T", "--", info + name, tree_ + "/DEBIAN/" + name.substr(prefix_.size())}});
        }
        must(host_, {{"dd", "of=" + tree_ + "/DEBIAN/control", "status=none"}, control});
    }

    void build(const std::string& to) {
        // Fast and read everywhere; unchecked, since configuration that somebody deleted is no reason to fail.
        must(host_, {{"dpkg-deb", "-Zgzip", "-z1", "--nocheck", "--build", tree_, to}});
    }

private:
    void in_pieces(const Command& start, const std::vector<std::string>& names) {
        for (std::size_t from = 0; from < names.size(); from += at_once) {
            Command command = start;
            const auto end = std::min(names.size(), from + at_once);
            command.argv.insert(command.argv.end(), names.begin() + static_cast<std::ptrdiff_t>(from),
                                names.begin() + static_cast<std::ptrdiff_t>(end));
            must(host_, command);
        }
    }

    WritableHost& host_;
    const Packages::Package& package_;
    const std::string& tree_;
    std::string prefix_;
};

/// A line that says nothing of its own, in what is left when debhelper's blocks are out.
bool is_frame(std::string_view line) {
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    constexpr std::string_view frames[] = {"", "set -e", "exit 0", ":"};
    return line.starts_with('#') || std::find(std::begin(frames), std::end(frames), line) != std::end(frames);
}

}  // namespace

std::string control_of(std::string_view status, std::string_view name, std::string_view architecture) {
    constexpr std::string_view of_installed[] = {"Status",           "Conffiles",        "Config-Version",
                                                 "Triggers-Pending", "Triggers-Awaited", "Conffile"};
    while (!status.empty()) {
        const auto end = std::min(status.find("\n\n"), status.size());
        auto paragraph = status.substr(0, end);
        status.remove_prefix(std::min(end + 2, status.size()));
        bool is_named = false, is_of_architecture = false, skips = false;
        std::string control;
        while (!paragraph.empty()) {
            const auto line = next_line(paragraph);
            const bool goes_on = line.starts_with(' ') || line.starts_with('\t');
            if (!goes_on) {
                const auto field = line.substr(0, line.find(':'));
                skips = std::find(std::begin(of_installed), std::end(of_installed), field) != std::end(of_installed);
                is_named |= line == fmt::format("Package: {}", name);
                is_of_architecture |= line == fmt::format("Architecture: {}", architecture);
            }
            if (!skips && !line.empty()) control.append(line).append("\n");
        }
        if (is_named && is_of_architecture) return control;
    }
    return {};
}

std::vector<std::string> edited_in(std::string_view verified) {
    std::vector<std::string> paths;
    while (!verified.empty()) {
        const auto line = next_line(verified);
        constexpr std::size_t digest = 2, kind = 9, path = 12;  // ??5?????? c /etc/tool.conf
        if (line.size() > path && line[digest] == '5' && line.substr(kind, 3) == " c ")
            paths.emplace_back(line.substr(path));
    }
    return paths;
}

void take_out_stand_ins(WritableHost& host, const std::string& archive) {
    const auto conffiles = host.ask({{"dpkg-deb", "--info", archive, "conffiles"}});
    std::string text;
    for (std::string_view rest = conffiles.out; conffiles.status == 0 && !rest.empty();) {
        const auto aside = std::string(next_line(rest)) + ".dpkg-dist";
        if (is_clean(aside) && host.look(aside, &text) && text == stand_in) must(host, {{"rm", "-f", "--", aside}});
    }
}

void repack(WritableHost& host, const Packages::Package& package, const std::string& tree, const std::string& to) {
    Repacking repacking(host, package, tree);
    repacking.put_files();
    repacking.stand_in_for_edited();
    repacking.put_control();
    repacking.build(to);
}

bool has_plain_scripts(const Host& host, const Packages::Package& package) {
    const auto prefix = prefix_of(host, package);
    for (const char* script : {"preinst", "postinst", "prerm", "postrm"}) {
        std::string text;
        if (prefix.empty() || !host.look(info + prefix + script, &text)) continue;
        bool automatic = false;
        for (std::string_view rest = text; !rest.empty();) {
            const auto line = next_line(rest);
            if (line.starts_with("# Automatically added by dh_")) automatic = true;
            if (!automatic && !is_frame(line)) return false;
            if (line.starts_with("# End automatically added section")) automatic = false;
        }
    }
    return true;
}

}  // namespace chaos::resources::apt
