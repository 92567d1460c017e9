// SPDX-License-Identifier: Apache-2.0
// The connection to systemd, questions over it, and what it says of one unit.
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "bus_parts.hpp"

namespace chaos {

namespace bus {

std::uint64_t now_us() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000U + static_cast<std::uint64_t>(time.tv_nsec / 1000);
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

}  // namespace bus

using namespace bus;

namespace {

constexpr const char* service = "org.freedesktop.systemd1";
constexpr const char* private_socket = "/run/systemd/private";
constexpr std::uint64_t comes_back_us = 30'000'000;

bool cut(int error, std::string_view name) {
    const bool by_errno = error == -ECONNRESET || error == -ENOTCONN || error == -EPIPE || error == -ESHUTDOWN;
    return by_errno && (name.empty() || name.starts_with("System.Error."));
}

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

}  // namespace

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

sd_bus* SystemdServices::Parts::open_bus() const {
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
    sd_bus* const to = open_bus();  // first: it opens the library
    sd_bus_message* made = nullptr;
    const int error = library->new_call(to, &made, service, path, interface, member);
    if (error < 0) throw Error(fmt::format("can not ask systemd for {}: {}", member, std::strerror(-error)));
    return Message(made, Unref{library.get()});
}

/// Null with errno set where the connection was cut; null with a refusal where systemd said no and that is an answer.
Message SystemdServices::Parts::call(const Message& message, std::uint64_t timeout_us, Refusal* refusal) const {
    sd_bus_error said = SD_BUS_ERROR_NULL;
    sd_bus_message* reply = nullptr;
    const int error = library->call(open_bus(), message.get(), timeout_us, &said, &reply);
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

std::string SystemdServices::Parts::path_of(const std::string& name) const {
    open_bus();
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

}  // namespace chaos
