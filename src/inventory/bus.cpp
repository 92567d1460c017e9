// SPDX-License-Identifier: Apache-2.0
#include <chaos/bus.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/process.hpp>

#include "bus_parts.hpp"

namespace chaos {

using namespace bus;

namespace {

constexpr std::uint64_t reload_timeout_us = 600'000'000;

}  // namespace

SystemdServices::SystemdServices() : parts_(std::make_unique<Parts>()) {}
SystemdServices::~SystemdServices() = default;

bool SystemdServices::answers() const {
    if (::access("/run/systemd/system", F_OK) != 0) return false;
    const std::lock_guard lock(parts_->one_at_a_time);
    return parts_->connect();
}

std::vector<Unit> SystemdServices::units() const {
    const std::lock_guard lock(parts_->one_at_a_time);
    const Message reply = parts_->ask(manager_path, manager, "ListUnits", [](sd_bus_message*) { return 0; });
    std::vector<Unit> units;
    int error = parts_->library->enter(reply.get(), 'a', "(ssssssouso)");
    for (;;) {
        const char *name, *load, *active, *sub;
        if (error >= 0)
            error = parts_->library->read(reply.get(), "(ssssssouso)", &name, nullptr, &load, &active, &sub, nullptr,
                                          nullptr, nullptr, nullptr, nullptr);
        if (error < 0) throw reading(error);
        if (error == 0) return units;
        units.push_back({name, load, active, sub});
    }
}

Unit SystemdServices::unit(const std::string& name) const {
    const std::lock_guard lock(parts_->one_at_a_time);
    Unit unit;
    unit.name = name;
    std::uint64_t began_us = 0;
    const std::string path = parts_->path_of(name);
    Refusal refusal;
    const Message reply = parts_->ask(
        path.c_str(), "org.freedesktop.DBus.Properties", "GetAll",
        [&](sd_bus_message* m) { return parts_->library->append(m, "s", unit_interface); }, &refusal);
    if (!reply) throw Error(fmt::format("systemd can not tell about {}: {}", name, refusal.message));
    parts_->read_properties(reply, unit, began_us);

    if (unit.at_work() && unit.name.ends_with(".service"))
        unit.started_us = parts_->number_property(path, "ExecMainStartTimestampMonotonic", 't');
    // Without a main process that systemd knows of: when it was begun to start.
    if (unit.at_work() && unit.started_us == 0) unit.started_us = began_us;
    return unit;
}

std::vector<SystemdServices::Link> SystemdServices::Parts::change_links(UnitVerb verb, const std::string& name) {
    const bool on = verb == UnitVerb::enable || verb == UnitVerb::mask;
    const char* member = verb == UnitVerb::enable    ? "EnableUnitFiles"
                         : verb == UnitVerb::disable ? "DisableUnitFiles"
                         : verb == UnitVerb::mask    ? "MaskUnitFiles"
                                                     : "UnmaskUnitFiles";
    // One name, not at runtime only, and (where something is made) not in the place of what is there.
    Refusal refusal;
    const Message reply = ask(
        manager_path, manager, member,
        [&](sd_bus_message* m) {
            return on ? library->append(m, "asbb", 1U, name.c_str(), 0, 0)
                      : library->append(m, "asb", 1U, name.c_str(), 0);
        },
        &refusal);
    if (!reply) throw Error(fmt::format("can not {} {}: {}", word(verb), name, refusal.message));

    int error = 0;
    int installable = 1;
    if (verb == UnitVerb::enable) error = library->read(reply.get(), "b", &installable);
    if (error >= 0) error = library->enter(reply.get(), 'a', "(sss)");
    std::vector<Link> links;
    for (;;) {
        const char *kind = nullptr, *path = nullptr, *target = nullptr;
        if (error >= 0) error = library->read(reply.get(), "(sss)", &kind, &path, &target);
        if (error < 0) throw reading(error);
        if (error == 0) break;
        links.push_back({std::string_view(kind) == "symlink", path, target});
    }
    if (!installable && links.empty())
        throw Error(fmt::format("can not enable {}: its file has no [Install] section", name))
            .help(fmt::format("leave out `enabled` of {}: it is started by what needs it", name));
    return links;
}

std::vector<SystemdServices::Link> SystemdServices::control(UnitVerb verb, const std::string& unit, int timeout_s) {
    const std::lock_guard lock(parts_->one_at_a_time);
    switch (verb) {
        case UnitVerb::start:
        case UnitVerb::stop:
        case UnitVerb::restart:
        case UnitVerb::reload: parts_->run_job(verb, unit, timeout_s); return {};
        case UnitVerb::enable:
        case UnitVerb::disable: return parts_->change_links(verb, unit);
        case UnitVerb::mask:
        case UnitVerb::unmask: break;
    }
    std::vector<Link> links = parts_->change_links(verb, unit);
    if (!links.empty()) daemon_reload();
    return links;
}

void SystemdServices::daemon_reload() {
    const std::lock_guard lock(parts_->one_at_a_time);
    Refusal refusal;
    const Message reply = parts_->ask(
        manager_path, manager, "Reload", [](sd_bus_message*) { return 0; }, &refusal, reload_timeout_us);
    if (!reply) throw Error(fmt::format("can not reload systemd: {}", refusal.message)).help("systemctl daemon-reload");
}

int SystemdServices::telling() const {
    const std::lock_guard lock(parts_->one_at_a_time);
    if (!parts_->connect()) return -1;
    return parts_->library->descriptor(parts_->connection.get());
}

bool SystemdServices::told(const std::vector<std::string>& units) const {
    const std::lock_guard lock(parts_->one_at_a_time);
    std::vector<std::string> paths;
    bool changed = false;
    if (!parts_->connection) return parts_->connect();
    for (const std::string& unit : units) paths.push_back(parts_->path_of(unit));
    for (;;) {
        sd_bus_message* received = nullptr;
        const int error = parts_->library->process(parts_->open_bus(), &received);
        const Message message(received, Unref{parts_->library.get()});
        const bool cut = error < 0 || (message && parts_->library->is_signal(
                                                      message.get(), "org.freedesktop.DBus.Local", "Disconnected") > 0);
        if (cut) return parts_->lose(), true;
        if (error == 0) return changed;
        const char* of = message ? parts_->library->signal_path(message.get()) : nullptr;
        changed = changed || (of && std::find(paths.begin(), paths.end(), of) != paths.end());
    }
}

bool SystemdServices::enclose(const std::string& scope, int pid, const std::string& description) {
    const std::lock_guard lock(parts_->one_at_a_time);
    Refusal refusal;
    const Message reply = parts_->ask(
        manager_path, manager, "StartTransientUnit",
        [&](sd_bus_message* m) {
            return parts_->library->append(m, "ssa(sv)a(sa(sv))", scope.c_str(), "fail", 3U, "PIDs", "au", 1U,
                                           static_cast<std::uint32_t>(pid), "Description", "s", description.c_str(),
                                           "CollectMode", "s", "inactive-or-failed", 0U);
        },
        &refusal);
    const char* job = nullptr;
    if (!reply || parts_->library->read(reply.get(), "o", &job) < 0) return false;
    return parts_->await_job(job, now_us() + look_timeout_us) == "done";
}

namespace {

/// Of a unit that nothing but shutting down shall end: neither going over to another target, nor one for maintenance.
int write_lasting(const Library& bus, sd_bus_message* m, const std::string& description) {
    int worst = bus.append(m, "(sv)", "Description", "s", description.c_str());
    const auto add = [&](int answer) { worst = std::min(worst, answer); };
    add(bus.append(m, "(sv)", "IgnoreOnIsolate", "b", 1));
    add(bus.append(m, "(sv)", "DefaultDependencies", "b", 0));
    for (const char* on_shutdown : {"Conflicts", "Before"})
        add(bus.append(m, "(sv)", on_shutdown, "as", 1U, "shutdown.target"));
    return worst;
}

/// The message of start_later(); what sd_bus answers where it can not be.
int write_timer(const Library& bus, sd_bus_message* m, const std::string& name, std::int64_t seconds,
                const std::vector<std::string>& argv, const std::string& description) {
    constexpr std::uint64_t a_second = 1'000'000;
    int worst = bus.append(m, "ss", (name + ".timer").c_str(), "replace");
    const auto add = [&](int answer) { worst = std::min(worst, answer); };
    add(bus.open(m, 'a', "(sv)"));
    add(write_lasting(bus, m, description));
    add(bus.append(m, "(sv)", "TimersMonotonic", "a(st)", 1U, "OnActiveSec",
                   static_cast<std::uint64_t>(seconds) * a_second));
    add(bus.append(m, "(sv)", "AccuracyUSec", "t", a_second));
    add(bus.append(m, "(sv)", "RemainAfterElapse", "b", 0));
    add(bus.close(m));
    add(bus.open(m, 'a', "(sa(sv))"));
    add(bus.open(m, 'r', "sa(sv)"));
    add(bus.append(m, "s", (name + ".service").c_str()));
    add(bus.open(m, 'a', "(sv)"));
    add(write_lasting(bus, m, description));
    for (const auto& [property, value] : {std::pair("Type", "exec"), std::pair("Restart", "on-failure"),
                                          std::pair("CollectMode", "inactive-or-failed")})
        add(bus.append(m, "(sv)", property, "s", value));
    add(bus.append(m, "(sv)", "RestartUSec", "t", 30 * a_second));
    // It came to its end, though not all was as it should be (src/cli/exit_code.hpp: damaged, in_part).
    add(bus.append(m, "(sv)", "RestartPreventExitStatus", "(aiai)", 2U, 3, 4, 0U));
    // Where the program has gone meanwhile, there is nothing more to start.
    add(bus.append(m, "(sv)", "Conditions", "a(sbbs)", 1U, "ConditionPathExists", 0, 0, argv.front().c_str()));
    add(bus.open(m, 'r', "sv"));
    add(bus.append(m, "s", "ExecStart"));
    add(bus.open(m, 'v', "a(sasb)"));
    add(bus.open(m, 'a', "(sasb)"));
    add(bus.open(m, 'r', "sasb"));
    add(bus.append(m, "s", argv.front().c_str()));
    add(bus.open(m, 'a', "s"));
    for (const std::string& word : argv) add(bus.append(m, "s", word.c_str()));
    add(bus.close(m));
    add(bus.append(m, "b", 0));
    for (int open = 0; open < 7; ++open) add(bus.close(m));  // (sasb), its list, v, (sv), its list, (sa(sv)), its list
    return worst;
}

}  // namespace

void SystemdServices::start_later(const std::string& name, std::int64_t seconds, const std::vector<std::string>& argv,
                                  const std::string& description) {
    const std::lock_guard lock(parts_->one_at_a_time);
    Refusal refusal;
    const Message reply = parts_->ask(
        manager_path, manager, "StartTransientUnit",
        [&](sd_bus_message* m) { return write_timer(*parts_->library, m, name, seconds, argv, description); },
        &refusal);
    const char* job = nullptr;
    if (!reply || parts_->library->read(reply.get(), "o", &job) < 0)
        throw Error(fmt::format("systemd does not start {}.timer: {}", name, refusal.message));
    const std::string result = parts_->await_job(job, now_us() + look_timeout_us);
    if (const std::string active = unit(name + ".timer").active; result != "done" || active != "active")
        throw Error(fmt::format("{}.timer is {} ({})", name, active, result));
}

void control_offline(const std::string& root, UnitVerb verb, const std::string& unit) {
    if (verb != UnitVerb::enable && verb != UnitVerb::disable && verb != UnitVerb::mask && verb != UnitVerb::unmask)
        throw Error(fmt::format("can not {} {}: nothing runs in an image", word(verb), unit));
    const Command command{{"systemctl", "--root=" + root, word(verb), unit}};
    Child child(command);
    child.release();
    const Output output = child.wait();
    if (output.status != 0) throw failed(command, output);
}

}  // namespace chaos
