// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>
#include <chaos/resource.hpp>
#include <chaos/system/packages.hpp>

#include "kinds.hpp"
#include "package/backend.hpp"
#include "package/groups.hpp"
#include "package/leavings.hpp"
#include "package/local_file.hpp"
#include "package/package.hpp"
#include "population.hpp"

namespace chaos::resources {
namespace {

constexpr Field fields[] = {
    schema::key<&Package::name>("name", "The package; `libc6:i386` of another architecture.").example("hello"),
    schema::property<&Package::version>("version", "Exactly this one.")
        .example("1.10")
        .otherwise("as it is; for a new one what the archive has"),
    schema::source(
        "file", "packed",
        "A file beside the manifest that it comes from: a .deb, .rpm or .pkg.tar.zst of that package. What it "
        "needs comes from the repositories. It is there where the file's version is."),
    schema::property<&Package::packed>("packed", "That file, by path, size and digest; `file` gives it.")
        .example("{path: /srv/mine_1.0_all.deb, size: 1024, digest: 23dfd891c5dd11757fd565df2db30d52}")
        .otherwise("from where a repository has it"),
    schema::option<&Package::sha256>("sha256", "What the file's SHA-256 must be, 64 digits.")
        .example("3b1f4c0c5a0b4f6b6d9e0c3a5f6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f"),
    schema::option<&Package::source>(
        "source",
        "The repository that it comes from when it comes, as its package manager calls it; "
        "of apt the name of a repository here, its suite, origin or label.")
        .example("bookworm-backports")
        .otherwise("the one that the package manager prefers"),
    schema::property<&Package::hold>("hold",
                                     "Upgrades pass it by: apt-mark hold, IgnorePkg, dnf versionlock, zypper addlock.")
        .example("true")
        .otherwise("as it is")
        .pinning(),
    schema::property<&Package::automatic>("automatic", "Came along with another one, and may go with it.")
        .example("true")
        .otherwise("false"),
    schema::property<&Package::intact>("intact", "Wholly unpacked and configured.").example("true").otherwise("true"),
    schema::property<&Package::removed>(
        "removed", "It is not installed, and what its removal left is there: seen where that is to be purged.")
        .example("false")
        .otherwise("false"),
    schema::option<&Package::purge>("purge", "Where it is to be absent: its configuration and data go as well.")
        .example("true")
        .otherwise("false"),
    schema::option<&Package::debconf>("debconf", "Answers to the questions it asks when it is installed.")
        .example("{hello/greeting: hi}")
        .otherwise("its own defaults"),
    schema::option<&Package::allow_removals>("allow_removals",
                                             "What may be removed for its sake, though nobody asked for "
                                             "that: names, or `*` for anything.")
        .example("[hello-traditional]")
        .otherwise("nothing"),
    schema::seen<&Package::comes>("comes",
                                  "Why it comes along, and how much it is: what is fetched, and what it takes.")
        .example("{why: \"hello needs libc6 (>= 2.34)\", download: 53 kB, installed: 287 kB}")
        .merged(Merge::keys)
        .told_in_words(),
    schema::seen<&Package::goes>("goes", "Why it goes, where it goes for another one's sake.")
        .example("{why: hello-ng conflicts with hello}")
        .merged(Merge::keys)
        .told_in_words(),
    schema::seen<&Package::fetched>("fetched", "How many bytes are fetched for it.").example("53000"),
    schema::seen<&Package::takes>("takes", "How many bytes it takes.").example("287000"),
    schema::seen<&Package::archive>("archive",
                                    "Where the .deb or .rpm of this version lies; empty where it "
                                    "lies nowhere, and can not be made of what is installed.")
        .example("/var/cache/apt/archives/hello_2.10-3_amd64.deb"),
    schema::seen<&Package::scripts>("scripts", "Scripts of its own run when it comes and goes, and may touch data.")
        .example("true"),
    schema::seen<&Package::fresh>("fresh",
                                  "Of one that came: nothing of it was there before, no configuration and no data "
                                  "that a removal had left, so that it is purged when that is taken back.")
        .example("true"),
    schema::seen<&Package::members>("members", "Of a group, written `@NAME`: the packages that it has.")
        .example("[hello, hello-doc]"),
};

/// `./tools/mine_1.0_all.deb` would do as a name for nobody; `mine` most likely.
std::optional<std::string> named_by_file(std::string_view key) {
    const auto base = key.substr(key.rfind('/') + 1);
    const bool deb = key.ends_with(".deb");
    if (!deb && !key.ends_with(".rpm") && key.find(".pkg.tar") == key.npos) return std::nullopt;
    auto end = deb ? base.find('_') : base.npos;
    for (int dashes = key.ends_with(".rpm") ? 2 : 3; !deb && dashes > 0 && end != 0; --dashes)
        end = end == base.npos ? base.rfind('-') : base.rfind('-', end - 1);
    return std::string(base.substr(0, end));
}

std::string clean(std::string_view key) {
    if (is_group(key) && key.find_first_of(" \t\n/=,") == key.npos && key.size() > 1) return std::string(key);
    const auto is_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
               c == '.' || c == ':' || c == '_' || c == '@';  // rpm: NetworkManager; pacman: lib32_x, db5.3@
    };
    const bool good = !key.empty() && key[0] != '-' && key[0] != '+' && key[0] != '@' && key.back() != '-' &&
                      key.back() != ':' && std::all_of(key.begin(), key.end(), is_word);
    if (const auto meant = named_by_file(key))
        throw Error(fmt::format("'{}' is a file, and an entry is called as the package in it", key))
            .help(fmt::format("{{name: {}, file: {}}}", meant->empty() ? "NAME" : *meant, key));
    if (!good)
        throw Error(fmt::format("expected the name of a package, found '{}'", key))
            .help(key.starts_with('@') ? "a group: \"@web-server\"" : "apt-cache search WORD");
    return std::string(key);
}

constexpr Schema package =
    schema::of<Package>("package", "packages", Order::package, "Software of the distribution.", fields)
        .body("version")
        .requires_({.root = true})
        .keyed(clean);

// What maintainer scripts write into beside the files of their package (store.md C7): /etc and the accounts by bytes;
// where data comes to lie, by name.
constexpr std::string_view contents[] = {"/etc"};
constexpr std::string_view names[] = {"/var/lib", "/var/www", "/srv", "/opt", "/usr/local", "/home", "/root", "/boot"};

/// The file that is wished for, where what is there has its version: noted, so that the file is not needed to look
/// again.
std::optional<Located> file_of(const View& view, const Package& wanted, const Packages::Package& there) {
    if (!wanted.packed || !there.installed()) return std::nullopt;
    auto found = *wanted.packed;
    found.note = there.version;
    if (wanted.version) return there.version == *wanted.version ? std::optional(found) : std::nullopt;
    const auto its = wanted.packed->note.empty() ? read_package_file(view, found).version : wanted.packed->note;
    return its == there.version ? std::optional(found) : std::nullopt;
}

/// A group only comes: what it has, others may need or have asked for.
void review_group(const Resource& resource, Diagnostics& problems) {
    const auto& spec = *resource.wanted.as<Package>();
    if (resource.absent)
        problems.add(Error(resource.where, fmt::format("{} is a group, and only packages can be absent", spec.name))
                         .help("take it out of packages: what came for it goes; or name the packages"));
    if (spec.version || spec.packed || spec.sha256 || spec.hold || !spec.debconf.empty() || !spec.source.empty())
        problems.add(Error(resource.where, fmt::format("{} is a group: that can only be said of a package", spec.name))
                         .help("name the package beside the group, and say it there"));
}

class PackageType final : public ResourceType {
public:
    const Schema& schema() const override { return package; }

    void observe_all(const View& view, std::span<const Wish> wishes, std::span<State> found) const override {
        const auto& packages = view.once<Packages>();
        for (std::size_t i = 0; i < wishes.size(); ++i) {
            const auto& wanted = *wishes[i].wanted.as<Package>();
            if (is_group(wanted.name)) {
                found[i] = seen_group(view, wanted);
                continue;
            }
            const auto* there = packages.find(wanted.name);
            // Only its configuration left: not installed, but not purged either. Where that is what comes back, dpkg
            // need not know of it.
            const bool is_there = there && there->status != "config-files";
            const bool counts = wishes[i].whole ? there && wanted.purge : wanted.removed.value_or(false);
            if (!is_there && !counts) continue;
            Package one;
            if (!is_there) {
                one = *left_of(wanted).as<Package>();
            } else if (wishes[i].whole) {
                one = seen(view, *there, wanted.name);
                one.fresh = wanted.fresh;
            } else {
                one.name = wanted.name;
                if (wanted.version || wanted.packed) one.version = there->version;
                one.hold = there->held();  // whatever is wished: what goes back looks whether somebody said so since
                one.automatic = wanted.automatic ? std::optional(there->automatic) : std::nullopt;
                one.intact = wanted.intact ? std::optional(!Packages::broken(*there)) : std::nullopt;
                one.removed = wanted.removed ? std::optional(false) : std::nullopt;
            }
            if (is_there) one.packed = file_of(view, wanted, *there);
            take_options(package, &one, &wanted);
            found[i] = State::of(std::move(one));
        }
    }

    std::vector<std::string> others(const View& view, std::span<const std::string> declared) const override {
        std::vector<std::string> all;
        for (const auto& one : declared)
            if (const auto* members = is_group(one) ? view.once<Groups>().members(one) : nullptr)
                all.insert(all.end(), members->begin(), members->end());
        if (all.empty()) return installed_by_hand(view, declared);
        all.insert(all.end(), declared.begin(), declared.end());
        std::sort(all.begin(), all.end());
        return installed_by_hand(view, all);
    }
    bool has_others() const override { return true; }
    std::vector<std::string> asked_for(const View& view) const override { return asked_for_by_hand(view); }
    State as_written(const View&, State found) const override {
        const auto& there = *found.as<Package>();
        Package said{.name = there.name};
        if (there.hold.value_or(false)) said.hold = true;
        return State::of(std::move(said));
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const auto& id = state.as<Package>()->name;
        if (is_group(id)) return claims.push_back({Claim::Role::locks, "lock:packages"});
        const auto name = id.substr(0, id.find(':'));  // libc6:i386
        claims.push_back({Claim::Role::provides, "package:" + id});
        claims.push_back({Claim::Role::fills, "path:/etc/" + name});
        claims.push_back({Claim::Role::fills, "unit:" + name + ".service"});
        claims.push_back({Claim::Role::locks, "lock:packages"});
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        if (changes.empty()) return;
        const auto& packages = view.once<Packages>();
        const auto where = changes.front().where;
        const auto* backend = backend_of(packages.keeper);
        if (!backend) {
            for (const Change& change : changes)
                problems.add(Error(change.where,
                                   "packages need apt, dnf, pacman or zypper, and this host has no database of any"));
            return;
        }
        const bool fetches = std::any_of(changes.begin(), changes.end(), [](const Change& change) {
            return change.after && !is_left(change.after) && changes_version(change) &&
                   !change.after.as<Package>()->packed;
        });
        if (fetches && !backend->has_lists(view.host()))
            problems.note(
                Error(where, fmt::format("{} has no package lists yet: the run fetches them first, so versions and "
                                         "what comes along are not known beforehand",
                                         backend->name()))
                    .help(std::string(backend->refresh_hint())));
        if (const auto holder = backend->lock_holder(view.host()); !holder.empty())
            problems.note(Error(
                where, fmt::format("{}'s lock is held by {}: the run will wait for it", backend->name(), holder)));
        if (backend->interrupted(view.host(), packages))
            problems.note(
                Error(where, fmt::format("{} was interrupted: the run brings that to an end first", backend->name())));
        if (packages.keeper != Packages::Keeper::apt)
            for (const Change& change : changes)
                if (const auto* after = change.after.as<Package>(); after && !after->debconf.empty())
                    problems.add(
                        Error(change.where, fmt::format("debconf is of apt, and this host has {}", backend->name()))
                            .help("take it out, or put the entry under a block with when: facts.os.family == "
                                  "'debian'"));
        for (const Change& change : changes)
            if (const auto* there = packages.find(change.id.key); !change.after && there && there->essential)
                problems.add(
                    Error(change.where,
                          fmt::format("package {} is essential: without it the host does not work", change.id.key)));
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const auto& spec = *resource.wanted.as<Package>();
        const auto say = [&](std::string what, std::string help) {
            problems.add(Error(resource.where, std::move(what)).help(std::move(help)));
        };
        if (is_group(spec.name)) return review_group(resource, problems);
        if (spec.removed.value_or(false))
            say("what a removal left can not be wished for", "absent: a package that goes leaves its configuration");
        if (spec.packed && !spec.source.empty()) say("a file comes from no repository: say either", "take source out");
        if (spec.source.find_first_of(" /:=") != std::string::npos || spec.source.starts_with('-'))
            say(fmt::format("'{}' can not name a repository", spec.source), "source: bookworm-backports");
        if (spec.packed && spec.version) say("the file has its version: say either", "take version out");
        if (spec.sha256 && !spec.packed) say("sha256 is of a file, and none is named", "file: PATH");
        if (spec.sha256 &&
            (spec.sha256->size() != 64 || spec.sha256->find_first_not_of("0123456789abcdef") != std::string::npos))
            say(fmt::format("expected a SHA-256 of 64 digits, found '{}'", *spec.sha256), "sha256sum FILE");
    }

    Undo undo_of(const Change& change) const override {
        const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
        if (is_left(change.before) && after) before = nullptr;
        if (is_group(either(change)->name)) return Undo::exact;  // its packages say how well they go back
        if (!before) return after && after->version && goes_wholly(change.inverse(), true) ? Undo::exact : Undo::effort;
        if (after && !changes_version(change)) return Undo::exact;
        if (!after && before->purge) return Undo::effort;
        if (!before->archive) return Undo::repacked;
        if (before->archive->empty()) return Undo::effort;
        return before->scripts.value_or(true) ? Undo::cached : Undo::exact;
    }
    Cost cost_of(const Change& change) const override {
        if (!changes_version(change)) return {};
        const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
        const auto took = before ? before->takes : std::optional<std::int64_t>(0);
        const auto takes = after ? after->takes : std::optional<std::int64_t>(0);
        return {after ? after->fetched.value_or(0) : 0, took && takes ? *takes - *took : 0};
    }
    Way way() const override { return Way::opaque; }
    Footprint footprint() const override { return {.contents = contents, .names = names, .tools_first = true}; }
    bool batches() const override { return true; }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        return resolve_packages(view, changes, problems);
    }
    void apply_all(WritableHost& host, std::span<const Change> changes) const override {
        if (const auto packages = without_groups(changes); !packages.empty())
            apply_packages(host, without_leavings(packages));
    }
    void undo_all(WritableHost& host, std::span<const Change> changes) const override {
        if (const auto packages = without_groups(changes); !packages.empty())
            undo_packages(host, without_leavings(packages));
    }
    /// A half of one is what a run that was cut or failed left of it, and no wish of anybody's; nor is what a removal
    /// left.
    bool is_as_absent(const State& state) const override {
        return is_group(state.as<Package>()->name) || !state.as<Package>()->intact.value_or(true) || is_left(state);
    }
    void sweep(WritableHost& host, const History& history) const override {
        const auto keeper = Packages::keeper_of(host);
        if (const auto* backend = backend_of(keeper)) {
            backend->sweep(host, history);
            sweep_files(host, history, keeper == Packages::Keeper::apt);  // apt's own hook keeps what comes
        }
    }
    std::vector<Kept> keeps(const Host& host, const History& history) const override {
        const auto* backend = backend_of(Packages::keeper_of(host));
        return backend ? backend->keeps(host, history) : std::vector<Kept>();
    }
};

constexpr PackageType type;

}  // namespace

const ResourceType& package_type() {
    return type;
}

}  // namespace chaos::resources
