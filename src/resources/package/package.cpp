// SPDX-License-Identifier: Apache-2.0
#include "package.hpp"

#include <algorithm>

namespace chaos::resources {

const Package* either(const Change& change) {
    return change.after ? change.after.as<Package>() : change.before.as<Package>();
}

bool changes_version(const Change& change) {
    const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
    return !before || !after || (after->version && before->version != after->version);
}

Request request_for(std::span<const Change> changes, bool undo) {
    Request request{.install = {}, .remove = {}, .purge = undo, .downgrades = undo};
    bool purge_all = true;
    for (const Change& change : changes) {
        const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
        if (!after) {
            if (!before) continue;
            request.remove.push_back(before->name);
            purge_all = purge_all && before->purge;
        } else if (changes_version(change)) {
            request.install.push_back(after->name + (after->version ? "=" + *after->version : ""));
            if (!after->source.empty() && !undo) request.sources[after->name] = after->source;
            if (after->packed && !undo) request.files[request.install.back()] = after->packed->path;
            request.downgrades = request.downgrades || (before && after->version);
        }
    }
    request.purge = undo || (purge_all && !request.remove.empty());
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
