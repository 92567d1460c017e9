// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <chaos/system/units.hpp>

namespace chaos {
namespace {

constexpr std::array suffixes{".service", ".socket", ".target", ".timer", ".mount", ".automount",
                              ".path",    ".swap",   ".slice",  ".scope", ".device"};

std::string_view last_part(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == path.npos ? path : path.substr(slash + 1);
}

void enable(Units& units, std::string_view name) {
    units.enabled.emplace(name);
    if (auto general = Units::template_of(name); !general.empty()) units.enabled.insert(std::move(general));
}

void read_links(const Host& host, const std::string& directory, Units& units) {
    for (const auto& name : host.list(directory)) {
        const auto path = directory + "/" + name;
        if (name.ends_with(".wants") || name.ends_with(".requires") || name.ends_with(".upholds")) {
            for (const auto& wanted : host.list(path)) enable(units, wanted);
            continue;
        }
        std::string target;
        const Entry entry = host.look(path, &target, 1);
        if (entry.kind == Entry::Kind::file && entry.size == 0) units.masked.insert(name);
        if (entry.kind != Entry::Kind::link) continue;
        if (target == "/dev/null")
            units.masked.insert(name);
        else if (last_part(target) != name)  // an alias; the same name is a unit file that lies elsewhere
            enable(units, last_part(target)), enable(units, name);
    }
}

}  // namespace

std::string unit_name(std::string_view name) {
    for (const std::string_view suffix : suffixes)
        if (name.ends_with(suffix) && name.size() > suffix.size()) return std::string(name);
    return std::string(name) + ".service";
}

std::string Units::template_of(std::string_view unit) {
    const auto at = unit.find('@'), dot = unit.rfind('.');
    if (at == unit.npos || dot == unit.npos || dot <= at + 1) return {};
    return std::string(unit.substr(0, at + 1)) + std::string(unit.substr(dot));
}

std::string Units::file_in(const Host& host, std::span<const std::string> directories, const std::string& unit) {
    for (const std::string& name : {unit, template_of(unit)}) {
        if (name.empty()) continue;
        for (const std::string& directory : directories)
            if (auto path = directory + "/" + name; host.look(path)) return path;
    }
    return {};
}

std::string Units::file_of(const Host& host, const std::string& unit) {
    static const std::vector<std::string> all(directories.begin(), directories.end());
    return file_in(host, all, unit);
}

Units Units::linked_in(const Host& host, std::span<const std::string> directories) {
    Units units;
    for (const std::string& directory : directories) read_links(host, directory, units);
    return units;
}

bool Units::starts(const Host& host, const std::string& unit) const {
    return enabled.contains(unit) || (sysv.contains(unit) && file_of(host, unit).empty());
}

Units Units::read(const View& view) {
    Units units;
    if (view->live() && view->services().answers())
        for (auto& unit : view->services().units()) {
            auto name = unit.name;
            units.loaded.emplace(std::move(name), std::move(unit));
        }
    read_links(view.host(), "/etc/systemd/system", units);
    if (view->live()) read_links(view.host(), "/run/systemd/system", units);
    for (const char level : {'2', '3', '4', '5'})
        for (const auto& name : view->list(std::string("/etc/rc") + level + ".d"))
            if (name.size() > 3 && name[0] == 'S') units.sysv.insert(name.substr(3) + ".service");
    return units;
}

}  // namespace chaos
