// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "local_file.hpp"
#include "manners.hpp"
#include "package.hpp"

namespace chaos::resources {
namespace {

const Backend& backend_for(const Host& host) {
    const auto* backend = backend_of(Packages::keeper_of(host));
    if (!backend) throw Error("this host has no package manager that chaos knows");
    return *backend;
}

/// By standard input: an answer may be a password.
void answer_questions(WritableHost& host, std::span<const Change> changes) {
    Command command{{"debconf-set-selections"}};
    for (const Change& change : changes)
        if (const auto* after = change.after.as<Package>(); after && changes_version(change))
            for (const auto& [question, answer] : after->debconf)
                command.input += fmt::format("{} {} string {}\n", after->name, question, answer);
    if (!command.input.empty()) apt::must(host, command);
}

/// `name` or `name=version`: true where there is nothing to do.
bool is_there(const Packages& packages, const std::string& one) {
    const auto equals = one.find('=');
    const auto* there = packages.find(one.substr(0, equals));
    return there && there->installed() && !Packages::broken(*there) &&
           (equals == one.npos || there->version == one.substr(equals + 1));
}

void finish(const Backend& backend, WritableHost& host, std::span<const Change> changes, bool purged) {
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
        if (after->hold.value_or(false) && !there->held()) hold.push_back(change.id.key);
    }
    backend.mark(host, Backend::Mark::automatic, automatic);
    backend.mark(host, Backend::Mark::manual, manual);
    backend.mark(host, Backend::Mark::hold, hold);
    backend.purge(host, purge);
}

/// A hold that the plan knows of, or that nobody could know of; one that came since is somebody's word against it.
void must_be_known(const Backend& backend, const Change& change) {
    const auto* before = change.before.as<Package>();
    if (!before || before->hold.value_or(true)) return;
    throw Error(change.where, fmt::format("package {} is not changed: somebody put it on hold since the plan was made",
                                          change.id.key))
        .help(backend.unhold_hint(change.id.key));
}

/// What is as asked already is not asked for; what is held is let go where it changes.
void leave_out_what_is_done(const Backend& backend, WritableHost& host, std::span<const Change> changes,
                            Request& request) {
    const View view(host);
    const auto& packages = view.once<Packages>();
    std::erase_if(request.install, [&](const std::string& one) { return is_there(packages, one); });
    std::erase_if(request.remove, [&](const std::string& one) {
        const auto* there = packages.find(one);
        return !there || (there->status == "config-files" && !request.purge);
    });
    std::vector<std::string> held;
    for (const Change& change : changes)
        if (const auto* there = packages.find(change.id.key); there && there->held())
            if (changes_version(change) || !change.after.as<Package>()->hold.value_or(true))
                must_be_known(backend, change), held.push_back(change.id.key);
    backend.mark(host, Backend::Mark::unhold, held);
}

}  // namespace

namespace {

/// What is declared, and stands half removed.
void unpack_halves(const Backend& backend, WritableHost& host, std::span<const Change> changes) {
    const View view(host);
    const auto& packages = view.once<Packages>();
    std::vector<std::string> halves;
    for (const Change& change : changes) {
        const auto* there = packages.find(change.id.key);
        const bool stays =
            change.after && !changes_version(change) && change.after.as<Package>()->intact.value_or(true);
        if (stays && there && there->status == "half-installed" && there->want != "install")
            halves.push_back(change.id.key);
    }
    if (!halves.empty()) backend.unpack_halves(host, halves);
}

/// dpkg notes the version that was for as long as the one that comes is not wholly unpacked: what a repair made of it
/// is what there is to change.
std::vector<Change> as_repaired(const WritableHost& host, std::span<const Change> changes) {
    const View view(host);
    std::vector<Change> repaired(changes.begin(), changes.end());
    for (Change& change : repaired) {
        const auto* before = change.before.as<Package>();
        const auto* there = view.once<Packages>().find(change.id.key);
        if (!before || before->intact.value_or(true) || !there || before->version == there->version) continue;
        Package one = *before;
        one.version = there->version;
        change.before = State::of(std::move(one)).with_inputs(change.before.inputs());
    }
    return repaired;
}

/// What was to be taken back, and was not: a package that is broken, is another version, or is not there.
void must_be_back(const Backend& backend, const View& view, const Change& change) {
    const auto* there = view.once<Packages>().find(change.id.key);
    const auto* after = change.after.as<Package>();
    if (after && !after->intact.value_or(true)) return;  // it was broken before
    if (there && Packages::broken(*there))
        throw Error(fmt::format("package {} is left half-way: {} {}", change.id.key, there->want, there->status))
            .help(backend.ask_why(change.id.key));
    if (!after) return;
    if (!there || !there->installed() || (after->version && there->version != *after->version))
        throw Error(fmt::format("package {} did not come back{}: {}", change.id.key,
                                after->version ? " at " + *after->version : std::string(),
                                there && there->installed() ? "it is at " + there->version : "it is not there"))
            .help(backend.ask_why(change.id.key));
}

/// Where data of one is to stay, all are removed together, and then those purged of which nothing is to.
Request left_to_purge(std::span<const Change> changes, const Request& request) {
    Request rest{.install = {}, .remove = {}, .purge = true, .removals = true};
    if (request.purge) return rest;
    for (const Change& change : changes) {
        const auto& going = request.remove;
        if (!change.after && goes_wholly(change, true) &&
            std::find(going.begin(), going.end(), change.before.as<Package>()->name) != going.end())
            rest.remove.push_back(change.before.as<Package>()->name);
    }
    return rest;
}

// One transaction for all; marks before it (holds go) and after it (holds come, who came along).
void apply_all(WritableHost& host, std::span<const Change> planned) {
    const auto& backend = backend_for(host);
    backend.repair(host);
    const auto changes = as_repaired(host, planned);
    unpack_halves(backend, host, changes);
    answer_questions(host, changes);
    auto request = request_for(changes, false);
    leave_out_what_is_done(backend, host, changes, request);
    if (!request.install.empty() || !request.remove.empty()) {
        backend.keep_outgoing(host, changes);
        request.files.clear();
        stage_files(host, changes, request);
        if (!request.install.empty() && !backend.has_all_lists(host)) backend.refresh(host);
        backend.carry_out(host, request);
    }
    finish(backend, host, changes, request.purge);
}

void undo_all(WritableHost& host, std::span<const Change> decided) {
    const auto& backend = backend_for(host);
    backend.repair_to_go_back(host, decided);
    const auto changes = as_repaired(host, decided);
    auto request = request_for(changes, true);
    std::vector<std::string> automatic, changing;
    for (const Change& change : changes)
        if (change.before && change.after && changes_version(change)) changing.push_back(change.id.key);
    const auto needed = needed_by_others(host, request.remove, changing);
    for (const Change& change : changes)
        if (needed.contains(change.id.key) && change.before.as<Package>()->automatic.value_or(false))
            automatic.push_back(change.id.key);
    std::erase_if(request.remove, [&](const std::string& name) { return needed.contains(name); });
    auto rest = left_to_purge(changes, request);
    leave_out_what_is_done(backend, host, changes, request);
    find_staged(host, request);
    backend.go_back(host, request);
    leave_out_what_is_done(backend, host, changes, rest);
    if (!rest.remove.empty()) backend.go_back(host, rest);
    finish(backend, host, changes, true);
    const View view(host);
    std::erase_if(automatic, [&](const auto& name) { return !view.once<Packages>().find(name); });
    backend.mark(host, Backend::Mark::automatic, automatic);
    for (const Change& change : changes) must_be_back(backend, view, change);
}

}  // namespace

void apply_packages(WritableHost& host, std::span<const Change> changes) try {
    apply_all(host, changes);
} catch (const TransactionFailed& failed) {
    throw explained(host, changes, failed, Doing::applying);
}

void undo_packages(WritableHost& host, std::span<const Change> changes) try {
    undo_all(host, changes);
} catch (const TransactionFailed& failed) {
    throw explained(host, changes, failed, Doing::taking_back);
}

}  // namespace chaos::resources
