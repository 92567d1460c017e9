// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <chaos/bus.hpp>
#include <cstring>
#include <mutex>

#include "bus_library.hpp"

namespace chaos {

namespace bus {

constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr const char* service_interface = "org.freedesktop.systemd1.Service";
constexpr std::uint64_t look_timeout_us = 25'000'000;

/// What systemd answered to a call: an error of its own, by name.
struct Refusal {
    std::string name, message;
};

std::uint64_t now_us();    ///< Of a clock that nobody sets.
Error reading(int error);  ///< Of what systemd answered.
const char* word(UnitVerb);

}  // namespace bus

/// The connection (bus_connection.cpp), what units say (bus_connection.cpp) and jobs (bus_jobs.cpp).
struct SystemdServices::Parts {
    mutable std::recursive_mutex one_at_a_time{};
    mutable std::unique_ptr<bus::Library> library{};
    mutable bus::Connection connection{nullptr, bus::Unref{nullptr}};

    mutable bool lost = false;  ///< There was a connection, and systemd cut it: it executes itself anew.

    bool connect() const;
    void lose() const {
        connection.reset();
        lost = true;
    }
    sd_bus* open_bus() const;
    bus::Message new_call(const char* path, const char* interface, const char* member) const;
    bus::Message call(const bus::Message& message, std::uint64_t timeout_us, bus::Refusal* refusal) const;
    template <class Append>
    bus::Message ask(const char* path, const char* interface, const char* member, Append append,
                     bus::Refusal* refusal = nullptr, std::uint64_t timeout_us = bus::look_timeout_us) const;
    std::string path_of(const std::string& name) const;
    void read_properties(const bus::Message& reply, Unit& unit, std::uint64_t& began_us) const;
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

/// One call. Where the connection was cut (systemd executed itself anew), a second time over a new one: only for what
/// may be asked twice.
template <class Append>
bus::Message SystemdServices::Parts::ask(const char* path, const char* interface, const char* member, Append append,
                                         bus::Refusal* refusal, std::uint64_t timeout_us) const {
    for (int attempt = 0; attempt < 2; ++attempt) {
        const bus::Message message = new_call(path, interface, member);
        const int error = append(message.get());
        if (error < 0) throw Error(fmt::format("can not ask systemd for {}: {}", member, std::strerror(-error)));
        bus::Message reply = call(message, timeout_us, refusal);
        if (reply || (refusal && !refusal->name.empty())) return reply;
        if (refusal && !refusal->message.empty()) return reply;
    }
    throw Error(fmt::format("can not reach systemd: {}", std::strerror(errno)));
}

}  // namespace chaos
