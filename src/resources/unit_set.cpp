// SPDX-License-Identifier: Apache-2.0
#include "unit_set.hpp"

#include <fmt/format.h>

#include <array>
#include <chaos/witness.hpp>
#include <charconv>
#include <map>
#include <mutex>

#include "lines.hpp"

namespace chaos::resources {
namespace {

constexpr std::string_view properties =
    "--property=Id,Names,LoadState,ActiveState,SubState,InvocationID,CanReload,"
    "NeedDaemonReload,ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic";

/// Those that somebody set for every session of the host.
const std::array<std::string, 2> for_all_directories{"/etc/systemd/user", "/usr/lib/systemd/user"};

std::string script_of(std::string_view unit) {
    return "/etc/init.d/" + std::string(unit.substr(0, unit.rfind('.')));
}

std::uint64_t number_in(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// What `systemctl show` prints: a paragraph a unit. By each of its names.
std::map<std::string, Unit> units_in(std::string_view text) {
    std::map<std::string, Unit> units;
    Unit unit;
    std::string names;
    std::uint64_t entered = 0;
    const auto end = [&] {
        if (unit.name.empty()) return;
        if (unit.started_us == 0 && runs(unit)) unit.started_us = entered;  // a timer or socket has no process
        for (std::string_view rest = names; !rest.empty();) {
            const auto name = rest.substr(0, rest.find(' '));
            rest.remove_prefix(std::min(name.size() + 1, rest.size()));
            units.emplace(name, unit);
        }
        units.emplace(unit.name, unit);
        unit = {}, names.clear(), entered = 0;
    };
    for (const auto line : lines_of(text)) {
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) {
            end();
            continue;
        }
        const auto name = line.substr(0, equals);
        const std::string value(line.substr(equals + 1));
        if (name == "Id") unit.name = value;
        if (name == "Names") names = value;
        if (name == "LoadState") unit.load = value;
        if (name == "ActiveState") unit.active = value;
        if (name == "SubState") unit.sub = value;
        if (name == "InvocationID") unit.invocation = value;
        if (name == "CanReload") unit.can_reload = value == "yes";
        if (name == "NeedDaemonReload") unit.stale = value == "yes";
        if (name == "ExecMainStartTimestampMonotonic") unit.started_us = number_in(value);
        if (name == "ActiveEnterTimestampMonotonic") entered = number_in(value);
    }
    end();
    return units;
}

std::map<std::string, Unit> ask(const Host& host, const Person& person, const std::string& which) {
    const auto command = as_person(host, person, {"systemctl", "--user", "show", std::string(properties), "--", which});
    const auto output = host.ask(command);
    if (output.status != 0) throw failed(command, output);
    return units_in(output.out);
}

bool manager_of(const Host& host, const Person& person) {
    return !person.runtime.empty() && host.look(person.runtime + "/systemd/private");
}

}  // namespace

/// Those that were asked for, by person; each is read once.
struct UnitSet::Sessions {
    struct Held {
        std::mutex hold{};
        std::map<std::string, Units> of{};
        std::optional<Units> for_all{};
    };
    std::unique_ptr<Held> held = std::make_unique<Held>();
    static Sessions read(const View&) { return {}; }
};

bool runs(const Unit& unit) {
    return unit.active == "active" || unit.active == "reloading" || unit.active == "refreshing";
}

std::string UnitSet::own_directory(const Person& person) {
    return person.home + "/.config/systemd/user";
}

UnitSet::UnitSet(const View& view, const std::string& person) : view_(view) {
    if (person.empty()) {
        units_ = &view.once<Units>();
        return;
    }
    person_ = person_of(view, person);
    auto& held = *view.once<Sessions>().held;
    const std::lock_guard guard(held.hold);
    if (!held.for_all) held.for_all = Units::linked_in(view.host(), for_all_directories);
    for_all_ = &*held.for_all;
    const auto [at, is_new] = held.of.try_emplace(person);
    units_ = &at->second;
    if (!is_new) return;
    const std::array own{own_directory(person_)};
    at->second = Units::linked_in(view.host(), own);
    if (manager_of(view.host(), person_))
        for (auto& [name, unit] : ask(view.host(), person_, "*")) at->second.loaded.emplace(name, std::move(unit));
}

bool UnitSet::answers() const {
    return is_host() ? view_->live() : manager_of(view_.host(), person_);
}

std::string UnitSet::file_of(const std::string& unit) const {
    if (is_host()) {
        auto path = Units::file_of(view_.host(), unit);
        if (path.empty() && view_->look(script_of(unit))) path = script_of(unit);
        return path;
    }
    const std::array directories{own_directory(person_),
                                 std::string("/etc/systemd/user"),
                                 std::string("/run/systemd/user"),
                                 person_.home + "/.local/share/systemd/user",
                                 std::string("/usr/local/lib/systemd/user"),
                                 std::string("/usr/local/share/systemd/user"),
                                 std::string("/usr/lib/systemd/user"),
                                 std::string("/usr/share/systemd/user")};
    return Units::file_in(view_.host(), directories, unit);
}

void UnitSet::heed(const std::string& unit) const {
    if (!is_host()) return;
    if (const auto* attentive = dynamic_cast<const Attentive*>(&view_.host())) attentive->heed_unit(unit);
}

bool UnitSet::is_there(const std::string& unit) const {
    heed(unit);
    const auto loaded = units_->loaded.find(unit);
    return (loaded != units_->loaded.end() && loaded->second.load != "not-found") || masked(unit) ||
           !file_of(unit).empty();
}

bool UnitSet::starts(const std::string& unit) const {
    if (is_host()) return units_->starts(view_.host(), unit);
    return units_->enabled.contains(unit) || starts_for_all(unit);
}

bool UnitSet::starts_for_all(const std::string& unit) const {
    return for_all_ && for_all_->enabled.contains(unit);
}

bool UnitSet::runs(const std::string& unit) const {
    heed(unit);
    const auto loaded = units_->loaded.find(unit);
    return loaded != units_->loaded.end() && loaded->second.load != "not-found" && resources::runs(loaded->second);
}

Unit UnitSet::now(const std::string& unit) const {
    if (is_host()) return view_->services().unit(unit);
    if (answers())
        if (const auto found = ask(view_.host(), person_, unit); !found.empty()) return found.begin()->second;
    return {unit, "not-found", "inactive", "dead"};
}

void UnitSet::control(WritableHost& host, UnitVerb verb, const std::string& unit) const {
    if (is_host()) return host.control(verb, unit);
    static constexpr std::array<const char*, 8> words{"start",  "stop",    "restart", "reload",
                                                      "enable", "disable", "mask",    "unmask"};
    const std::vector<std::string> argv{"systemctl", "--user", words[static_cast<std::size_t>(verb)], "--", unit};
    auto command = as_person(host, person_, argv);
    if (!answers()) {
        if (verb < UnitVerb::enable)
            throw Error(fmt::format("{} has no session in which {} could run", person_.name, unit))
                .help(fmt::format("users: {{{}: {{linger: true}}}} keeps one from boot on", person_.name));
        command.environment.emplace_back("SYSTEMD_OFFLINE=1");  // links alone
    } else if (verb != UnitVerb::stop && now(unit).stale) {
        run_as_person(host, person_, {"systemctl", "--user", "daemon-reload"});
    }
    if (const auto output = host.run(command); output.status != 0) throw failed(command, output);
}

}  // namespace chaos::resources
