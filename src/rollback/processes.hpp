// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::rollback {

/// A process, told apart from a later one with its number by when it started (clock ticks since boot).
struct Process {
    int pid = 0, session = 0;
    char state = '?';  ///< As /proc/PID/stat has it.
    std::uint64_t started = 0;
    friend bool operator==(const Process& a, const Process& b) { return a.pid == b.pid && a.started == b.started; }
};

std::optional<Process> process_from_stat(
    std::string_view text);               ///< /proc/PID/stat; its second field may hold anything.
std::optional<Process> process(int pid);  ///< None where it has ended; a zombie has.

/// The processes that are this one, or in the session it leads and as old as it or younger.
std::vector<Process> session_of(const Process& leader);

/// The scope that systemd made for it, by name; empty where it is in none of chaos's own.
std::string scope_of(int pid);
std::vector<Process> members_of(const std::string& scope);  ///< All that live in it.

/// Waits until all of them have ended, at most that long. True where they have.
bool wait_for_end(const std::vector<Process>&, int milliseconds);

void send(const std::vector<Process>&, int signal);

}  // namespace chaos::rollback
