// SPDX-License-Identifier: Apache-2.0
#include "processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <memory>

#include "descriptor.hpp"

namespace chaos::rollback {
namespace {

// Ended: poll says so. Does not keep the number from being used again, so it is opened before the process is compared.
class ProcessDescriptor {
public:
    explicit ProcessDescriptor(const Process& it) : descriptor_(static_cast<int>(syscall(SYS_pidfd_open, it.pid, 0))) {
        const auto now = process(it.pid);
        alive_ = now && *now == it;
    }
    bool alive() const { return alive_; }
    int descriptor() const { return *descriptor_; }

private:
    Descriptor descriptor_;
    bool alive_ = false;
};

bool ended(const Process& it) {
    return it.state == 'Z' || it.state == 'X';
}

std::string read_all(const std::string& path) {
    std::string text;
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return text;
    std::array<char, 1024> block;
    for (ssize_t n; (n = read(*file, block.data(), block.size())) > 0;)
        text.append(block.data(), static_cast<std::size_t>(n));
    return text;
}

std::vector<int> numbers_in_proc() {
    std::vector<int> numbers;
    const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
    if (!proc) return numbers;
    while (const dirent* entry = readdir(proc.get())) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        const std::string_view name = entry->d_name;
        std::from_chars(name.data(), name.data() + name.size(), numbers.emplace_back());
    }
    return numbers;
}

std::string read_stat(int pid) {
    return read_all(fmt::format("/proc/{}/stat", pid));
}

}  // namespace

// By the names of control groups, and not in their file system: where that is mounted, and what of it, differs.
std::string scope_of(int pid) {
    const std::string text = read_all(fmt::format("/proc/{}/cgroup", pid));
    constexpr std::string_view mark = "/chaos-run-", end = ".scope\n";
    const auto at = text.find(mark), to = text.find(end, at);
    if (at == std::string::npos || to == std::string::npos) return {};
    return text.substr(at + 1, to + end.size() - at - 2);
}

std::vector<Process> members_of(const std::string& scope) {
    std::vector<Process> members;
    for (const int pid : numbers_in_proc()) {
        if (read_all(fmt::format("/proc/{}/cgroup", pid)).find("/" + scope) == std::string::npos) continue;
        if (const auto it = process(pid)) members.push_back(*it);
    }
    return members;
}

std::optional<Process> process_from_stat(std::string_view text) {
    Process it;
    if (std::from_chars(text.data(), text.data() + text.size(), it.pid).ec != std::errc()) return std::nullopt;
    const auto name_end = text.rfind(')');  // the name may hold blanks and parentheses
    if (name_end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(name_end + 1);
    constexpr int state_field = 3, session_field = 6, started_field = 22;
    for (int field = state_field; field <= started_field; ++field) {
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        const auto word = text.substr(0, text.find(' '));
        if (word.empty()) return std::nullopt;
        if (field == state_field) it.state = word[0];
        if (field == session_field) std::from_chars(word.data(), word.data() + word.size(), it.session);
        if (field == started_field &&
            std::from_chars(word.data(), word.data() + word.size(), it.started).ec != std::errc())
            return std::nullopt;
        text.remove_prefix(word.size());
    }
    return it;
}

std::optional<Process> process(int pid) {
    auto it = process_from_stat(read_stat(pid));
    if (it && ended(*it)) return std::nullopt;
    return it;
}

namespace {

// One pass over /proc. `torn`: something ended between being listed and being read, and may have left a child that was
// not listed yet.
std::vector<Process> scan_session(const Process& leader, bool& torn) {
    std::vector<Process> found;
    for (const int pid : numbers_in_proc()) {
        const auto it = process_from_stat(read_stat(pid));
        const bool ours = it && (*it == leader || (it->session == leader.pid && it->started >= leader.started));
        if (!it || (ours && ended(*it)))
            torn = true;
        else if (ours)
            found.push_back(*it);
    }
    return found;
}

}  // namespace

std::vector<Process> session_of(const Process& leader) {
    constexpr int passes = 10;  // a zombie that nobody reaps looks torn each time
    for (int pass = 1;; ++pass) {
        bool torn = false;
        auto found = scan_session(leader, torn);
        if (!found.empty() || !torn || pass == passes) return found;
    }
}

bool wait_for_end(const std::vector<Process>& processes, int milliseconds) {
    using clock = std::chrono::steady_clock;
    const auto end = clock::now() + std::chrono::milliseconds(milliseconds);
    for (const Process& it : processes) {
        for (;;) {
            const ProcessDescriptor watched(it);
            if (!watched.alive()) break;
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now()).count();
            if (left <= 0) return false;
            // Kernels before 5.3 have nothing to wait on: there it is looked at ten times a second.
            constexpr std::int64_t look_again = 100;
            pollfd ready{watched.descriptor(), POLLIN, 0};
            const bool waits = watched.descriptor() >= 0;
            poll(waits ? &ready : nullptr, waits,
                 static_cast<int>(waits ? left : std::min<std::int64_t>(left, look_again)));
        }
    }
    return true;
}

void send(const std::vector<Process>& processes, int signal) {
    for (const Process& it : processes) {
        const ProcessDescriptor target(it);
        if (!target.alive()) continue;
        if (target.descriptor() >= 0)
            syscall(SYS_pidfd_send_signal, target.descriptor(), signal, nullptr, 0);
        else
            kill(it.pid, signal);
    }
}

}  // namespace chaos::rollback
