// SPDX-License-Identifier: Apache-2.0
#include <chaos/system/outdated.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

namespace chaos {
namespace {

constexpr std::size_t most = 64U << 20U;

std::string text_of(const View& view, const std::string& path) try {
    std::string text;
    view->look(path, &text, most);
    return text;
} catch (const Error&) {
    return {};
}

/// The unit of the system's manager that a process belongs to, by its /proc/PID/cgroup; empty for what is in a session,
/// and for what others can not go on without while it is restarted.
std::string service_of(std::string_view cgroup) {
    constexpr std::string_view slice = "/system.slice/", ending = ".service";
    const auto at = cgroup.find(slice);
    if (at == cgroup.npos) return {};
    for (auto rest = cgroup.substr(at + slice.size()); !rest.empty();) {
        const auto part = rest.substr(0, rest.find_first_of("/\n"));
        if (part.ends_with(ending)) return part == "dbus.service" ? std::string() : std::string(part);
        if (part.size() == rest.size() || rest[part.size()] == '\n') break;
        rest.remove_prefix(part.size() + 1);
    }
    return {};
}

void sort_once(std::vector<std::string>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace

bool Outdated::is_outdated(std::string_view maps) {
    constexpr std::string_view gone = " (deleted)";
    constexpr std::string_view programs[] = {"/usr/", "/lib", "/bin/", "/sbin/", "/opt/"};
    for (auto at = maps.find(gone); at != maps.npos; at = maps.find(gone, at + 1)) {
        const auto begin = maps.rfind('\n', at) + 1;  // npos + 1 is 0
        const auto line = maps.substr(begin, at - begin);
        // 7f0c0a000000-7f0c0a021000 r-xp 00000000 00:2b 1234    /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)
        const auto rights = line.substr(std::min(line.find(' ') + 1, line.size()), 4);
        const auto path = line.substr(std::min(line.find('/'), line.size()));
        if (rights.find('x') != rights.npos &&
            std::any_of(std::begin(programs), std::end(programs), [&](auto top) { return path.starts_with(top); }))
            return true;
    }
    return false;
}

std::string Outdated::restart() const {
    return services.empty() ? std::string() : fmt::format("systemctl restart {}", fmt::join(services, " "));
}

Outdated Outdated::read(const View& view) {
    Outdated found;
    const auto own = std::to_string(::getpid());  // that ends anyway
    for (const std::string& name : view->list("/proc")) {
        if (name.find_first_not_of("0123456789") != name.npos || name == own) continue;
        if (!is_outdated(text_of(view, "/proc/" + name + "/maps"))) continue;
        if (auto unit = service_of(text_of(view, "/proc/" + name + "/cgroup")); !unit.empty()) {
            found.services.push_back(std::move(unit));
            continue;
        }
        auto command = text_of(view, "/proc/" + name + "/comm");
        if (command.ends_with('\n')) command.pop_back();
        found.processes.push_back(fmt::format("{} (pid {})", command, name));
    }
    sort_once(found.services);
    sort_once(found.processes);
    return found;
}

}  // namespace chaos
