// SPDX-License-Identifier: Apache-2.0
#include "package.hpp"

#include <algorithm>

#include "moves.hpp"

namespace chaos::resources {

const Package* either(const Change& change) {
    return change.after ? change.after.as<Package>() : change.before.as<Package>();
}

bool changes_version(const Change& change) {
    const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
    return !before || !after || (after->version && before->version != after->version);
}

bool goes_wholly(const Change& change, bool undo) {
    const auto* before = change.before.as<Package>();
    return before && (undo ? before->fresh.value_or(before->purge) : before->purge);
}

Request request_for(std::span<const Change> changes, bool undo) {
    Request request{.install = {}, .remove = {}, .downgrades = undo};
    bool purge_all = true;
    for (const Change& change : changes) {
        const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
        if (!after) {
            if (!before) continue;
            request.remove.push_back(before->name);
            purge_all = purge_all && goes_wholly(change, undo);
        } else if (changes_version(change)) {
            request.install.push_back(after->name + (after->version ? "=" + *after->version : ""));
            if (!after->source.empty() && !undo) request.sources[after->name] = after->source;
            if (after->packed && !undo) request.files[request.install.back()] = after->packed->path;
            request.downgrades = request.downgrades || (before && after->version);
        }
    }
    request.purge = purge_all && !request.remove.empty();
    request.removals = !request.remove.empty();
    request.complete = !undo && std::all_of(request.install.begin(), request.install.end(),
                                            [](const std::string& one) { return one.find('=') != one.npos; });
    return request;
}

std::string bare(std::string name, const Packages& packages) {
    const auto suffix = ":" + packages.architecture;
    if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    return name;
}

Package seen(const View& view, const Packages::Package& there, const std::string& name) {
    Package found{.name = name, .version = there.version};
    found.hold = there.held();
    found.automatic = there.automatic;
    found.intact = !Packages::broken(there);
    const auto* backend = backend_of(view.once<Packages>().keeper);
    if (const auto archive = backend->archive_of(view.host(), there); !archive.empty() && view->look(archive))
        found.archive = archive;
    else if (!backend->packs_anew())
        found.archive.emplace();
    if (there.size) found.takes = there.size;
    found.scripts = backend->has_own_scripts(view.host(), there);
    return found;
}

Along along(const View& view, const std::string& name, const std::string& version, const Reason& reason) {
    const auto* there = view.once<Packages>().find(name);
    Along one{{}, {.name = name, .version = version}};
    if (there && there->status != "config-files") one.before = State::of(seen(view, *there, name));
    const auto* before = one.before.as<Package>();
    one.goal.automatic = before ? before->automatic : true;
    if (before) one.goal.hold = before->hold;
    if (!before) one.goal.fresh = !there;
    tell(one.goal, reason);
    return one;
}

void tell_what_is_fresh(const View& view, std::span<Change> changes) {
    for (Change& change : changes) {
        if (change.before || !change.after) continue;
        Package goal = *change.after.as<Package>();
        goal.fresh = !view.once<Packages>().find(change.id.key);
        change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
    }
}

const Past* past_of(const View& view) {
    const auto* recalling = dynamic_cast<const Recalling*>(&view.host());
    return recalling ? recalling->past() : nullptr;
}

bool may_go_along(const Packages::Package& one) {
    return one.installed() && one.automatic && !one.essential && !one.held() && !one.name.starts_with("linux-image-") &&
           !one.name.starts_with("grub-");
}

State going_with(const State& there, const Change& cause) {
    const auto* going = cause.before.as<Package>();
    if (!there || !going || !going->purge) return there;
    Package one = *there.as<Package>();
    one.purge = true;
    return State::of(std::move(one));
}

}  // namespace chaos::resources
