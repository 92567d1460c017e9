// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/resource.hpp>
#include <chaos/system/packages.hpp>
#include <map>
#include <set>

#include "kinds.hpp"
#include "package/apt.hpp"
#include "population.hpp"

namespace chaos::resources {
namespace {

/// An entry is there because somebody asked for it: not by itself, and whole.
struct Package {
    std::string name;
    std::optional<std::string> version;
    std::optional<bool> hold, automatic = false, intact = true;
    bool purge = false;
    TextMap debconf;
    std::optional<std::string> archive;
};

constexpr Field fields[] = {
    schema::key<&Package::name>("name", "The package; `libc6:i386` of another architecture.").example("hello"),
    schema::property<&Package::version>("version", "Exactly this one.")
        .example("1.10")
        .otherwise("as it is; for a new one what the archive has"),
    schema::property<&Package::hold>("hold", "Upgrades pass it by.").example("true").otherwise("as it is"),
    schema::property<&Package::automatic>("automatic", "Came along with another one, and may go with it.")
        .example("true")
        .otherwise("false"),
    schema::property<&Package::intact>("intact", "Wholly unpacked and configured.").example("true").otherwise("true"),
    schema::option<&Package::purge>("purge", "Where it is to be absent: its configuration and data go as well.")
        .example("true")
        .otherwise("false"),
    schema::option<&Package::debconf>("debconf", "Answers to the questions it asks when it is installed.")
        .example("{hello/greeting: hi}")
        .otherwise("its own defaults"),
    schema::seen<&Package::archive>("archive", "Where the .deb of this version lies.")
        .example("/var/cache/apt/archives/hello_2.10-3_amd64.deb"),
};

std::string clean(std::string_view key) {
    const auto is_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == ':';
    };
    const bool good = key.size() > 1 && key[0] != '-' && key[0] != '+' && key.back() != '-' && key.back() != ':' &&
                      std::all_of(key.begin(), key.end(), is_word);
    if (!good)
        throw Error(fmt::format("expected the name of a package, found '{}'", key)).help("apt-cache search WORD");
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

/// One package of a change, with what apt calls it.
const Package* either(const Change& change) {
    return change.after ? change.after.as<Package>() : change.before.as<Package>();
}

bool changes_version(const Change& change) {
    const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
    return !before || !after || (after->version && before->version != after->version);
}

/// `libfoo:amd64` where amd64 is the native architecture is `libfoo`.
std::string bare(std::string name, const Packages& packages) {
    const auto suffix = ":" + packages.architecture;
    if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    return name;
}

Package seen(const View& view, const Packages::Package& there, const std::string& name) {
    Package found{.name = name, .version = there.version};
    found.hold = there.want == "hold";
    found.automatic = there.automatic;
    found.intact = !Packages::broken(there);
    if (const auto archive = apt::archive_of(there); view->look(archive)) found.archive = archive;
    return found;
}

class PackageType final : public ResourceType {
public:
    const Schema& schema() const override { return package; }

    void observe_all(const View& view, std::span<const Wish> wishes, std::span<State> found) const override {
        const auto& packages = view.once<Packages>();
        for (std::size_t i = 0; i < wishes.size(); ++i) {
            const auto& wanted = *wishes[i].wanted.as<Package>();
            const auto* there = packages.find(wanted.name);
            // Only its configuration left: not installed, but not purged either.
            if (!there || (there->status == "config-files" && !(wishes[i].whole && wanted.purge))) continue;
            Package one;
            if (wishes[i].whole) {
                one = seen(view, *there, wanted.name);
            } else {
                one.name = wanted.name;
                if (wanted.version) one.version = there->version;
                one.hold = wanted.hold ? std::optional(there->want == "hold") : std::nullopt;
                one.automatic = wanted.automatic ? std::optional(there->automatic) : std::nullopt;
                one.intact = wanted.intact ? std::optional(!Packages::broken(*there)) : std::nullopt;
            }
            take_options(package, &one, &wanted);
            found[i] = State::of(std::move(one));
        }
    }

    /// Asks apt once for all changes: exact versions, what comes along, what would have to go.
    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        const auto& packages = view.once<Packages>();
        if (!packages.present) return {};  // check says so
        keep_needed(view, changes);
        if (!apt::has_lists(view.host())) return {};  // check says so
        auto request = request_for(changes, false);
        if (request.install.empty() && request.remove.empty()) return {};
        auto answer = apt::simulate(view.host(), request);
        if (view.expects_more() && leave_to_the_run(changes, answer, request, problems)) {
            if (request.install.empty() && request.remove.empty()) return {};
            answer = apt::simulate(view.host(), request);
        }
        if (!answer.known) {
            problems.note(Error(changes.front().where,
                                "apt's caches are older than its lists, and looking may not write "
                                "them: versions and what comes along are not known beforehand")
                              .help("apt-get check"));
            return {};
        }
        if (!answer.problems.empty()) return refuse(changes, answer, problems), std::vector<Companion>();
        return companions(view, packages, changes, answer, problems);
    }

    std::vector<std::string> others(const View& view, std::span<const std::string> declared) const override {
        return installed_by_hand(view, declared);
    }
    bool has_others() const override { return true; }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const auto& id = state.as<Package>()->name;
        const auto name = id.substr(0, id.find(':'));  // libc6:i386
        claims.push_back({Claim::Role::provides, "package:" + id});
        claims.push_back({Claim::Role::fills, "path:/etc/" + name});
        claims.push_back({Claim::Role::fills, "unit:" + name + ".service"});
        claims.push_back({Claim::Role::locks, "lock:dpkg"});
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        if (changes.empty()) return;
        const auto& packages = view.once<Packages>();
        const auto where = changes.front().where;
        if (!packages.present) {
            for (const Change& change : changes)
                problems.add(
                    Error(change.where, "packages need dpkg and apt, and this host has no /var/lib/dpkg/status"));
            return;
        }
        if (!apt::has_lists(view.host()))
            problems.note(Error(where,
                                "apt has no package lists yet: the run fetches them first, so versions and what "
                                "comes along are not known beforehand")
                              .help("apt-get update"));
        if (const auto holder = apt::lock_holder(view.host()); !holder.empty())
            problems.note(Error(where, "dpkg's lock is held by " + holder + ": the run will wait for it"));
        if (packages.journal || std::any_of(packages.all.begin(), packages.all.end(), Packages::broken))
            problems.note(Error(where, "dpkg was interrupted: the run brings that to an end first"));
        for (const Change& change : changes)
            if (const auto* there = packages.find(change.id.key); !change.after && there && there->essential)
                problems.add(
                    Error(change.where,
                          fmt::format("package {} is essential: without it the host does not work", change.id.key)));
    }

    Undo undo_of(const Change& change) const override {
        const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
        if (!before) return after && after->version ? Undo::exact : Undo::effort;
        if (after && !changes_version(change)) return Undo::exact;
        if (!after && before->purge) return Undo::effort;
        return before->archive ? Undo::cached : Undo::effort;
    }
    Way way() const override { return Way::opaque; }
    Footprint footprint() const override { return {.contents = contents, .names = names, .tools_first = true}; }
    bool batches() const override { return true; }

    void apply_all(WritableHost& host, std::span<const Change> changes) const override {
        transact(host, changes, request_for(changes, false));
    }

    /// What came is purged, since it was not there before; what went comes back at its version. What others have come
    /// to need meanwhile stays, marked as automatic.
    void undo_all(WritableHost& host, std::span<const Change> changes) const override {
        apt::repair(host);
        auto request = request_for(changes, true);
        const auto needed = needed_by_others(host, request.remove);
        std::vector<std::string> automatic;
        for (const Change& change : changes)
            if (needed.contains(change.id.key) && change.before.as<Package>()->automatic.value_or(false))
                automatic.push_back(change.id.key);
        std::erase_if(request.remove, [&](const std::string& name) { return needed.contains(name); });
        transact(host, changes, std::move(request));
        const View view(host);
        std::erase_if(automatic, [&](const auto& name) { return !view.once<Packages>().find(name); });
        mark(host, "auto", automatic);
    }

private:
    /// undo: versions may be older, and what goes is purged.
    static apt::Request request_for(std::span<const Change> changes, bool undo) {
        apt::Request request{.install = {}, .remove = {}, .purge = undo, .downgrades = undo};
        bool purge_all = true;
        for (const Change& change : changes) {
            const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
            if (!after) {
                if (!before) continue;
                request.remove.push_back(before->name);
                purge_all = purge_all && before->purge;
            } else if (changes_version(change)) {
                request.install.push_back(after->name + (after->version ? "=" + *after->version : ""));
                request.downgrades = request.downgrades || (before && after->version);
            }
        }
        request.purge = undo || (purge_all && !request.remove.empty());
        request.removals = !request.remove.empty();
        return request;
    }

    /// Those of `asked` that can not go without something else going as well. Asked about all of them first, which is
    /// answer enough nearly always, then of each by itself.
    static std::set<std::string, std::less<>> needed_by_others(const Host& host,
                                                               const std::vector<std::string>& asked) {
        std::set<std::string, std::less<>> needed;
        const View view(host);
        const auto& packages = view.once<Packages>();
        std::vector<std::string> there;
        std::copy_if(asked.begin(), asked.end(), std::back_inserter(there), [&](const std::string& name) {
            const auto* one = packages.find(name);
            return one && one->installed();
        });
        const auto takes_others = [&](std::vector<std::string> some) {
            const apt::Request request{
                .install = {}, .remove = std::move(some), .purge = false, .downgrades = false, .removals = true};
            const auto answer = apt::simulate(host, request);
            return std::any_of(answer.moves.begin(), answer.moves.end(), [&](const apt::Move& move) {
                return move.kind == apt::Move::Kind::remove &&
                       std::find(asked.begin(), asked.end(), bare(move.name, packages)) == asked.end();
            });
        };
        if (there.empty() || !takes_others(there)) return needed;
        for (const std::string& name : there)
            if (there.size() == 1 || takes_others({name})) needed.insert(name);
        return needed;
    }

    /// What no manifest names any more, and what is taken back, goes only where nobody else has come to need it: else
    /// it stays as it is. What is declared absent is told with what would go along.
    static void keep_needed(const View& view, std::span<Change> changes) {
        std::vector<std::string> going;
        for (const Change& change : changes)
            if (change.before && !change.after && !change.where) going.push_back(change.id.key);
        if (going.empty()) return;
        const auto needed = needed_by_others(view.host(), going);
        for (Change& change : changes)
            if (change.before && !change.after && !change.where && needed.contains(change.id.key))
                change.after = change.before;
    }

    /// One call of apt-get for all; marks before it (holds go) and after it (holds come, who came along).
    static void transact(WritableHost& host, std::span<const Change> changes, apt::Request request) {
        apt::repair(host);
        answer_questions(host, changes);
        {
            const View view(host);
            const auto& packages = view.once<Packages>();
            std::erase_if(request.install, [&](const std::string& one) { return is_there(packages, one); });
            std::erase_if(request.remove, [&](const std::string& one) {
                const auto* there = packages.find(one);
                return !there || (there->status == "config-files" && !request.purge);
            });
            std::vector<std::string> held;
            for (const Change& change : changes)
                if (const auto* there = packages.find(change.id.key); there && there->want == "hold")
                    if (changes_version(change) || !change.after.as<Package>()->hold.value_or(true))
                        held.push_back(change.id.key);
            mark(host, "unhold", held);
        }
        if (!request.install.empty() && !apt::has_all_lists(host)) apt::must(host, apt::update());
        if (!request.install.empty() || !request.remove.empty()) apt::must(host, apt::command(request, false));
        finish(host, changes, request.purge);
    }

    /// `name` or `name=version`: true where there is nothing to do.
    static bool is_there(const Packages& packages, const std::string& one) {
        const auto equals = one.find('=');
        const auto* there = packages.find(one.substr(0, equals));
        return there && there->installed() && !Packages::broken(*there) &&
               (equals == one.npos || there->version == one.substr(equals + 1));
    }

    static void finish(WritableHost& host, std::span<const Change> changes, bool purged) {
        const View view(host);
        const auto& packages = view.once<Packages>();
        std::vector<std::string> automatic, manual, hold, purge;
        for (const Change& change : changes) {
            const auto* there = packages.find(change.id.key);
            if (!there) continue;
            const auto* after = change.after.as<Package>();
            if (!after) {
                if (!purged && change.before && change.before.as<Package>()->purge) purge.push_back(change.id.key);
                continue;
            }
            if (after->automatic && there->automatic != *after->automatic)
                (*after->automatic ? automatic : manual).push_back(change.id.key);
            if (after->hold.value_or(false) && there->want != "hold") hold.push_back(change.id.key);
        }
        mark(host, "auto", automatic);
        mark(host, "manual", manual);
        mark(host, "hold", hold);
        if (purge.empty()) return;
        Command command{{"dpkg", "--purge"}};
        command.environment = {"DEBIAN_FRONTEND=noninteractive"};
        command.argv.insert(command.argv.end(), purge.begin(), purge.end());
        apt::must(host, command);
    }

    static void mark(WritableHost& host, const std::string& verb, const std::vector<std::string>& packages) {
        if (packages.empty()) return;
        Command command{{"apt-mark", verb}};
        command.argv.insert(command.argv.end(), packages.begin(), packages.end());
        apt::must(host, command);
    }

    /// By standard input: an answer may be a password.
    static void answer_questions(WritableHost& host, std::span<const Change> changes) {
        Command command{{"debconf-set-selections"}};
        for (const Change& change : changes)
            if (const auto* after = change.after.as<Package>(); after && changes_version(change))
                for (const auto& [question, answer] : after->debconf)
                    command.input += fmt::format("{} {} string {}\n", after->name, question, answer);
        if (!command.input.empty()) apt::must(host, command);
    }

    /// Packages that apt does not know, and that a repository of this plan may bring: they are not asked about now.
    static bool leave_to_the_run(std::span<const Change> changes, const apt::Answer& answer, apt::Request& request,
                                 Diagnostics& problems) {
        bool left = false;
        for (const Change& change : changes) {
            const auto* after = change.after.as<Package>();
            const auto is_about = [&](const std::string& problem) {
                const bool unknown = problem.starts_with("Unable to locate package ") ||
                                     problem.find("has no installation candidate") != problem.npos ||
                                     problem.find("was not found") != problem.npos ||
                                     problem.starts_with("Couldn't find any package");
                return unknown && tells_of(problem, change.id.key);
            };
            if (!after || std::none_of(answer.problems.begin(), answer.problems.end(), is_about)) continue;
            left = true;
            std::erase_if(request.install, [&](const std::string& one) {
                return one == after->name || one.starts_with(after->name + "=");
            });
            problems.note(
                Error(change.where, fmt::format("package {} is not known yet: a repository of this run has to "
                                                "bring it, so its version and what comes along are decided "
                                                "at the run",
                                                change.id.key)));
        }
        return left;
    }

    static bool tells_of(const std::string& problem, const std::string& name) {
        return problem.ends_with(" " + name) || problem.find("'" + name + "'") != problem.npos ||
               problem.find("for " + name + " ") != problem.npos;
    }

    /// Each of apt's complaints at the package it names; what names none, at all of them: at the first.
    static void refuse(std::span<Change> changes, const apt::Answer& answer, Diagnostics& problems) {
        bool told = false;
        for (const auto& problem : answer.problems) {
            const auto named = std::find_if(changes.begin(), changes.end(),
                                            [&](const Change& change) { return tells_of(problem, change.id.key); });
            if (named == changes.end() && told) continue;
            told = true;
            const auto& at = named == changes.end() ? changes.front() : *named;
            problems.add(Error(at.where, fmt::format("package {}: apt says: {}", at.id.key, problem))
                             .help(named == changes.end() ? "apt-get -s install " + at.id.key
                                                          : "apt-cache policy " + at.id.key));
        }
    }

    static std::vector<Companion> companions(const View& view, const Packages& packages, std::span<Change> changes,
                                             const apt::Answer& answer, Diagnostics& problems) {
        std::map<std::string, std::size_t, std::less<>> asked;
        for (std::size_t i = 0; i < changes.size(); ++i) asked[bare(either(changes[i])->name, packages)] = i;
        std::vector<Companion> found;
        std::size_t because = 0;
        // apt unpacks a package's dependencies before it: what comes along does so for the next one that was asked for.
        for (auto move = answer.moves.rbegin(); move != answer.moves.rend(); ++move) {
            const auto name = bare(move->name, packages);
            const auto* there = packages.find(name);
            if (const auto mine = asked.find(name); mine != asked.end()) {
                because = mine->second;
                Change& change = changes[because];
                if (move->kind == apt::Move::Kind::remove || !change.after) continue;
                Package goal = *change.after.as<Package>();
                goal.version = move->version;
                change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
                continue;
            }
            if (move->kind == apt::Move::Kind::remove) {
                problems.add(
                    Error(changes[because].where, fmt::format("package {} can not be changed without removing {}",
                                                              either(changes[because])->name, name))
                        .help(fmt::format("absent: {{packages: [{}]}}", name)));
                continue;
            }
            Package goal{.name = name, .version = move->version};
            goal.automatic = there ? there->automatic : true;
            const State before =
                there && there->status != "config-files" ? State::of(seen(view, *there, name)) : State();
            if (before) goal.hold = before.as<Package>()->hold;
            found.push_back(
                {{{package.name, name}, before, State::of(std::move(goal)), changes[because].where}, because});
        }
        return found;
    }
};

constexpr PackageType type;

}  // namespace

const ResourceType& package_type() {
    return type;
}

}  // namespace chaos::resources
