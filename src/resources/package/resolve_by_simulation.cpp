// SPDX-License-Identifier: Apache-2.0
// What is decided beforehand where libsolv can not: the package manager is asked what it would do, which takes it
// seconds.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "local_file.hpp"
#include "moves.hpp"
#include "package.hpp"

namespace chaos::resources {
namespace {

bool is_about(const Refusal& refusal, const std::string& name) {
    return refusal.name.substr(0, refusal.name.find('=')) == name;
}

/// Packages that nobody knows yet, and that a repository of this plan may bring: they are not asked about now.
bool leave_to_the_run(std::span<const Change> changes, const Answer& answer, Request& request, Diagnostics& problems) {
    bool left = false;
    for (const Change& change : changes) {
        const auto* after = change.after.as<Package>();
        const auto unknown = [&](const Refusal& refusal) {
            return refusal.unknown && is_about(refusal, change.id.key);
        };
        if (!after || std::none_of(answer.problems.begin(), answer.problems.end(), unknown)) continue;
        left = true;
        std::erase_if(request.install,
                      [&](const std::string& one) { return one == after->name || one.starts_with(after->name + "="); });
        problems.note(Error(change.where, fmt::format("package {} is not known yet: a repository of this run has to "
                                                      "bring it, so its version and what comes along are decided "
                                                      "at the run",
                                                      change.id.key)));
    }
    return left;
}

/// Each complaint at the package it names; what names none, at all of them: at the first.
void refuse(const Backend& backend, std::span<Change> changes, const Answer& answer, Diagnostics& problems) {
    bool told = false;
    for (const auto& problem : answer.problems) {
        const auto named = std::find_if(changes.begin(), changes.end(),
                                        [&](const Change& change) { return is_about(problem, change.id.key); });
        if (named == changes.end() && told) continue;
        told = true;
        const auto& at = named == changes.end() ? changes.front() : *named;
        problems.add(Error(at.where, fmt::format("package {}: {} says: {}", at.id.key, backend.name(), problem.said))
                         .help(named == changes.end() ? backend.ask_why(at.id.key) : backend.ask_about(at.id.key)));
    }
}

bool may_go(const Packages::Package& one, const Change& cause) {
    const auto& allowed = either(cause)->allow_removals;
    return !one.essential && std::any_of(allowed.begin(), allowed.end(),
                                         [&](const std::string& name) { return name == "*" || name == one.name; });
}

Error without_removing(const Change& cause, const Move& move, bool essential) {
    Error error(cause.where, fmt::format("package {} can not be {} without removing {}{}", either(cause)->name,
                                         cause.after ? "changed" : "removed", move.name,
                                         move.reason.why.empty() ? "" : ": " + move.reason.why));
    if (essential) return std::move(error).help("the host does not work without it");
    return std::move(error).help(
        fmt::format("if that may be: allow_removals: [{}] on {}", move.name, either(cause)->name));
}

std::vector<Companion> companions(const View& view, const Packages& packages, std::span<Change> changes,
                                  const Answer& answer, Diagnostics& problems) {
    std::map<std::string, std::size_t, std::less<>> asked;
    for (std::size_t i = 0; i < changes.size(); ++i) asked[bare(either(changes[i])->name, packages)] = i;
    std::vector<Companion> found;
    std::size_t because = 0;
    // They unpack a package's dependencies before it: what comes along does so for the next one that was asked for.
    for (auto move = answer.moves.rbegin(); move != answer.moves.rend(); ++move) {
        const auto name = bare(move->name, packages);
        const auto* there = packages.find(name);
        if (const auto mine = asked.find(name); mine != asked.end()) {
            because = mine->second;
            Change& change = changes[because];
            if (move->kind == Move::Kind::remove || !change.after) continue;
            Package goal = *change.after.as<Package>();
            goal.version = move->version;
            tell(goal, move->reason);
            change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
            continue;
        }
        if (move->kind == Move::Kind::remove) {
            const Change& cause = changes[because];
            if (there && may_go(*there, cause))
                found.push_back({{{package_kind, name},
                                  with_why(going_with(State::of(seen(view, *there, name)), cause), move->reason.why),
                                  State(),
                                  cause.where},
                                 because});
            else
                problems.add(without_removing(cause, *move, there && there->essential));
            continue;
        }
        auto one = along(view, name, move->version, move->reason);
        found.push_back(
            {{{package_kind, name}, one.before, State::of(std::move(one.goal)), changes[because].where}, because});
    }
    return found;
}

/// What came along with what goes, and nothing needs any more. Only where nothing comes: of that it is not known what
/// it needs.
std::vector<Companion> going_along(const View& view, const Backend& backend, std::span<Change> changes,
                                   Request request) {
    const auto& packages = view.once<Packages>();
    const auto* past = past_of(view);
    std::vector<Companion> found;
    if (!past || request.remove.empty() || !request.install.empty()) return found;
    const auto asked = request.remove;
    std::map<std::string, std::size_t, std::less<>> along;  // whose doing it is
    const auto add = [&](const std::vector<std::string>& going, std::size_t because) {
        for (const auto& name : backend.left_alone(view.host(), going))
            if (const auto* there = packages.find(name);
                there && may_go_along(*there) && past->brought(package_kind, name))
                along.emplace(name, because);
    };
    std::size_t first = changes.size();
    constexpr std::size_t few = 8;
    for (std::size_t i = 0; i < changes.size(); ++i) {
        if (!changes[i].before || changes[i].after) continue;
        first = std::min(first, i);
        if (asked.size() <= few) add({changes[i].id.key}, i);
    }
    if (asked.size() > 1) add(asked, first);
    if (along.empty()) return found;
    for (const auto& [name, because] : along) request.remove.push_back(name);
    const auto answer = backend.simulate(view.host(), request);
    const bool takes_others = std::any_of(answer.moves.begin(), answer.moves.end(), [&](const Move& move) {
        const auto name = bare(move.name, packages);
        return move.kind != Move::Kind::remove ||
               std::find(request.remove.begin(), request.remove.end(), name) == request.remove.end();
    });
    if (!answer.known || !answer.problems.empty() || takes_others) return found;
    for (const auto& [name, because] : along) {
        const auto before = going_with(State::of(seen(view, *packages.find(name), name)), changes[because]);
        found.push_back({{{package_kind, name}, before, {}, changes[because].where}, because});
    }
    return found;
}

}  // namespace

// Asked about all of them first, which is answer enough nearly always, then of each by itself.
std::set<std::string, std::less<>> needed_by_simulation(const View& view, const std::vector<std::string>& asked) {
    std::set<std::string, std::less<>> needed;
    const auto& packages = view.once<Packages>();
    std::vector<std::string> there;
    std::copy_if(asked.begin(), asked.end(), std::back_inserter(there), [&](const std::string& name) {
        const auto* one = packages.find(name);
        return one && one->present();
    });
    const auto takes_others = [&](std::vector<std::string> some) {
        const Request request{
            .install = {}, .remove = std::move(some), .purge = false, .downgrades = false, .removals = true};
        const auto answer = backend_of(packages.keeper)->simulate(view.host(), request);
        return std::any_of(answer.moves.begin(), answer.moves.end(), [&](const Move& move) {
            return move.kind == Move::Kind::remove &&
                   std::find(asked.begin(), asked.end(), bare(move.name, packages)) == asked.end();
        });
    };
    if (there.empty() || !takes_others(there)) return needed;
    for (const std::string& name : there)
        if (there.size() == 1 || takes_others({name})) needed.insert(name);
    return needed;
}

std::vector<Companion> resolve_by_simulation(const View& view, std::span<Change> changes, Diagnostics& problems) {
    const auto& packages = view.once<Packages>();
    const auto* backend = backend_of(packages.keeper);
    if (!backend) return {};  // check says so
    bool well = true;
    settle_files(view, changes, problems, well);
    if (!well || !backend->has_lists(view.host())) return {};  // check says so
    auto request = request_for(changes, false);
    if (request.install.empty() && request.remove.empty()) return {};
    auto answer = backend->simulate(view.host(), request);
    if (view.expects_more() && leave_to_the_run(changes, answer, request, problems)) {
        if (request.install.empty() && request.remove.empty()) return {};
        answer = backend->simulate(view.host(), request);
    }
    if (!answer.known) {
        problems.note(
            Error(changes.front().where,
                  fmt::format("{} would have to write its caches to tell, and looking may not: versions and what "
                              "comes along are not known beforehand",
                              backend->name()))
                .help(answer.help));
        return {};
    }
    if (!answer.problems.empty()) return refuse(*backend, changes, answer, problems), std::vector<Companion>();
    auto found = companions(view, packages, changes, answer, problems);
    for (auto& one : going_along(view, *backend, changes, std::move(request))) found.push_back(std::move(one));
    return found;
}

}  // namespace chaos::resources
