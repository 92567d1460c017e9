// SPDX-License-Identifier: Apache-2.0
#include "lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <optional>

#include "processes.hpp"
#include "state_directory.hpp"

namespace chaos::rollback {
namespace {

// The lock file has one line for each of these, its fields with a tab between them:
//   holder  BOOT  PID  STARTED  SINCE  WHO  ARGV      who holds, or last held, the lock; the last one counts
//   child   BOOT  PID  STARTED  ARGV  SCOPE           a fence: a session, and the scope that systemd made, if it did
//   ended   PID                                       it is lifted
// It need not be synced: what a power cut could lose is of a boot that is over. A line that was cut says nothing.
struct Holder {
    std::string boot;
    Process process;
    std::int64_t since = 0;
    std::string who, argv;
};

struct Child {
    std::string boot;
    Process process;
    std::string argv, scope;
};

struct Notes {
    std::optional<Holder> holder;
    std::vector<Child> children;
};

std::string one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    while (text.ends_with(' ')) text.pop_back();
    return text;
}

std::string shortened(const std::string& text) {
    constexpr std::size_t most = 72;
    return text.size() <= most ? text : text.substr(0, most) + "...";
}

template <class Number>
void read_number(const std::string& text, Number& number) {
    number = static_cast<Number>(std::strtoll(text.c_str(), nullptr, 10));
}

Notes parse(const std::string& text) {
    Notes notes;
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
        std::vector<std::string> fields(1);
        for (const char c : text.substr(at, end - at)) {
            if (c == '\t')
                fields.emplace_back();
            else
                fields.back() += c;
        }
        if (fields[0] == "holder" && fields.size() == 7) {
            Holder holder{fields[1], {}, 0, fields[5], fields[6]};
            read_number(fields[2], holder.process.pid);
            read_number(fields[3], holder.process.started);
            read_number(fields[4], holder.since);
            notes.holder = std::move(holder);
        } else if (fields[0] == "child" && fields.size() == 6) {
            Child child{fields[1], {}, fields[4], fields[5]};
            read_number(fields[2], child.process.pid);
            read_number(fields[3], child.process.started);
            notes.children.push_back(std::move(child));
        } else if (fields[0] == "ended" && fields.size() == 2) {
            int pid = 0;
            read_number(fields[1], pid);
            std::erase_if(notes.children, [&](const Child& child) { return child.process.pid == pid; });
        }
    }
    return notes;
}

// Process numbers mean something only within one boot and one pid namespace.
std::string here() {
    std::array<char, 64> space{};
    const ssize_t n = readlink("/proc/self/ns/pid", space.data(), space.size());
    return boot_id() + " " + std::string(space.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
}

std::string own_argv() {
    std::string argv = read_file("/proc/self/cmdline");
    while (argv.ends_with('\0')) argv.pop_back();
    std::replace(argv.begin(), argv.end(), '\0', ' ');
    const auto slash = argv.rfind('/', argv.find(' '));
    return one_line(slash == std::string::npos ? argv : argv.substr(slash + 1));
}

std::string own_name() {
    if (const char* behind = std::getenv("SUDO_USER"); behind && *behind) return one_line(behind);
    std::array<char, 4096> room;
    passwd entry{}, *found = nullptr;
    if (getpwuid_r(getuid(), &entry, room.data(), room.size(), &found) == 0 && found) return one_line(found->pw_name);
    return fmt::format("user {}", getuid());
}

std::string in_words(const Holder& holder) {
    const std::int64_t age = std::max<std::int64_t>(0, std::time(nullptr) - holder.since);
    const auto since = age < 60     ? fmt::format("{} s", age)
                       : age < 7200 ? fmt::format("{} min", age / 60)
                                    : fmt::format("{} h", age / 3600);
    return fmt::format("{} (pid {}, since {}, by {})", shortened(holder.argv), holder.process.pid, since, holder.who);
}

Busy busy(const Notes& notes) {
    Busy error(notes.holder ? fmt::format("another run is at work: {}", in_words(*notes.holder))
                            : std::string("another run is at work"));
    error.hint = "wait until it has ended, then try again; chaos history shows it";
    return error;
}

std::string names(const std::vector<Process>& processes) {
    std::string text;
    for (const Process& it : processes)
        text += fmt::format("{}pid {}{}", text.empty() ? "" : ", ", it.pid, it.state == 'D' ? " (state D)" : "");
    return text;
}

/// What is left of it: its session, and whoever else is in its scope (a child that made a session of its own).
std::vector<Process> left_of(const Child& child) {
    auto living = session_of(child.process);
    if (child.scope.empty()) return living;
    for (const Process& member : members_of(child.scope))
        if (std::find(living.begin(), living.end(), member) == living.end()) living.push_back(member);
    return living;
}

/// Until no process of it is left: those that are waited for may start others.
bool outlast(const Child& child, int milliseconds) {
    using clock = std::chrono::steady_clock;
    const auto end = clock::now() + std::chrono::milliseconds(milliseconds);
    for (;;) {
        const auto living = left_of(child);
        if (living.empty()) return true;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now()).count();
        if (left <= 0 || !wait_for_end(living, static_cast<int>(left))) return left_of(child).empty();
    }
}

void wait_out(const Child& child, Reporter& reporter, int patience_s, int grace_s) {
    auto living = left_of(child);
    if (living.empty()) return;
    const auto name = fmt::format("{} ({})", shortened(child.argv), names(living));
    if (getsid(0) == child.process.pid)
        throw Busy("this chaos was started by a command of a run that was cut, and which has to end first: " + name);
    reporter.says(fmt::format("waiting for {}, which the last run began before it was cut", name));
    if (outlast(child, patience_s * 1000)) return;
    reporter.says(fmt::format("{} has not ended in {} s: asking it to (SIGTERM)", name, patience_s));
    send(left_of(child), SIGTERM);
    if (outlast(child, grace_s * 1000)) return;
    reporter.says(fmt::format("{} has not ended {} s after SIGTERM: killing it", name, grace_s));
    constexpr int last_wait_ms = 10'000;
    for (int attempt = 0; attempt < 2; ++attempt) {  // twice: it may have forked while the first went round
        send(left_of(child), SIGKILL);
        if (outlast(child, last_wait_ms)) return;
    }
    living = left_of(child);
    throw Error(
        fmt::format("{} can not be killed: {}; as long as it may change the host, no run is begun or taken back",
                    shortened(child.argv), names(living)))
        .help(fmt::format("ps -o pid,stat,wchan,args -p {}; then try again, or reboot",
                          living.empty() ? 0 : living[0].pid));
}

}  // namespace

std::string boot_id() {
    return one_line(read_file("/proc/sys/kernel/random/boot_id"));
}

Lock::Lock(const std::string& state_directory, Reporter& reporter, int patience_s, int grace_s)
    : path_(state_directory + "/lock") {
    durable::make_directory(state_directory);
    try {
        struct stat held {
        }, named{};
        do {  // again where somebody took the file away between opening and locking it
            durable::trusted(path_, false);
            if (descriptor_ >= 0) close(descriptor_);
            descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
            if (descriptor_ < 0) fail_on("can not open", path_);
            if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
                if (errno != EWOULDBLOCK) fail_on("can not lock", path_);
                throw busy(parse(read_file(path_)));
            }
            if (fstat(descriptor_, &held) != 0) fail_on("can not look at", path_);
        } while (lstat(path_.c_str(), &named) != 0 || held.st_ino != named.st_ino || held.st_dev != named.st_dev);

        const auto self = process(getpid());
        const auto place = here();
        const auto line = fmt::format("holder\t{}\t{}\t{}\t{}\t{}\t{}\n", place, getpid(), self ? self->started : 0,
                                      std::time(nullptr), own_name(), own_argv());
        const auto left = parse(read_file(path_));
        append(line);  // said before the wait; the fences stay until they are empty
        for (const Child& child : left.children)
            if (child.boot == place) wait_out(child, reporter, patience_s, grace_s);
        if (ftruncate(descriptor_, 0) != 0) fail_on("can not write", path_);
        append(line);
        head_ = static_cast<std::int64_t>(line.size());
    } catch (...) {
        if (descriptor_ >= 0) close(descriptor_);
        throw;
    }
}

Lock::~Lock() {
    // A fence that was not lifted stays for whoever comes next.
    if (fenced_.empty() && ftruncate(descriptor_, 0) != 0) errno = 0;  // a stale line names a process that is gone
    close(descriptor_);
}

void Lock::append(const std::string& line) {
    ssize_t n = 0;
    do n = write(descriptor_, line.data(), line.size());
    while (n < 0 && errno == EINTR);
    if (n != static_cast<ssize_t>(line.size())) fail_on("can not write", path_);
}

void Lock::fence(int pid, const std::string& argv) {
    const std::scoped_lock guard(mutex_);
    const auto child = process(pid);
    if (!child) return;  // it has ended already
    append(fmt::format("child\t{}\t{}\t{}\t{}\t{}\n", here(), pid, child->started, one_line(argv), scope_of(pid)));
    fenced_.push_back(pid);
}

void Lock::lift(int pid) {
    const std::scoped_lock guard(mutex_);
    if (std::erase(fenced_, pid) == 0) return;
    if (!fenced_.empty()) return append(fmt::format("ended\t{}\n", pid));
    if (ftruncate(descriptor_, head_) != 0) fail_on("can not write", path_);
}

std::optional<Process> holder_process(const std::string& state_directory) {
    const auto path = state_directory + "/lock";
    if (access(path.c_str(), R_OK) != 0) return std::nullopt;
    const auto notes = parse(read_file(path));
    if (!notes.holder || notes.holder->boot != here() || notes.holder->process.pid == getpid()) return std::nullopt;
    auto now = process(notes.holder->process.pid);
    return now && *now == notes.holder->process ? now : std::nullopt;
}

std::string holder_of(const std::string& state_directory) {
    const auto path = state_directory + "/lock";
    if (access(path.c_str(), R_OK) != 0) return {};
    const auto notes = parse(read_file(path));
    if (!notes.holder || notes.holder->boot != here()) return {};
    const auto now = process(notes.holder->process.pid);
    return now && *now == notes.holder->process ? in_words(*notes.holder) : std::string();
}

}  // namespace chaos::rollback
