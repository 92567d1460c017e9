// SPDX-License-Identifier: Apache-2.0
#include <chaos/bus.hpp>

#include <fmt/format.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/process.hpp>
#include <chaos/shared_library.hpp>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>

namespace chaos {
namespace {

constexpr const char* service = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr const char* service_interface = "org.freedesktop.systemd1.Service";
constexpr const char* private_socket = "/run/systemd/private";
constexpr const char* late = "late";  ///< What a job's result is called that chaos did not wait for any longer.
constexpr std::uint64_t stays_up_us =
    250'000;  ///< How long what is up as soon as it is forked must be seen to stay so.
constexpr std::uint64_t look_timeout_us = 25'000'000, reload_timeout_us = 600'000'000, comes_back_us = 30'000'000;

struct Library : SharedLibrary {
    Library() : SharedLibrary({"libsystemd.so.0"}) {}

    decltype(&sd_bus_new) make = find<decltype(&sd_bus_new)>("sd_bus_new");
    decltype(&sd_bus_set_address) set_address = find<decltype(&sd_bus_set_address)>("sd_bus_set_address");
    decltype(&sd_bus_start) start = find<decltype(&sd_bus_start)>("sd_bus_start");
    decltype(&sd_bus_open_system) open_system = find<decltype(&sd_bus_open_system)>("sd_bus_open_system");
    decltype(&sd_bus_close_unref) close_unref = find<decltype(&sd_bus_close_unref)>("sd_bus_close_unref");
    decltype(&sd_bus_call) call = find<decltype(&sd_bus_call)>("sd_bus_call");
    decltype(&sd_bus_process) process = find<decltype(&sd_bus_process)>("sd_bus_process");
    decltype(&sd_bus_wait) wait = find<decltype(&sd_bus_wait)>("sd_bus_wait");
    decltype(&sd_bus_error_free) error_free = find<decltype(&sd_bus_error_free)>("sd_bus_error_free");
    decltype(&sd_bus_path_encode) path_encode = find<decltype(&sd_bus_path_encode)>("sd_bus_path_encode");
    decltype(&sd_bus_message_new_method_call) new_call =
        find<decltype(&sd_bus_message_new_method_call)>("sd_bus_message_new_method_call");
    decltype(&sd_bus_message_unref) unref = find<decltype(&sd_bus_message_unref)>("sd_bus_message_unref");
    decltype(&sd_bus_message_append) append = find<decltype(&sd_bus_message_append)>("sd_bus_message_append");
    decltype(&sd_bus_message_read) read = find<decltype(&sd_bus_message_read)>("sd_bus_message_read");
    decltype(&sd_bus_message_read_array) read_array =
        find<decltype(&sd_bus_message_read_array)>("sd_bus_message_read_array");
    decltype(&sd_bus_message_skip) skip = find<decltype(&sd_bus_message_skip)>("sd_bus_message_skip");
    decltype(&sd_bus_message_enter_container) enter =
        find<decltype(&sd_bus_message_enter_container)>("sd_bus_message_enter_container");
    decltype(&sd_bus_message_exit_container) leave =
        find<decltype(&sd_bus_message_exit_container)>("sd_bus_message_exit_container");
    decltype(&sd_bus_message_open_container) open =
        find<decltype(&sd_bus_message_open_container)>("sd_bus_message_open_container");
    decltype(&sd_bus_message_close_container) close =
        find<decltype(&sd_bus_message_close_container)>("sd_bus_message_close_container");
    decltype(&sd_bus_message_is_signal) is_signal =
        find<decltype(&sd_bus_message_is_signal)>("sd_bus_message_is_signal");
    decltype(&sd_bus_get_fd) descriptor = find<decltype(&sd_bus_get_fd)>("sd_bus_get_fd");
    decltype(&sd_bus_message_get_path) signal_path =
        find<decltype(&sd_bus_message_get_path)>("sd_bus_message_get_path");
};

std::uint64_t now_us() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000U + static_cast<std::uint64_t>(time.tv_nsec / 1000);
}

bool cut(int error, std::string_view name) {
    const bool by_errno = error == -ECONNRESET || error == -ENOTCONN || error == -EPIPE || error == -ESHUTDOWN;
    return by_errno && (name.empty() || name.starts_with("System.Error."));
}

struct Unref {
    const Library* library;
    void operator()(sd_bus_message* message) const { library->unref(message); }
    void operator()(sd_bus* bus) const { library->close_unref(bus); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;
using Connection = std::unique_ptr<sd_bus, Unref>;

/// What systemd answered to a call: an error of its own, by name.
struct Refusal {
    std::string name, message;
};

std::string hex_of(const void* bytes, std::size_t size) {
    std::string text;
    bool any = false;
    for (std::size_t i = 0; i < size; ++i) {
        const unsigned char byte = static_cast<const unsigned char*>(bytes)[i];
        any = any || byte;
        text += fmt::format("{:02x}", byte);
    }
    return any ? text : std::string();
}

Error reading(int error) {
    return Error(fmt::format("systemd's answer is not as expected: {}", std::strerror(-error)));
}

const char* word(UnitVerb verb) {
    switch (verb) {
        case UnitVerb::start: return "start";
        case UnitVerb::stop: return "stop";
        case UnitVerb::restart: return "restart";
        case UnitVerb::reload: return "reload";
        case UnitVerb::enable: return "enable";
        case UnitVerb::disable: return "disable";
        case UnitVerb::mask: return "mask";
        case UnitVerb::unmask: return "unmask";
    }
    return "";
}

}  // namespace

struct SystemdServices::Parts {
    mutable std::recursive_mutex one_at_a_time{};
    mutable std::unique_ptr<Library> library{};
    mutable Connection connection{nullptr, Unref{nullptr}};

    mutable bool lost = false;  ///< There was a connection, and systemd cut it: it executes itself anew.

    bool connect() const;
    void lose() const {
        connection.reset();
        lost = true;
    }
    sd_bus* bus() const;
    Message new_call(const char* path, const char* interface, const char* member) const;
    Message call(const Message& message, std::uint64_t timeout_us, Refusal* refusal) const;
    template <class Append>
    Message ask(const char* path, const char* interface, const char* member, Append append, Refusal* refusal = nullptr,
                std::uint64_t timeout_us = look_timeout_us) const;
    std::string path_of(const std::string& name) const;
    void read_properties(const Message& reply, Unit& unit, std::uint64_t& began_us) const;
    std::uint64_t number_property(const std::string& path, const char* property, char type) const;
    std::string text_property(const std::string& path, const char* interface, const char* property) const;
    std::string why_failed(const std::string& name) const;
    void run_job(UnitVerb verb, const std::string& name, int timeout_s) const;
    std::string await_job(const std::string& job, std::uint64_t until) const;
    void run_job_to_its_end(UnitVerb verb, const std::string& name, int timeout_s) const;
    bool await_change(const std::string& path, std::uint64_t until) const;
    std::uint64_t restarts_of(const std::string& name) const;
    void see_it_stay_up(UnitVerb verb, const std::string& name, std::uint64_t restarts) const;
    std::vector<Link> change_links(UnitVerb verb, const std::string& name);
};

/// False where it can not be; the reason is in errno then.
bool SystemdServices::Parts::connect() const {
    if (connection) return true;
    if (!library) library = std::make_unique<Library>();
    if (!library->whole()) return errno = ELIBACC, false;
    sd_bus* made = nullptr;
    int error = 0;
    if (::geteuid() == 0) {
        error = library->make(&made);
        if (error >= 0) error = library->set_address(made, fmt::format("unix:path={}", private_socket).c_str());
        if (error >= 0) error = library->start(made);
    } else {
        error = library->open_system(&made);
    }
    Connection held(made, Unref{library.get()});
    if (error < 0) return errno = -error, false;
    connection = std::move(held);
    return true;
}

sd_bus* SystemdServices::Parts::bus() const {
    bool there = connect();
    // Executing itself anew it is not to be reached for some tenths of a second, and nothing tells when it is again.
    const std::uint64_t until = now_us() + comes_back_us;
    while (!there && lost && (errno == ECONNREFUSED || errno == ENOENT) && now_us() < until) {
        const timespec moment{0, 20'000'000};
        ::nanosleep(&moment, nullptr);
        there = connect();
    }
    lost = false;
    if (!there) throw Error(fmt::format("can not reach systemd: {}", std::strerror(errno)));
    return connection.get();
}

Message SystemdServices::Parts::new_call(const char* path, const char* interface, const char* member) const {
    sd_bus* const to = bus();  // first: it opens the library
    sd_bus_message* made = nullptr;
    const int error = library->new_call(to, &made, service, path, interface, member);
    if (error < 0) throw Error(fmt::format("can not ask systemd for {}: {}", member, std::strerror(-error)));
    return Message(made, Unref{library.get()});
}

/// Null with errno set where the connection was cut; null with a refusal where systemd said no and that is an answer.
Message SystemdServices::Parts::call(const Message& message, std::uint64_t timeout_us, Refusal* refusal) const {
    sd_bus_error said = SD_BUS_ERROR_NULL;
    sd_bus_message* reply = nullptr;
    const int error = library->call(bus(), message.get(), timeout_us, &said, &reply);
    Refusal what{said.name ? said.name : "", said.message ? said.message : ""};
    library->error_free(&said);
    if (error >= 0) return Message(reply, Unref{library.get()});
    if (cut(error, what.name)) {
        lose();
        errno = -error;
        return Message(nullptr, Unref{library.get()});
    }
    if (what.message.empty()) what.message = std::strerror(-error);
    if (!refusal) throw Error(fmt::format("systemd: {}", what.message));
    *refusal = std::move(what);
    return Message(nullptr, Unref{library.get()});
}

/// One call. Where the connection was cut (systemd executed itself anew), a second time over a new one: only for what
/// may be asked twice.
template <class Append>
Message SystemdServices::Parts::ask(const char* path, const char* interface, const char* member, Append append,
                                    Refusal* refusal, std::uint64_t timeout_us) const {
    for (int attempt = 0; attempt < 2; ++attempt) {
        const Message message = new_call(path, interface, member);
        const int error = append(message.get());
        if (error < 0) throw Error(fmt::format("can not ask systemd for {}: {}", member, std::strerror(-error)));
        Message reply = call(message, timeout_us, refusal);
        if (reply || (refusal && !refusal->name.empty())) return reply;
        if (refusal && !refusal->message.empty()) return reply;
    }
    throw Error(fmt::format("can not reach systemd: {}", std::strerror(errno)));
}

std::string SystemdServices::Parts::path_of(const std::string& name) const {
    bus();
    char* path = nullptr;
    const int error = library->path_encode("/org/freedesktop/systemd1/unit", name.c_str(), &path);
    if (error < 0) throw Error(fmt::format("not the name of a unit: {}", name));
    std::string result = path;
    std::free(path);
    return result;
}

void SystemdServices::Parts::read_properties(const Message& reply, Unit& unit, std::uint64_t& began_us) const {
    const Library& lib = *library;
    sd_bus_message* m = reply.get();
    const auto sure = [](int error) {
        if (error < 0) throw reading(error);
        return error;
    };
    const auto text = [&](std::string& into) {
        const char* value = nullptr;
        sure(lib.read(m, "v", "s", &value));
        into = value;
    };
    const auto flag = [&](bool& into) {
        int value = 0;
        sure(lib.read(m, "v", "b", &value));
        into = value != 0;
    };
    sure(lib.enter(m, 'a', "{sv}"));
    while (sure(lib.enter(m, 'e', "sv")) > 0) {
        const char* key = nullptr;
        sure(lib.read(m, "s", &key));
        const std::string_view name = key;
        if (name == "Id") {
            text(unit.name);
        } else if (name == "LoadState") {
            text(unit.load);
        } else if (name == "ActiveState") {
            text(unit.active);
        } else if (name == "SubState") {
            text(unit.sub);
        } else if (name == "CanReload") {
            flag(unit.can_reload);
        } else if (name == "NeedDaemonReload") {
            flag(unit.stale);
        } else if (name == "InactiveExitTimestampMonotonic") {
            sure(lib.read(m, "v", "t", &began_us));
        } else if (name == "InvocationID") {
            const void* bytes = nullptr;
            std::size_t size = 0;
            sure(lib.enter(m, 'v', "ay"));
            sure(lib.read_array(m, 'y', &bytes, &size));
            sure(lib.leave(m));
            unit.invocation = hex_of(bytes, size);
        } else {
            sure(lib.skip(m, "v"));
        }
        sure(lib.leave(m));
    }
    sure(lib.leave(m));
}

std::uint64_t SystemdServices::Parts::number_property(const std::string& path, const char* property, char type) const {
    Refusal refusal;
    const Message reply = ask(
        path.c_str(), "org.freedesktop.DBus.Properties", "Get",
        [&](sd_bus_message* m) { return library->append(m, "ss", service_interface, property); }, &refusal);
    if (!reply) return 0;
    const char types[] = {type, 0};
    std::uint64_t wide = 0;
    std::int32_t narrow = 0;  // of 'u' as well: it is as wide
    const int error =
        type == 't' ? library->read(reply.get(), "v", types, &wide) : library->read(reply.get(), "v", types, &narrow);
    if (error < 0) throw reading(error);
    return type == 't' ? wide : static_cast<std::uint64_t>(narrow);
}

std::string SystemdServices::Parts::text_property(const std::string& path, const char* interface,
                                                  const char* property) const {
    Refusal refusal;
    const Message reply = ask(
        path.c_str(), "org.freedesktop.DBus.Properties", "Get",
        [&](sd_bus_message* m) { return library->append(m, "ss", interface, property); }, &refusal);
    const char* value = nullptr;
    if (!reply || library->read(reply.get(), "v", "s", &value) < 0) return {};
    return value;
}

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

    const bool runs = unit.active != "inactive" && unit.active != "failed";
    if (runs && unit.name.ends_with(".service"))
        unit.started_us = parts_->number_property(path, "ExecMainStartTimestampMonotonic", 't');
    // Without a main process that systemd knows of: when it was begun to start.
    if (runs && unit.started_us == 0) unit.started_us = began_us;
    return unit;
}

/// Waits for the signal that tells a job's end: "done", "failed", "dependency"...; empty where the connection was cut.
std::string SystemdServices::Parts::await_job(const std::string& job, std::uint64_t until) const {
    for (;;) {
        sd_bus_message* received = nullptr;
        const int error = library->process(bus(), &received);
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
        library->wait(bus(), until - now);
    }
}

/// False where nothing of this unit changed in that time.
bool SystemdServices::Parts::await_change(const std::string& path, std::uint64_t until) const {
    for (;;) {
        sd_bus_message* received = nullptr;
        const int error = library->process(bus(), &received);
        const Message message(received, Unref{library.get()});
        if (error < 0) return lose(), true;
        if (message && library->is_signal(message.get(), "org.freedesktop.DBus.Local", "Disconnected") > 0)
            return lose(), true;
        if (message && library->is_signal(message.get(), "org.freedesktop.DBus.Properties", "PropertiesChanged") > 0)
            if (const char* of = library->signal_path(message.get()); of && path == of) return true;
        if (error > 0) continue;
        const std::uint64_t now = now_us();
        if (now >= until) return false;
        library->wait(bus(), until - now);
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
        const int error = parts_->library->process(parts_->bus(), &received);
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

/// The message of start_later(); what sd_bus answers where it can not be.
int write_timer(const Library& bus, sd_bus_message* m, const std::string& name, std::int64_t seconds,
                const std::vector<std::string>& argv, const std::string& description) {
    constexpr std::uint64_t a_second = 1'000'000;
    const auto after = static_cast<std::uint64_t>(seconds) * a_second;
    int worst = bus.append(m, "ssa(sv)", (name + ".timer").c_str(), "replace", 4U, "Description", "s",
                           description.c_str(), "TimersMonotonic", "a(st)", 1U, "OnActiveSec", after, "AccuracyUSec",
                           "t", a_second, "RemainAfterElapse", "b", 0);
    const auto add = [&](int answer) { worst = std::min(worst, answer); };
    add(bus.open(m, 'a', "(sa(sv))"));
    add(bus.open(m, 'r', "sa(sv)"));
    add(bus.append(m, "s", (name + ".service").c_str()));
    add(bus.open(m, 'a', "(sv)"));
    for (const auto& [property, value] :
         {std::pair("Description", description.c_str()), std::pair("Type", "exec"), std::pair("Restart", "on-failure"),
          std::pair("CollectMode", "inactive-or-failed")})
        add(bus.append(m, "(sv)", property, "s", value));
    add(bus.append(m, "(sv)", "RestartUSec", "t", 30 * a_second));
    add(bus.append(m, "(sv)", "RestartPreventExitStatus", "(aiai)", 1U, 3, 0U));
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
