// SPDX-License-Identifier: Apache-2.0
#include "apt_units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chaos/system/packages.hpp>
#include <set>

#include "../lines.hpp"
#include "manners.hpp"

namespace chaos::resources::apt {
namespace {

constexpr std::array<std::string_view, 5> directories{"/etc/systemd/system/", "/run/systemd/system/",
                                                      "/usr/local/lib/systemd/system/", "/lib/systemd/system/",
                                                      "/usr/lib/systemd/system/"};

/// `getty@.service` of `getty@tty1.service`; else the name itself.
std::string file_name(const std::string& unit) {
    const auto mark = unit.find('@'), dot = unit.rfind('.');
    return mark == unit.npos || dot == unit.npos || dot < mark ? unit : unit.substr(0, mark + 1) + unit.substr(dot);
}

bool has_a_file(const Host& host, const std::string& unit) {
    return std::any_of(directories.begin(), directories.end(), [&](std::string_view directory) {
        return host.look(std::string(directory) + unit) || host.look(std::string(directory) + file_name(unit));
    });
}

std::set<std::string> units_of(const Host& host, const Packages::Package& package) {
    std::set<std::string> units;
    std::string list;
    for (const auto& name : {package.name, package.name + ":" + package.architecture})
        if (list.empty()) host.look("/var/lib/dpkg/info/" + name + ".list", &list);
    for (const auto line : lines_of(list))
        for (const auto directory : directories)
            if (line.starts_with(directory) && line.find('/', directory.size()) == line.npos)
                units.emplace(line.substr(directory.size()));
    return units;
}

bool runs(const Unit& unit) {
    return unit.active != "inactive" && unit.active != "failed";
}

}  // namespace

RunningUnits::RunningUnits(const Host& host, const std::vector<std::string>& packages) {
    std::set<std::string> brought;
    const View view(host);
    for (const auto& package : packages)
        if (const auto* there = view.once<Packages>().find(package)) brought.merge(units_of(host, *there));
    if (brought.empty() || !host.live() || !host.services().answers()) return;
    for (const Unit& unit : host.services().units())
        if (runs(unit) && (brought.contains(unit.name) || brought.contains(file_name(unit.name))))
            running_.push_back(unit.name);
}

void RunningUnits::stop_what_is_left(WritableHost& host) const {
    bool any = false;
    for (const auto& name : running_) {
        if (has_a_file(host, name) || !runs(host.services().unit(name))) continue;
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
