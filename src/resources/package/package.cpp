// SPDX-License-Identifier: Apache-2.0
#include "package.hpp"

#include "apt.hpp"

namespace chaos::resources {

const Package* either(const Change& change) {
    return change.after ? change.after.as<Package>() : change.before.as<Package>();
}

bool changes_version(const Change& change) {
    const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
    return !before || !after || (after->version && before->version != after->version);
}

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

}  // namespace chaos::resources
