// SPDX-License-Identifier: Apache-2.0
#include "local_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "../lines.hpp"
#include "archives.hpp"
#include "deb822.hpp"
#include "manners.hpp"
#include "moves.hpp"

namespace chaos::resources {
namespace {

constexpr const char* directory = "packages/local";

/// What files of it are called: `.deb`.
std::string_view ending_of(Packages::Keeper keeper) {
    switch (keeper) {
        case Packages::Keeper::apt: return ".deb";
        case Packages::Keeper::pacman: return ".pkg.tar";
        case Packages::Keeper::dnf:
        case Packages::Keeper::zypper: return ".rpm";
        case Packages::Keeper::none: break;
    }
    return {};
}

/// The whole of it: `.pkg.tar.zst`.
std::string ending_of(Packages::Keeper keeper, std::string_view path) {
    const auto base = path.substr(path.rfind('/') + 1);
    const auto at = base.rfind(ending_of(keeper));
    const auto ending = at == base.npos ? std::string_view() : base.substr(at);
    const bool whole =
        keeper != Packages::Keeper::pacman ? ending == ending_of(keeper) : ending.find_first_of(" \n") == ending.npos;
    return whole ? std::string(ending) : std::string();
}

Command question(Packages::Keeper keeper, const std::string& path) {
    switch (keeper) {
        case Packages::Keeper::apt: return {{"dpkg-deb", "--ctrl-tarfile", path}};
        case Packages::Keeper::pacman: return {{"pacman", "-Qp", "--color=never", path}};
        default: break;
    }
    constexpr const char* format = "%{NAME}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\t%{ARCH}\n";
    return {{"rpm", "-qp", "--nosignature", "--qf", format, path}};
}

/// Fails where it can not be read to its end.
Command whole_question(Packages::Keeper keeper, const std::string& path) {
    switch (keeper) {
        case Packages::Keeper::apt: return {{"dpkg-deb", "--contents", path}};
        case Packages::Keeper::pacman: return {{"pacman", "-Qlp", "--color=never", path}};
        default: break;
    }
    return {{"rpm", "-K", "--nosignature", path}};
}

/// What the package manager's tool says of it, which it can not read.
Error not_whole(const Command& command, const Output& output, const std::string& path) {
    auto said = std::string(trimmed(std::string_view(output.err).substr(0, output.err.find('\n'))));
    if (said.empty() && output.status != 0)
        said = std::string(trimmed(std::string_view(output.out).substr(0, output.out.find('\n'))));
    if (said.empty()) said = output.status == 0 ? "it tells no name and version" : "it can not be read";
    return Error(fmt::format("{} is no whole package: {}", path, said))
        .help(fmt::format("{} {} {}", command.argv[0], command.argv[1], path));
}

PackageFile of_control(std::string control) {
    std::string_view rest = control;
    DebParagraph said;
    PackageFile found;
    if (next_paragraph(rest, said))
        found = {std::string(said.package), std::string(said.version), std::string(said.architecture)};
    found.control = std::move(control);
    return found;
}

/// `hello<tab>1:2.0-1<tab>noarch`, or `hello 1:2.0-1`
PackageFile of_line(std::string_view out) {
    PackageFile found;
    auto line = next_line(out);
    for (auto* part : {&found.name, &found.version, &found.architecture}) {
        *part = line.substr(0, line.find_first_of("\t "));
        line.remove_prefix(std::min(part->size() + 1, line.size()));
    }
    return found;
}

/// Names and versions go to command lines and into names of files.
bool is_plain(std::string_view word) {
    constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._:~^@";
    return !word.empty() && word.size() < 200 && word[0] != '-' && word.find_first_not_of(known) == word.npos;
}

std::string staged_name(const std::string& name, const std::string& version, std::string_view ending) {
    auto all = fmt::format("{}_{}{}", name, version, ending);
    for (auto at = all.find(':'); at != all.npos; at = all.find(':')) all.replace(at, 1, "%3a");
    return all;
}

std::string staged_in(const Host& host) {
    const auto state = host.state_directory();
    return state.empty() ? std::string() : fmt::format("{}/{}", state, directory);
}

void check_sha256(const Host& host, const std::string& path, const std::string& wanted) {
    const auto said = host.ask({{"sha256sum", "--", path}}).out;
    const auto is = said.substr(0, said.find(' '));
    if (is != wanted)
        throw Error(
            fmt::format("{} has the sha256 {}, and {} is asked for", path, is.empty() ? "of nothing" : is, wanted))
            .help("a file that changed: look at what it is, then write its digest");
}

/// What an entry says of its file is so.
void check_file(const View& view, const Package& said, const PackageFile& file) {
    const auto& packages = view.once<Packages>();
    Packages::Package one;
    one.name = file.name, one.architecture = file.architecture;
    const bool knows_architectures = packages.keeper == Packages::Keeper::apt;
    const auto name = knows_architectures ? name_of(one, packages) : file.name;
    if (name != bare(said.name, packages))
        throw Error(fmt::format("{} is the package {}, and not {}", said.packed->path, name, said.name))
            .help(fmt::format("{{name: {}, file: ...}}", name));
    const auto command = whole_question(packages.keeper, said.packed->path);
    const auto output = view->ask(command);
    if (output.status != 0) throw not_whole(command, output, said.packed->path);
    if (said.sha256) check_sha256(view.host(), said.packed->path, *said.sha256);
}

}  // namespace

std::string control_in(std::string_view tar) {
    constexpr std::size_t block = 512, size_at = 124, size_digits = 11, type_at = 156, most = 1 << 20;
    while (tar.size() >= block && tar[0] != '\0') {
        const auto head = tar.substr(0, block);
        const auto name = head.substr(0, std::min(head.find('\0'), std::size_t(100)));
        auto digits = head.substr(size_at, size_digits);
        digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
        std::size_t size = 0;
        const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 8);
        tar.remove_prefix(block);
        if (failed != std::errc() || end == digits.data() || size > tar.size()) return {};
        const bool is_file = head[type_at] == '0' || head[type_at] == '\0';
        if (is_file && (name == "./control" || name == "control"))
            return size > most ? std::string() : std::string(tar.substr(0, size));
        tar.remove_prefix(std::min((size + block - 1) / block * block, tar.size()));
    }
    return {};
}

PackageFile read_package_file(const View& view, const Located& file) {
    const auto& packages = view.once<Packages>();
    const auto* backend = backend_of(packages.keeper);
    if (!backend) throw Error("packages need apt, dnf, pacman or zypper, and this host has no database of any");
    if (!view->live())
        throw Error(fmt::format("{} lies beside the manifest, and what runs in an image can not see it", file.path))
            .help("put it into a repository that the image has");
    if (ending_of(packages.keeper, file.path).empty())
        throw Error(
            fmt::format("{} is no file of {}: these end in {}", file.path, backend->name(), ending_of(packages.keeper)))
            .help("where hosts differ: blocks: [{when: facts.os.family == 'debian', packages: [...]}]");
    const auto command = question(packages.keeper, file.path);
    const auto output = view->ask(command);
    PackageFile found;
    if (output.status == 0)
        found = packages.keeper == Packages::Keeper::apt ? of_control(control_in(output.out)) : of_line(output.out);
    if (!is_plain(found.name) || !is_plain(found.version)) throw not_whole(command, output, file.path);
    return found;
}

std::vector<std::optional<PackageFile>> settle_files(const View& view, std::span<Change> changes, Diagnostics& problems,
                                                     bool& well) {
    std::vector<std::optional<PackageFile>> files(changes.size());
    for (std::size_t i = 0; i < changes.size(); ++i) {
        Change& change = changes[i];
        const auto* after = change.after.as<Package>();
        if (!after || !after->packed) continue;
        const auto* before = change.before.as<Package>();
        if (before && before->packed == after->packed) continue;  // it is of that file already
        try {
            auto file = read_package_file(view, *after->packed);
            check_file(view, *after, file);
            Package goal = *after;
            goal.version = goal.packed->note = file.version;
            change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
            files[i] = std::move(file);
        } catch (Error& error) {
            error.where = change.where;
            problems.add(std::move(error));
            well = false;
        }
    }
    return files;
}

std::string staged_path(const Host& host, const std::string& name, const std::string& version) {
    const auto kept = staged_in(host);
    return kept.empty() ? kept : kept + "/" + staged_name(name, version, ending_of(Packages::keeper_of(host)));
}

std::vector<Packages::Package> unkept_of(WritableHost& host, std::span<const Change> changes) {
    std::vector<Packages::Package> going;
    const View view(host);
    for (const Change& change : changes) {
        const auto* there = view.once<Packages>().find(change.id.key);
        if (!change.before || !there || !there->installed() || !changes_version(change)) continue;
        const auto path = staged_path(host, there->name, there->version);
        if (!path.empty() && !host.look(path)) going.push_back(*there);
    }
    if (going.empty() || host.keep_in("packages").empty() || host.keep_in(directory).empty()) return {};
    return going;
}

void keep_files(WritableHost& host, const std::vector<Packages::Package>& going,
                const std::function<std::string(const Packages::Package&)>& fetched) {
    std::vector<std::string> left;
    for (const auto& one : going) {
        const auto from = fetched(one);
        const auto kept = staged_path(host, one.name, one.version);
        if (from.empty() || host.run({{"mv", "-f", "-T", "--", from, kept}}).status != 0)
            left.push_back(one.name + " " + one.version);
    }
    if (!left.empty())
        host.says(fmt::format("no repository has {} any more: a rollback can not bring it back", listed(left)));
}

void stage_files(WritableHost& host, std::span<const Change> changes, Request& request) {
    for (const Change& change : changes) {
        const auto* after = change.after.as<Package>();
        if (!after || !after->packed || !after->version) continue;
        const auto entry = after->name + "=" + *after->version;
        if (std::find(request.install.begin(), request.install.end(), entry) == request.install.end()) continue;
        const auto kept = host.keep_in("packages").empty() ? std::string() : host.keep_in(directory);
        if (kept.empty())
            throw Error(fmt::format("package {} comes from a file, and the state directory lies outside of the host",
                                    after->name));
        const auto ending = ending_of(Packages::keeper_of(host), after->packed->path);
        const auto path = kept + "/" + staged_name(after->name, *after->version, ending);
        apt::must(host, {{"cp", "--reflink=auto", "--remove-destination", "-T", "--", after->packed->path, path}});
        const auto content = host.content(path);
        if (content.size() != after->packed->size || content.digest() != after->packed->digest)
            throw Error(fmt::format("{} is no more what it was when the plan was made", after->packed->path))
                .help("plan again");
        if (after->sha256) check_sha256(host, path, *after->sha256);
        request.files[entry] = path;
    }
}

void find_staged(const Host& host, Request& request) {
    const auto kept = staged_in(host);
    if (kept.empty()) return;
    for (const auto& name : host.list(kept))
        for (const auto& entry : request.install) {
            const auto equals = entry.find('=');
            if (equals == entry.npos) continue;
            const auto stem = staged_name(entry.substr(0, equals), entry.substr(equals + 1), "");
            if (name.starts_with(stem + ending_of(Packages::keeper_of(host)).data()))
                request.files[entry] = kept + "/" + name;
        }
}

void sweep_files(WritableHost& host, const History& history, bool all) {
    const auto kept = staged_in(host);
    Command remove{{"rm", "-f", "--"}};
    const auto before = remove.argv.size();
    const auto names = kept.empty() ? std::vector<std::string>() : host.list(kept);
    const auto ending = ending_of(Packages::keeper_of(host));
    for (const auto& name : names) {
        const auto end = name.rfind(ending);
        bool needed = false;
        for (auto at = name.find('_'); !all && end != name.npos && at != name.npos && at < end && !needed;
             at = name.find('_', at + 1)) {
            auto version = name.substr(at + 1, end - at - 1);
            if (const auto colon = version.find("%3a"); colon != version.npos) version.replace(colon, 3, ":");
            needed = apt::is_needed(history, name.substr(0, at), version);
        }
        if (!needed) remove.argv.push_back(kept + "/" + name);
    }
    if (remove.argv.size() > before) apt::must(host, remove);
}

}  // namespace chaos::resources
