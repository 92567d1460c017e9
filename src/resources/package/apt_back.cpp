// SPDX-License-Identifier: Apache-2.0
// Taking packages back: by the files that were kept, and to the end.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <set>

#include "../lines.hpp"
#include "apt.hpp"
#include "apt_units.hpp"
#include "archives.hpp"
#include "manners.hpp"
#include "package.hpp"
#include "repack.hpp"

namespace chaos::resources::apt {
namespace {

/// Versions that are kept are asked for by their file: no list and no network is needed then.
void ask_for_files(const Host& host, Request& request) {
    const View view(host);
    for (std::string& one : request.install) {
        const auto equals = one.find('=');
        if (equals == one.npos) continue;
        auto file = kept_archive(host, view.once<Packages>(), one.substr(0, equals), one.substr(equals + 1));
        if (!file.empty()) one = std::move(file);
    }
}

bool is_file(const std::string& one) {
    return one.starts_with('/');
}

/// A package that came with what is taken back, and whose own scripts keep it from going: it goes without them.
void silence_scripts(WritableHost& host, const std::vector<std::string>& names) {
    const View view(host);
    for (const std::string& name : names) {
        const auto* there = view.once<Packages>().find(name);
        if (!there) continue;
        host.says(fmt::format("package {} is removed without its own scripts, which fail", name));
        for (const auto& prefix : {there->name, there->name + ":" + there->architecture})
            for (const char* script : {".prerm", ".postrm"}) {
                const auto path = "/var/lib/dpkg/info/" + prefix + script;
                if (host.look(path)) must(host, {{"dd", "of=" + path, "status=none"}, "#!/bin/sh\nexit 0\n"});
            }
    }
}

/// Step by step, where apt does not find a way: what was cut may have left what it calls broken.
void take_back_by_dpkg(WritableHost& host, const Request& request) {
    const auto dpkg = [](std::vector<std::string> verb, const std::vector<std::string>& names) {
        std::vector<std::string> argv{"dpkg",
                                      "--force-confdef",
                                      "--force-confold",
                                      "--force-depends",
                                      "--force-remove-reinstreq",
                                      "--force-remove-essential",
                                      "--force-remove-protected"};
        argv.insert(argv.end(), verb.begin(), verb.end());
        argv.insert(argv.end(), names.begin(), names.end());
        return quiet(std::move(argv));
    };
    std::vector<std::string> files;
    std::copy_if(request.install.begin(), request.install.end(), std::back_inserter(files), is_file);
    if (!files.empty()) carry_out(host, dpkg({"--unpack"}, files));
    const std::string removing = request.purge ? "--purge" : "--remove";
    if (!request.remove.empty() && try_out(host, dpkg({removing}, request.remove))) {
        silence_scripts(host, request.remove);
        carry_out(host, dpkg({removing}, request.remove));
    }
    carry_out(host, quiet({"dpkg", "--force-confdef", "--force-confold", "--configure", "-a"}));
    for (const std::string& one : request.install)
        if (!is_file(one)) throw Error("expected the .deb of " + one + " to be kept, and it is not");
}

bool is_broken(const Host& host) {
    const View view(host);
    const auto& all = view.once<Packages>().all;
    return std::any_of(all.begin(), all.end(), Packages::broken);
}

/// Files of it that dpkg unpacked beside their names and did not move there.
bool is_half_way(const Host& host, const Packages::Package& package) {
    std::string list;
    for (const auto& name : {package.name, package.name + ":" + package.architecture})
        if (list.empty()) host.look("/var/lib/dpkg/info/" + name + ".list", &list);
    for (std::string_view rest = list; !rest.empty();) {
        const std::string path(next_line(rest));
        if (path.starts_with('/') && (host.look(path + ".dpkg-new") || host.look(path + ".dpkg-tmp"))) return true;
    }
    return false;
}

/// A name of an archive, as `dpkg-deb --contents` lists it, in UTC; a directory has none.
struct Packed {
    std::string path, size, time, target;
};

std::vector<Packed> names_in(const Host& host, const std::string& archive) {
    std::vector<Packed> names;
    const auto output = host.ask({.argv = {"dpkg-deb", "--contents", archive}, .environment = {"TZ=UTC"}});
    if (output.status != 0) return names;
    for (const auto line : lines_of(output.out)) {
        const auto path = line.find(" ./");
        if (path == line.npos || (line[0] != '-' && line[0] != 'l')) continue;
        Packed packed;
        const auto said = line.substr(path + 2);
        const auto arrow = line[0] == 'l' ? said.find(" -> ") : said.npos;
        packed.path = said.substr(0, arrow);
        if (arrow != said.npos) packed.target = said.substr(arrow + 4);
        const auto head = line.substr(0, path);  // -rw-r--r-- root/root 1115 2023-09-14 07:10
        constexpr std::size_t length_of_time = 16;
        if (head.size() <= length_of_time) continue;
        packed.time = head.substr(head.size() - length_of_time);
        const auto rest = trimmed(head.substr(0, head.size() - length_of_time));
        packed.size = rest.substr(rest.find_last_of(' ') + 1);
        names.push_back(std::move(packed));
    }
    return names;
}

/// As dpkg left it: it gives files the time that they have in the archive.
bool is_as_packed(const Host& host, const Packed& packed) {
    std::string target;
    const auto there = host.look(packed.path, packed.target.empty() ? nullptr : &target);
    if (!packed.target.empty()) return there.kind == Entry::Kind::link && target == packed.target;
    if (there.kind != Entry::Kind::file || std::to_string(there.size) != packed.size) return false;
    const std::time_t seconds = there.modified / 1'000'000'000;
    std::tm time{};
    ::gmtime_r(&seconds, &time);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &time);
    return packed.time == text.data();
}

/// Whether files of an archive lie where it has them, and dpkg knows them as nobody's: it had noted that they were
/// removed, and a power cut brought their names back.
bool is_left_behind(const Host& host, const std::string& archive) {
    Command owners{{"dpkg-query", "--search"}};
    const auto words = owners.argv.size();
    for (const auto& packed : names_in(host, archive))
        if (is_as_packed(host, packed)) owners.argv.push_back(packed.path);
    if (owners.argv.size() == words) return false;
    const auto output = host.ask(owners);  // its status says that one of them is nobody's; so do its words
    std::set<std::string_view> owned;
    for (const auto line : lines_of(output.out))
        if (const auto colon = line.find(": /"); colon != line.npos) owned.insert(line.substr(colon + 2));
    return std::any_of(owners.argv.begin() + static_cast<std::ptrdiff_t>(words), owners.argv.end(),
                       [&](const std::string& path) { return !owned.contains(path); });
}

/// What a cut run had brought, and dpkg notes as gone by now: it is unpacked once more, so that it can be removed.
void own_what_is_left_behind(WritableHost& host, std::span<const Change> changes) {
    auto unpack = quiet({"dpkg", "--force-confdef", "--force-confold", "--force-depends", "--unpack"});
    const auto words = unpack.argv.size();
    const View view(host);
    const auto& packages = view.once<Packages>();
    for (const Change& change : changes) {
        const auto* brought = change.before.as<Package>();
        if (!brought || !brought->version) continue;
        const auto* there = packages.find(change.id.key);
        if (there && (Packages::broken(*there) || (there->installed() && there->version == *brought->version)))
            continue;
        auto archive = kept_archive(host, packages, change.id.key, *brought->version);
        if (!archive.empty() && is_left_behind(host, archive)) unpack.argv.push_back(std::move(archive));
    }
    if (unpack.argv.size() == words) return;
    host.says("files are there that dpkg notes as removed: unpacking their packages, to remove them once more");
    try_out(host, unpack);
}

}  // namespace

void unpack_again(WritableHost& host, std::span<const Change> changes) {
    const View view(host);
    const auto& packages = view.once<Packages>();
    auto unpack = quiet({"dpkg", "--force-confdef", "--force-confold", "--force-depends", "--unpack"});
    const auto words = unpack.argv.size();
    std::string wanted;
    for (const Change& change : changes) {
        const auto* there = packages.find(change.id.key);
        // A removal that a script of its own broke off: apt calls it installed, and would not put it right.
        const bool half = there && (there->status == "half-installed" || there->flag == "reinstreq");
        if (!there || (!half && !there->installed())) continue;
        if (change.after && (there->want == "purge" || there->want == "deinstall"))
            wanted += change.id.key + " install\n";
        if (half ? !change.after : !is_half_way(host, *there)) continue;
        const auto version = half ? change.after.as<Package>()->version.value_or(there->version) : there->version;
        if (auto file = kept_archive(host, packages, change.id.key, version); !file.empty())
            unpack.argv.push_back(std::move(file));
    }
    if (!wanted.empty()) must(host, {{"dpkg", "--set-selections"}, wanted});
    if (unpack.argv.size() != words) {
        host.says("dpkg's files are not as far as it notes: unpacking them again");
        try_out(host, unpack);
        try_out(host, quiet({"dpkg", "--force-confdef", "--force-confold", "--configure", "-a"}));
    }
    own_what_is_left_behind(host, changes);
}

void go_back(WritableHost& host, Request request) {
    ask_for_files(host, request);
    if (request.install.empty() && request.remove.empty()) {
        // Of what is none of the run's some may have been broken before it: undo_packages looks at the run's own.
        if (is_broken(host)) try_out(host, quiet({"dpkg", "--force-confdef", "--force-confold", "--configure", "-a"}));
        return;
    }
    if (!std::all_of(request.install.begin(), request.install.end(), is_file) && !has_all_lists(host))
        must(host, update());
    const RunningUnits units(host, request.remove);
    if (const auto failed = try_out(host, back(request))) {
        try {
            take_back_by_dpkg(host, request);
        } catch (const Error& again) {
            const auto* more = dynamic_cast<const TransactionFailed*>(&again);
            throw TransactionFailed(Error(fmt::format("{}\nThen {}", failed->what(), again.what()))
                                        .help(more ? more->hint_when(Doing::taking_back) : again.hint),
                                    failed->printed() + (more ? "\n" + more->printed() : std::string()));
        }
    }
    units.stop_what_is_left(host);
    for (const std::string& one : request.install)
        if (is_file(one)) take_out_stand_ins(host, one);
}

}  // namespace chaos::resources::apt
