// SPDX-License-Identifier: Apache-2.0
// Jobs of systemd: begun, waited for, and seen to have done what they were for.
#include "bus_parts.hpp"

namespace chaos {

using namespace bus;

namespace {

constexpr const char* late = "late";  ///< What a job's result is called that chaos did not wait for any longer.
constexpr std::uint64_t stays_up_us =
    250'000;  ///< How long what is up as soon as it is forked must be seen to stay so.

}  // namespace

/// "Result: exit-code, exit status 1", as the unit says itself.
std::string SystemdServices::Parts::why_failed(const std::string& name) const {
    const std::string path = path_of(name);
    const std::string result = text_property(path, service_interface, "Result");
    if (result.empty()) return {};
    std::string text = fmt::format("its result is {}", result);
    if (result == "exit-code")
        text += fmt::format(", exit status {}", number_property(path, "ExecMainStatus", 'i'));
    else if (result == "signal" || result == "core-dump")
        text += fmt::format(", signal {}", number_property(path, "ExecMainStatus", 'i'));
    return text;
}

/// Waits for the signal that tells a job's end: "done", "failed", "dependency"...; empty where the connection was cut.
std::string SystemdServices::Parts::await_job(const std::string& job, std::uint64_t until) const {
    for (;;) {
        sd_bus_message* received = nullptr;
        const int error = library->process(open_bus(), &received);
        const Message message(received, Unref{library.get()});
        if (error < 0) {
            lose();
            return {};
        }
        if (message && library->is_signal(message.get(), manager, "JobRemoved") > 0) {
            const char *path = nullptr, *result = nullptr;
            if (library->read(message.get(), "uoss", nullptr, &path, nullptr, &result) < 0) continue;
            if (path == job) return result;
        }
        if (message && library->is_signal(message.get(), "org.freedesktop.DBus.Local", "Disconnected") > 0) {
            lose();
            return {};
        }
        if (error > 0) continue;
        const std::uint64_t now = now_us();
        if (now >= until) return late;
        library->wait(open_bus(), until - now);
    }
}

/// False where nothing of this unit changed in that time.
bool SystemdServices::Parts::await_change(const std::string& path, std::uint64_t until) const {
    for (;;) {
        sd_bus_message* received = nullptr;
        const int error = library->process(open_bus(), &received);
        const Message message(received, Unref{library.get()});
        if (error < 0) return lose(), true;
        if (message && library->is_signal(message.get(), "org.freedesktop.DBus.Local", "Disconnected") > 0)
            return lose(), true;
        if (message && library->is_signal(message.get(), "org.freedesktop.DBus.Properties", "PropertiesChanged") > 0)
            if (const char* of = library->signal_path(message.get()); of && path == of) return true;
        if (error > 0) continue;
        const std::uint64_t now = now_us();
        if (now >= until) return false;
        library->wait(open_bus(), until - now);
    }
}

std::uint64_t SystemdServices::Parts::restarts_of(const std::string& name) const {
    return name.ends_with(".service") ? number_property(path_of(name), "NRestarts", 'u') : 0;
}

/// The job of a service that does not tell when it is ready ends when it is forked: /bin/false would do. So its main
/// process must outlive a moment. What ended well by then is no failure here: whoever wants it to run looks again.
/// `restarts`: how often systemd had restarted it by itself before that job.
void SystemdServices::Parts::see_it_stay_up(UnitVerb verb, const std::string& name, std::uint64_t restarts) const {
    if (!name.ends_with(".service")) return;
    const std::string path = path_of(name);
    const std::string type = text_property(path, service_interface, "Type");
    if (type != "simple" && type != "exec" && type != "idle") return;
    const std::uint64_t until = now_us() + stays_up_us;
    for (;;) {
        const std::string active = text_property(path, unit_interface, "ActiveState");
        const std::uint64_t by_now = restarts_of(name);  // a start by somebody may have set it to nothing
        if (active == "failed" || active == "activating" || (by_now && by_now != restarts)) break;
        if (active == "inactive" || !await_change(path, until)) return;
    }
    const std::string why = why_failed(name);
    // It would go on to be restarted while what it was started for is taken back.
    if (text_property(path, unit_interface, "ActiveState") != "failed" && verb == UnitVerb::start)
        run_job(UnitVerb::stop, name, static_cast<int>(look_timeout_us / 1'000'000U));
    throw Error(fmt::format("can not {} {}: it ended at once; {}", word(verb), name, why))
        .help(fmt::format("journalctl -u {}", name));
}

void SystemdServices::Parts::run_job(UnitVerb verb, const std::string& name, int timeout_s) const {
    const bool starts = verb == UnitVerb::start || verb == UnitVerb::restart;
    const std::uint64_t restarts = starts ? restarts_of(name) : 0;
    run_job_to_its_end(verb, name, timeout_s);
    if (starts) see_it_stay_up(verb, name, restarts);
}

void SystemdServices::Parts::run_job_to_its_end(UnitVerb verb, const std::string& name, int timeout_s) const {
    const char* member = verb == UnitVerb::start     ? "StartUnit"
                         : verb == UnitVerb::stop    ? "StopUnit"
                         : verb == UnitVerb::restart ? "RestartUnit"
                                                     : "ReloadUnit";
    Refusal refusal;
    const Message reply = ask(
        manager_path, manager, member,
        [&](sd_bus_message* m) { return library->append(m, "ss", name.c_str(), "replace"); }, &refusal);
    if (!reply) throw Error(fmt::format("can not {} {}: {}", word(verb), name, refusal.message));
    const char* path = nullptr;
    if (const int error = library->read(reply.get(), "o", &path); error < 0) throw reading(error);
    const std::string job = path;

    const std::uint64_t until = now_us() + static_cast<std::uint64_t>(timeout_s) * 1'000'000U;
    std::string result = await_job(job, until);
    // systemd was executed anew: jobs go on under their numbers. It tells of their end on the new connection, unless
    // it came between the two.
    for (int again = 0; result.empty() && again < 3; ++again)
        result = text_property(job, "org.freedesktop.systemd1.Job", "State").empty() ? "done" : await_job(job, until);
    if (result == "done") return;
    if (result == "skipped" && (verb == UnitVerb::start || verb == UnitVerb::stop)) return;

    if (result == late) {
        throw Error(fmt::format("can not {} {}: it was not done after {} s", word(verb), name, timeout_s))
            .help(fmt::format("journalctl -u {}", name));
    }
    std::string text = fmt::format("can not {} {}: its job ended with \"{}\"", word(verb), name, result);
    if (result == "failed" || result == "timeout") {
        const std::string why = why_failed(name);
        if (!why.empty()) text += "; " + why;
    }
    throw Error(text).help(fmt::format("journalctl -u {}", name));
}

}  // namespace chaos
