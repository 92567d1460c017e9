// SPDX-License-Identifier: Apache-2.0
#include "apt_units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/system/packages.hpp>
#include <chaos/system/units.hpp>
#include <set>

#include "../lines.hpp"
#include "manners.hpp"

namespace chaos::resources::apt {
namespace {

std::set<std::string> units_of(const Host& host, const Packages::Package& package) {
    std::set<std::string> units;
    std::string list;
    for (const auto& name : {package.name, package.name + ":" + package.architecture})
        if (list.empty()) host.look("/var/lib/dpkg/info/" + name + ".list", &list);
    for (const auto line : lines_of(list))
        if (const auto slash = line.rfind('/'); slash != line.npos)
            if (std::count(Units::directories.begin(), Units::directories.end(), line.substr(0, slash)))
                units.emplace(line.substr(slash + 1));
    return units;
}

}  // namespace

RunningUnits::RunningUnits(const Host& host, const std::vector<std::string>& packages) {
    std::set<std::string> brought;
    const View view(host);
    for (const auto& package : packages)
        if (const auto* there = view.once<Packages>().find(package)) brought.merge(units_of(host, *there));
    if (brought.empty() || !host.live() || !host.services().answers()) return;
    for (const Unit& unit : host.services().units())
        if (unit.at_work() && (brought.contains(unit.name) || brought.contains(Units::template_of(unit.name))))
            running_.push_back(unit.name);
}

void RunningUnits::stop_what_is_left(WritableHost& host) const {
    bool any = false;
    for (const auto& name : running_) {
        if (!Units::file_of(host, name).empty() || !host.services().unit(name).at_work()) continue;
        any = true;
        try {
            host.control(UnitVerb::stop, name);
            host.says(fmt::format("{} ran on when its package was gone: stopped", name));
        } catch (const Error& error) {
            host.says(fmt::format("{} runs on, and its package is gone: {}", name, error.what()));
        }
    }
    if (any) must(host, {{"systemctl", "daemon-reload"}});
}

}  // namespace chaos::resources::apt
