// SPDX-License-Identifier: Apache-2.0
//
// kill_at [-o FILE] N COMMAND...: runs a program and kills it, and nothing else, at the N-th syscall stop.
//
// One counter runs over all its threads and children; entry and exit of a syscall are two stops. Children are not
// killed: they go on, as they would after a `kill -9` or the OOM killer, and are no longer traced. With N = 0 nothing
// is killed and the number of stops is told, as the last line of stderr or in FILE.
//
// kill_at -e ERROR N COMMAND...: the N-th of those calls of the program that can end so (ENOSPC: what writes or makes
// names) does not happen and answers ERROR; all else goes on. With -E all of them from the N-th on: a disk that is full
// and stays so. Calls are counted, not stops, and only those of the program itself; the exit status is the program's.
//
// kill_at -x SCRIPT N COMMAND...: at the N-th stop a shell runs SCRIPT while the program stands still; then it goes on.
// The exit status is the program's.
//
// Exit status: 137 killed as asked; 125 the program ended before its N-th stop (so that a test of nothing fails); with
// N = 0 that of the program; 126 the helper itself failed.
//
// strace's `inject=all:signal=KILL:when=N` does not do this: its N counts per syscall number, and mostly never comes.

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace {

using Calls = std::vector<std::uint64_t>;

/// An error, and which calls can end so.
struct Fault {
    const char* name = nullptr;
    int error = 0;
    Calls calls{};
    bool lasts = false;
};

Calls operator+(Calls a, const Calls& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Fault fault_called(const std::string& name) {
    const Calls writing{SYS_write,     SYS_pwrite64, SYS_ftruncate, SYS_fsync,
                        SYS_fdatasync, SYS_syncfs,   SYS_fsetxattr, SYS_setxattr};
    const Calls naming{SYS_openat, SYS_openat2, SYS_mkdirat, SYS_renameat2, SYS_unlinkat, SYS_symlinkat, SYS_linkat};
    const Calls old_naming{
#ifdef SYS_mkdir
        SYS_mkdir, SYS_rename, SYS_unlink, SYS_rmdir, SYS_open,
#endif
    };
    const Calls owning{SYS_fchownat, SYS_fchmodat, SYS_fchmod, SYS_fchown, SYS_utimensat};
    const Calls reading{SYS_read, SYS_pread64, SYS_getdents64, SYS_statx, SYS_readlinkat};
    const Calls opening{SYS_openat, SYS_openat2, SYS_pipe2, SYS_socket, SYS_dup, SYS_fcntl, SYS_epoll_create1};
    const Calls allocating{SYS_mmap, SYS_brk, SYS_clone, SYS_openat, SYS_openat2, SYS_read, SYS_write};
    if (name == "ENOSPC") return {"ENOSPC", ENOSPC, writing + naming + old_naming};
    if (name == "EIO") return {"EIO", EIO, writing + naming + old_naming + owning + reading};
    if (name == "EROFS") return {"EROFS", EROFS, writing + naming + old_naming + owning};
    if (name == "EMFILE") return {"EMFILE", EMFILE, opening};
    if (name == "ENOMEM") return {"ENOMEM", ENOMEM, allocating};
    return {};
}

constexpr int ended_early = 125, helper_failed = 126, killed_as_asked = 137;

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "kill_at: %s: %s\n", what, std::strerror(errno));
    _exit(helper_failed);
}

long trace(__ptrace_request request, pid_t thread, std::uintptr_t data = 0) {
    return ptrace(request, thread, nullptr, data);
}

/// The process a thread belongs to; 0 where it is gone already.
pid_t process_of(pid_t thread) {
    char path[64], line[128];
    std::snprintf(path, sizeof path, "/proc/%d/status", thread);
    std::FILE* file = std::fopen(path, "re");
    if (file == nullptr) return 0;
    int process = 0;
    while (std::fgets(line, sizeof line, file) != nullptr)
        if (std::sscanf(line, "Tgid: %d", &process) == 1) break;
    std::fclose(file);
    return process;
}

/// Tracer and traced on one processor: seven times as many stops a second as with a wake-up across two. Runs of
/// different N go to different processors. Returns what was allowed before.
cpu_set_t share_processor(std::uint64_t target) {
    cpu_set_t allowed, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) fail("sched_getaffinity");
    auto skip = target % static_cast<std::uint64_t>(CPU_COUNT(&allowed));
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &allowed) && skip-- == 0) {
            CPU_SET(cpu, &one);
            break;
        }
    if (sched_setaffinity(0, sizeof one, &one) != 0) fail("sched_setaffinity");
    return allowed;
}

/// Starts the command and returns once it is traced; it waits for `gate` to close before it execs.
pid_t start(char** command) {
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) != 0) fail("pipe");
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        char byte = 0;
        close(gate[1]);
        while (read(gate[0], &byte, 1) < 0 && errno == EINTR) continue;
        execvp(command[0], command);
        std::fprintf(stderr, "kill_at: %s: %s\n", command[0], std::strerror(errno));
        _exit(helper_failed);
    }
    constexpr std::uintptr_t options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                                       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (trace(PTRACE_SEIZE, child, options) != 0) fail("PTRACE_SEIZE");
    close(gate[0]);
    close(gate[1]);
    return child;
}

/// At the entry of a call: it is not to happen. At its exit: this is its answer.
void skip_call(pid_t thread) {
#if defined(__x86_64__)
    if (ptrace(PTRACE_POKEUSER, thread, offsetof(user_regs_struct, orig_rax), -1L) != 0) fail("PTRACE_POKEUSER");
#else
    (void)thread, errno = ENOSYS, fail("a call can be made to fail on x86-64 only, not here");
#endif
}
void answer(pid_t thread, long value) {
#if defined(__x86_64__)
    if (ptrace(PTRACE_POKEUSER, thread, offsetof(user_regs_struct, rax), value) != 0) fail("PTRACE_POKEUSER");
#else
    (void)thread, (void)value;
#endif
}

class Sweep {
public:
    Sweep(pid_t program, std::uint64_t target, cpu_set_t processors, Fault fault, const char* script)
        : program_(program), target_(target), processors_(processors), script_(script), fault_(std::move(fault)) {}

    /// Until the program is gone and every child of it is let go.
    void run() {
        for (;;) {
            int status = 0;
            const pid_t thread = waitpid(-1, &status, __WALL);
            if (thread < 0 && errno == EINTR) continue;
            if (thread < 0) return;  // ECHILD: nobody is traced any more
            if (WIFSTOPPED(status))
                stopped(thread, status);
            else
                gone(thread, status);
        }
    }

    std::uint64_t stops() const { return stops_; }
    bool killed() const { return killed_; }
    int status() const { return status_; }
    const std::string& place() const { return place_; }

private:
    void stopped(pid_t thread, int status) {
        const int signal = WSTOPSIG(status), event = status >> 16;
        const auto [entry, fresh] = threads_.try_emplace(thread, 0);
        if (fresh) entry->second = process_of(thread);
        const bool ours = entry->second == program_;

        if (event == PTRACE_EVENT_EXEC && thread == program_) counting_ = true;
        const bool at_syscall = signal == (SIGTRAP | 0x80);
        if (fault_.name) {
            if (at_syscall && counting_ && ours) at_call(thread);
        } else if (at_syscall && counting_ && !ending_ && ++stops_ == target_) {
            script_ ? run_script() : kill_program(thread);
        }

        const int pass = event != 0 || at_syscall ? 0 : signal;
        if (ending_ && !ours) {
            sched_setaffinity(thread, sizeof processors_, &processors_);
            trace(PTRACE_DETACH, thread, static_cast<std::uintptr_t>(pass));
            threads_.erase(thread);
        } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP && !ending_) {
            trace(PTRACE_LISTEN, thread);  // a group-stop: stays stopped until SIGCONT
        } else {
            trace(PTRACE_SYSCALL, thread, static_cast<std::uintptr_t>(pass));
        }
    }

    void gone(pid_t thread, int status) {
        threads_.erase(thread);
        if (thread != program_ || ending_) {
            if (thread == program_) status_ = status;
            return;
        }
        status_ = status;
        let_children_go();
    }

    void at_call(pid_t thread) {
        if (skipped_.erase(thread)) return answer(thread, -fault_.error);
        struct __ptrace_syscall_info info {};
        if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return;
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return;
        if (std::find(fault_.calls.begin(), fault_.calls.end(), info.entry.nr) == fault_.calls.end()) return;
        ++stops_;
        if (target_ == 0 || stops_ < target_ || (stops_ > target_ && !fault_.lasts)) return;
        if (place_.empty()) place_ = std::string(fault_.name) + " of syscall " + std::to_string(info.entry.nr);
        skip_call(thread);
        skipped_.insert(thread);
    }

    void run_script() {
        const pid_t shell = fork();
        if (shell < 0) fail("fork");
        if (shell == 0) {
            execl("/bin/sh", "sh", "-c", script_, nullptr);
            _exit(helper_failed);
        }
        int status = 0;
        while (waitpid(shell, &status, 0) < 0 && errno == EINTR) continue;
        if (status != 0) errno = 0, fail("the script did not end well");
    }

    void kill_program(pid_t thread) {
        killed_ = true;
        struct __ptrace_syscall_info info {};
        if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) > 0) {
            const bool entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
            place_ = entry ? "entry of syscall " + std::to_string(info.entry.nr) : "exit of a syscall";
        }
        if (kill(program_, SIGKILL) != 0) fail("kill");
        let_children_go();
    }

    /// A detach needs a stopped thread: those that run are interrupted and let go at the stop that follows.
    void let_children_go() {
        ending_ = true;
        for (const auto& [thread, process] : threads_)
            if (process != program_) trace(PTRACE_INTERRUPT, thread);
    }

    pid_t program_;
    std::uint64_t target_, stops_ = 0;
    cpu_set_t processors_;
    bool counting_ = false, ending_ = false, killed_ = false;
    int status_ = 0;
    const char* script_;
    Fault fault_;
    std::string place_;
    std::unordered_set<pid_t> skipped_;         // threads in a call that is not to happen
    std::unordered_map<pid_t, pid_t> threads_;  // thread -> process
};

void tell(const char* file, const std::string& text) {
    if (file == nullptr) {
        std::fprintf(stderr, "%s\n", text.c_str());
        return;
    }
    std::FILE* out = std::fopen(file, "we");
    if (out == nullptr || std::fprintf(out, "%s\n", text.c_str()) < 0 || std::fclose(out) != 0) fail(file);
}

int status_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int main(int argc, char** argv) {
    const char *file = nullptr, *script = nullptr;
    Fault fault;
    int next = 1;
    bool wrong = false;
    for (; next + 1 < argc && argv[next][0] == '-'; next += 2) {
        const std::string option = argv[next];
        if (option == "-o") {
            file = argv[next + 1];
        } else if (option == "-x") {
            script = argv[next + 1];
        } else {
            fault = fault_called(argv[next + 1]);
            fault.lasts = option == "-E";
            wrong |= !fault.name || (option != "-e" && option != "-E");
        }
    }
    char* end = nullptr;
    const std::uint64_t target = next < argc ? std::strtoull(argv[next], &end, 10) : 0;
    if (wrong || next + 1 >= argc || end == argv[next] || *end != '\0') {
        std::fprintf(stderr, "usage: kill_at [-o FILE] [-e|-E ERROR] [-x SCRIPT] N COMMAND...\n");
        return helper_failed;
    }
    const cpu_set_t processors = share_processor(target);
    const bool faults = fault.name != nullptr;
    Sweep sweep(start(argv + next + 1), target, processors, std::move(fault), script);
    sweep.run();
    if (target == 0) {
        tell(file, std::to_string(sweep.stops()));
        return status_of(sweep.status());
    }
    if (faults || script) {
        if (sweep.stops() < target) return ended_early;
        if (file != nullptr) tell(file, std::to_string(target) + " " + sweep.place());
        return status_of(sweep.status());
    }
    if (!sweep.killed()) {
        std::fprintf(stderr, "kill_at: the program ended after %llu stops, before stop %llu\n",
                     static_cast<unsigned long long>(sweep.stops()), static_cast<unsigned long long>(target));
        return ended_early;
    }
    if (file != nullptr) tell(file, std::to_string(target) + " " + sweep.place());
    return WIFSIGNALED(sweep.status()) && WTERMSIG(sweep.status()) == SIGKILL ? killed_as_asked : ended_early;
}
