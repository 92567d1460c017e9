// SPDX-License-Identifier: Apache-2.0
// Taking packages back: by the files that were kept, and to the end.
#include <fmt/format.h>

#include <algorithm>

#include "../lines.hpp"
#include "apt.hpp"
#include "archives.hpp"
#include "manners.hpp"
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
        std::vector<std::string> argv{"dpkg", "--force-confdef", "--force-confold", "--force-depends",
                                      "--force-remove-reinstreq"};
        argv.insert(argv.end(), verb.begin(), verb.end());
        argv.insert(argv.end(), names.begin(), names.end());
        return quiet(std::move(argv));
    };
    std::vector<std::string> files;
    std::copy_if(request.install.begin(), request.install.end(), std::back_inserter(files), is_file);
    if (!files.empty()) carry_out(host, dpkg({"--unpack"}, files));
    if (!request.remove.empty() && try_out(host, dpkg({"--purge"}, request.remove))) {
        silence_scripts(host, request.remove);
        carry_out(host, dpkg({"--purge"}, request.remove));
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

}  // namespace

void unpack_again(WritableHost& host, std::span<const Change> changes) {
    const View view(host);
    const auto& packages = view.once<Packages>();
    auto unpack = quiet({"dpkg", "--force-confdef", "--force-confold", "--force-depends", "--unpack"});
    const auto words = unpack.argv.size();
    std::string wanted;
    for (const Change& change : changes) {
        const auto* there = packages.find(change.id.key);
        if (!there || !there->installed()) continue;
        if (change.after && (there->want == "purge" || there->want == "deinstall"))
            wanted += change.id.key + " install\n";
        if (!is_half_way(host, *there)) continue;
        if (auto file = kept_archive(host, packages, change.id.key, there->version); !file.empty())
            unpack.argv.push_back(std::move(file));
    }
    if (!wanted.empty()) must(host, {{"dpkg", "--set-selections"}, wanted});
    if (unpack.argv.size() == words) return;
    host.says("dpkg's files are not as far as it notes: unpacking them again");
    carry_out(host, unpack);
    carry_out(host, quiet({"dpkg", "--force-confdef", "--force-confold", "--configure", "-a"}));
}

void go_back(WritableHost& host, Request request) {
    ask_for_files(host, request);
    if (request.install.empty() && request.remove.empty()) {
        if (is_broken(host))
            carry_out(host, quiet({"dpkg", "--force-confdef", "--force-confold", "--configure", "-a"}));
        return;
    }
    if (!std::all_of(request.install.begin(), request.install.end(), is_file) && !has_all_lists(host))
        must(host, update());
    if (const auto failed = try_out(host, back(request))) {
        try {
            take_back_by_dpkg(host, request);
        } catch (const Error& again) {
            const auto* more = dynamic_cast<const TransactionFailed*>(&again);
            throw TransactionFailed(Error(fmt::format("{}\nThen {}", failed->what(), again.what())).help(again.hint),
                                    failed->printed() + (more ? "\n" + more->printed() : std::string()));
        }
    }
    for (const std::string& one : request.install)
        if (is_file(one)) take_out_stand_ins(host, one);
}

}  // namespace chaos::resources::apt
