// SPDX-License-Identifier: Apache-2.0
// libsystemd, opened at first use, and what is held of it. Only files named bus* know it (tests/lint).
#pragma once

#include <systemd/sd-bus.h>

#include <chaos/shared_library.hpp>
#include <memory>

namespace chaos::bus {

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

struct Unref {
    const Library* library;
    void operator()(sd_bus_message* message) const { library->unref(message); }
    void operator()(sd_bus* bus) const { library->close_unref(bus); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;
using Connection = std::unique_ptr<sd_bus, Unref>;

}  // namespace chaos::bus
