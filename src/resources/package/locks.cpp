// SPDX-License-Identifier: Apache-2.0
#include "locks.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>
#include <utility>

#include "../lines.hpp"

namespace chaos::resources::apt {
namespace {

constexpr const char* locks[] = {"/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/cache/apt/archives/lock",
                                 "/var/lib/apt/lists/lock"};

std::int64_t number(std::string_view text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// What may end while it is looked at.
std::string text_of(const Host& host, const std::string& path) {
    std::string text;
    try {
        host.look(path, &text);
    } catch (const Error&) {
    }
    return text;
}

/// Seconds since a process started; negative where that can not be told.
std::int64_t age_of(const Host& host, const std::string& pid) {
    constexpr int fields_to_start = 19;  // after the state, which follows the name in parentheses
    const auto stat = text_of(host, "/proc/" + pid + "/stat"), uptime = text_of(host, "/proc/uptime");
    const auto name_end = stat.rfind(')');
    if (name_end == stat.npos || uptime.empty()) return -1;
    std::string_view rest = std::string_view(stat).substr(name_end + 1);
    for (int skipped = 0; skipped < fields_to_start; ++skipped) next_word(rest);
    return number(uptime) - number(next_word(rest)) / std::max(1L, ::sysconf(_SC_CLK_TCK));
}

std::string in_words(std::int64_t seconds) {
    constexpr std::int64_t minute = 60, hour = 3600;
    return seconds < minute ? fmt::format("{} s", seconds)
           : seconds < hour ? fmt::format("{} min", seconds / minute)
                            : fmt::format("{} h", seconds / hour);
}

std::string described(const Host& host, const std::string& pid) {
    auto name = text_of(host, "/proc/" + pid + "/comm");
    if (!name.empty() && name.back() == '\n') name.pop_back();
    const auto age = age_of(host, pid);
    return fmt::format("{} (pid {}{})", name.empty() ? "a process" : name, pid,
                       age < 0 ? "" : ", since " + in_words(age));
}

/// /proc/locks tells the inode alone for sure: another file may have that number on another file system. Whoever really
/// holds it has it open.
bool has_open(const Host& host, const std::string& pid, const std::string& path) try {
    const auto open = host.list("/proc/" + pid + "/fd");
    return open.empty() || std::any_of(open.begin(), open.end(), [&](const std::string& descriptor) {
               return text_of(host, "/proc/" + pid + "/fd/" + descriptor) == path;
           });
} catch (const Error&) {
    return true;
}

/// The pid of who holds a lock; empty where nobody does.
std::string holder(const Host& host) {
    if (!host.live()) return {};
    const auto held = text_of(host, "/proc/locks");
    if (held.empty()) return {};
    for (const char* path : locks) {
        const Entry lock = host.look(path);
        if (!lock) continue;
        // 1: POSIX  ADVISORY  WRITE 712 00:2b:1234 0 EOF
        const auto mark = fmt::format(":{} ", lock.inode);
        for (std::string_view rest = held; !rest.empty();) {
            auto line = next_line(rest);
            if (line.find(mark) == line.npos || line.find("POSIX") == line.npos) continue;
            if (line.find("->") != line.npos) continue;  // who waits for it
            for (int skipped = 0; skipped < 4; ++skipped) next_word(line);
            const std::string pid(next_word(line));
            if (has_open(host, pid, path)) return pid;
        }
    }
    return {};
}

}  // namespace

std::string lock_holder(const Host& host) {
    const auto pid = holder(host);
    return pid.empty() ? std::string() : described(host, pid);
}

bool is_about_a_lock(std::string_view errors) {
    return errors.find("Could not get lock") != errors.npos ||
           errors.find("Unable to acquire the dpkg") != errors.npos ||
           errors.find("lock was locked by another process") != errors.npos ||
           errors.find("Unable to lock directory") != errors.npos;
}

void wait_for_locks(WritableHost& host, int& waited_s) {
    constexpr int every_s = 30, slices = 5;
    std::string told;
    for (int slice = 0;; ++slice) {
        const auto pid = holder(host);
        if (pid.empty()) return;
        const auto who = described(host, pid);
        const bool tells = std::exchange(told, pid) != pid || slice % (every_s * slices) == 0;
        if (!host.waits(tells ? fmt::format("waiting for dpkg's lock, held by {}: {} s of at most {}", who, waited_s,
                                            lock_wait_s)
                              : std::string()))
            throw Error("the run was asked to stop while it waited for dpkg's lock, held by " + who);
        if (waited_s >= lock_wait_s)
            throw Error(fmt::format("dpkg's lock was held for {} seconds by {}", waited_s, who))
                .help("wait for it to end, then try again");
        std::this_thread::sleep_for(std::chrono::milliseconds(1000 / slices));
        if (slice % slices == slices - 1) ++waited_s;
    }
}

}  // namespace chaos::resources::apt
