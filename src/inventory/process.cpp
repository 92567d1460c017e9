// SPDX-License-Identifier: Apache-2.0
#include <chaos/process.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <chaos/root_host.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>

#include "descriptor.hpp"
#include "landlock.hpp"
#include "passwd.hpp"

namespace chaos {
namespace {

constexpr std::string_view search[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};
constexpr std::size_t kept = 1 << 20;
constexpr std::size_t answer = 128 << 20;  ///< Of who is asked, the whole is wanted: a list of packages has 60 MB.
constexpr int patience_ms = 10'000;

std::int64_t now_ms() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1'000'000;
}

Error cannot_start(const Command& command, std::string_view why) {
    return Error(fmt::format("can not run {}: {}", command.argv.empty() ? "nothing" : command.argv[0], why));
}

struct Pipe {
    Descriptor read, write;
};

Pipe make_pipe(const Command& command) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) throw cannot_start(command, std::strerror(errno));
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// Standard input as a file in memory: whoever does not read it breaks no pipe of ours.
Descriptor input_of(const Command& command) {
    if (command.input.empty()) return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    Descriptor file(::memfd_create("chaos-input", MFD_CLOEXEC));
    for (std::size_t done = 0; file && done < command.input.size();) {
        const ssize_t put = ::write(file.number(), command.input.data() + done, command.input.size() - done);
        if (put < 0 && errno != EINTR) return {};
        if (put > 0) done += static_cast<std::size_t>(put);
    }
    ::lseek(file.number(), 0, SEEK_SET);
    return file;
}

std::vector<std::string> environment_of(const Command& command, const std::optional<Login>& login) {
    std::string path = "PATH=";
    for (const std::string_view each : search) path.append(path.back() == '=' ? "" : ":").append(each);
    std::vector<std::string> environment{"LC_ALL=C", std::move(path)};
    if (login) {
        environment.push_back("HOME=" + login->home);
        environment.push_back("USER=" + login->name);
        environment.push_back("LOGNAME=" + login->name);
    }
    for (const std::string& each : command.environment) {
        const std::string_view name = std::string_view(each).substr(0, each.find('=') + 1);
        std::erase_if(environment, [&](const std::string& known) { return known.starts_with(name); });
        environment.push_back(each);
    }
    return environment;
}

std::vector<std::string> candidates_of(const Command& command, const std::vector<std::string>& environment) {
    const std::string& name = command.argv[0];
    if (name.find('/') != name.npos) return {name};
    std::vector<std::string> candidates;
    for (const std::string& each : environment) {
        if (!each.starts_with("PATH=")) continue;
        for (std::string_view rest = std::string_view(each).substr(5); !rest.empty();) {
            const std::size_t end = std::min(rest.find(':'), rest.size());
            if (end > 0) candidates.push_back(fmt::format("{}/{}", rest.substr(0, end), name));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    return candidates;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

/// What a forked child does until it is the command: system calls on what was made ready before, since another thread
/// may have held any lock when it was forked.
struct Start {
    int input, out, err, gate, failure;
    const char* root;  ///< Null: no chroot.
    const char* directory;
    const Login* login;
    bool looking;
    const Command* veiled;  ///< Null: no files of its own.
    std::vector<std::string> candidates;
    std::vector<char*> argv, environment;

    struct Failure {
        int error;
        char where;
    };

    [[noreturn]] void fail(char where) const {
        const Failure what{errno, where};
        if (::write(failure, &what, sizeof what) < 0) ::_exit(126);
        ::_exit(127);
    }

    void reset_signals() const {
        struct sigaction action {};
        action.sa_handler = SIG_DFL;
        for (int each = 1; each < NSIG; ++each) ::sigaction(each, &action, nullptr);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
    }

    /// In a namespace of its own, from which nothing gets out; what others mount still comes in.
    void leave_the_others() const {
        if (::unshare(CLONE_NEWNS) < 0 || ::mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0) fail('m');
    }

    /// In the root by now: paths are its own.
    void put_own_files() const {
        constexpr mode_t executable = 0755;
        const char* veil = veiled->veil.c_str();
        if (::mount("chaos", veil, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m") < 0) fail('m');
        const int place = ::open(veil, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (place < 0 || ::fchdir(place) < 0) fail('m');
        for (const Command::Own& own : veiled->own) {
            const int file = ::open(own.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, executable);
            const auto size = static_cast<ssize_t>(own.text.size());
            if (file < 0 || ::write(file, own.text.data(), own.text.size()) != size || ::close(file) < 0) fail('m');
            if (!own.over.empty() && ::mount(own.name.c_str(), own.over.c_str(), nullptr, MS_BIND, nullptr) < 0)
                fail('m');
        }
        ::mount(nullptr, veil, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr);
    }

    [[noreturn]] void become() const {
        ::setsid();
        reset_signals();
        ::umask(022);
        if (looking) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // The gate: one byte opens it; its end means that chaos is gone, and nobody knows of this child.
        char go = 0;
        ssize_t got = 0;
        while ((got = ::read(gate, &go, 1)) < 0 && errno == EINTR) {
        }
        if (got != 1) ::_exit(0);

        if (::dup2(input, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) fail('d');
        if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0) fail('d');
        if (veiled) leave_the_others();
        if (root && (::chroot(root) < 0 || ::chdir("/") < 0)) fail('r');
        if (veiled) put_own_files();
        if (looking) landlock_forbid_writes();
        if (login) {
            if (::setgroups(login->groups.size(), login->groups.data()) < 0 || ::setgid(login->gid) < 0 ||
                ::setuid(login->uid) < 0)
                fail('u');
            if (looking) ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // changing the user took it away
        }
        if (::chdir(directory) < 0) fail('c');
        int reason = ENOENT;
        for (const std::string& each : candidates) {
            ::execve(each.c_str(), argv.data(), environment.data());
            if (errno != ENOENT && errno != ENOTDIR) reason = errno;
            if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
        }
        errno = reason;
        fail('e');
    }
};

/// Keeps the end of what comes. Answers false when no more will.
bool take(const Descriptor& from, std::string& into, std::size_t most) {
    std::array<char, 65536> buffer;
    for (;;) {
        const ssize_t got = ::read(from.number(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN;
        if (got == 0) return false;
        into.append(buffer.data(), static_cast<std::size_t>(got));
        if (into.size() >= 2 * most) into.erase(0, into.size() - most);
    }
}

void keep_end(std::string& text, std::size_t most) {
    if (text.size() > most) text.erase(0, text.size() - most);
}

/// Every process of a session, by the sixth field of /proc/PID/stat.
void kill_session(int leader, int signal) {
    const RootHost host("/");
    for (const std::string& name : host.list("/proc")) {
        int pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc() || end != name.data() + name.size()) continue;
        std::string stat;
        try {
            host.look("/proc/" + name + "/stat", &stat);
        } catch (const Error&) {
            continue;  // ended meanwhile
        }
        const std::size_t after = stat.rfind(')');
        int parent = 0, group = 0, session = 0;
        if (after != stat.npos &&
            std::sscanf(stat.c_str() + after + 1, " %*c %d %d %d", &parent, &group, &session) == 3 && session == leader)
            ::kill(pid, signal);
    }
}

}  // namespace

struct Child::Parts {
    std::size_t most = kept;  ///< Of standard output.
    Command command;
    int pid = -1;
    bool ended = false;
    int status = 0;
    Descriptor process, gate, out, err, failure;

    bool end_within(int ms);  ///< Waits for the end alone; negative: for ever.
    void reap();
};

void Child::Parts::reap() {
    if (ended) return;
    int how = 0;
    while (::waitpid(pid, &how, 0) < 0) {
        if (errno != EINTR) break;
    }
    ended = true;
    status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
}

bool Child::Parts::end_within(int ms) {
    const std::int64_t until = now_ms() + ms;
    for (;;) {
        pollfd wanted{process.number(), POLLIN, 0};
        const int left = ms < 0 ? -1 : static_cast<int>(std::max<std::int64_t>(0, until - now_ms()));
        const int ready = ::poll(&wanted, 1, left);
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR) return true;
    }
}

Child::Child(const Command& command, const std::string& root, Held held) : parts_(std::make_unique<Parts>()) {
    if (held == Held::to_looking) parts_->most = answer;
    if (command.argv.empty() || command.argv[0].empty()) throw cannot_start(command, "there is no command");
    std::optional<Login> login;
    if (!command.user.empty()) login = login_of(RootHost(root), command.user);
    const std::vector<std::string> environment = environment_of(command, login);

    const Descriptor input = input_of(command);
    if (!input) throw cannot_start(command, std::strerror(errno));
    Pipe gate = make_pipe(command), out = make_pipe(command), err = make_pipe(command), failure = make_pipe(command);

    const Start start{input.number(),
                      out.write.number(),
                      err.write.number(),
                      gate.read.number(),
                      failure.write.number(),
                      root == "/" ? nullptr : root.c_str(),
                      command.directory.empty() ? "/" : command.directory.c_str(),
                      login ? &*login : nullptr,
                      held == Held::to_looking,
                      command.own.empty() || held == Held::to_looking ? nullptr : &command,
                      candidates_of(command, environment),
                      pointers(command.argv),
                      pointers(environment)};
    // All signals wait while there are two of us: a handler of ours must not run in the child.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const int writing_end = gate.write.number();
    const int pid = ::fork();
    if (pid == 0) {
        ::close(writing_end);  // or the gate would never end
        start.become();
    }
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) throw cannot_start(command, std::strerror(error));

    parts_->pid = pid;
    parts_->process = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!parts_->process) {
        gate.write.close();
        parts_->reap();
        throw cannot_start(command, std::strerror(errno));
    }
    parts_->command = command;
    parts_->command.input.clear();
    parts_->command.own.clear();
    parts_->gate = std::move(gate.write);
    parts_->out = std::move(out.read);
    parts_->err = std::move(err.read);
    parts_->failure = std::move(failure.read);
    for (const Descriptor* each : {&parts_->out, &parts_->err}) ::fcntl(each->number(), F_SETFL, O_NONBLOCK);
}

Child::~Child() {
    if (parts_->ended) return;
    parts_->gate.close();
    ::kill(-parts_->pid, SIGKILL);
    ::kill(parts_->pid, SIGKILL);
    parts_->reap();
}

int Child::pid() const {
    return parts_->pid;
}

void Child::release() {
    if (!parts_->gate) return;
    const char go = 1;
    // The reading end is the child's: where it is gone already, wait() says so. No signal: it has one byte of room.
    sigset_t pipe, before;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    if (::write(parts_->gate.number(), &go, 1) < 0 && errno == EPIPE) {
        const timespec none{};
        ::sigtimedwait(&pipe, nullptr, &none);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    parts_->gate.close();
}

Output Child::wait() {
    release();
    Parts& parts = *parts_;
    Output output;
    const int timeout = parts.command.timeout_s;
    const std::int64_t until = timeout > 0 ? now_ms() + timeout * 1000LL : 0;
    bool late = false;
    bool more_out = true, more_err = true;
    for (bool running = true; running;) {
        std::array<pollfd, 3> wanted{pollfd{parts.process.number(), POLLIN, 0},
                                     pollfd{more_out ? parts.out.number() : -1, POLLIN, 0},
                                     pollfd{more_err ? parts.err.number() : -1, POLLIN, 0}};
        const int left = timeout > 0 ? static_cast<int>(std::max<std::int64_t>(0, until - now_ms())) : -1;
        const int ready = ::poll(wanted.data(), wanted.size(), left);
        if (ready < 0 && errno != EINTR) throw cannot_start(parts.command, std::strerror(errno));
        if (ready == 0) {
            late = true;
            stop();
            break;
        }
        if (ready < 0) continue;
        running = !wanted[0].revents;
        if (wanted[1].revents || !running) more_out = more_out && take(parts.out, output.out, parts.most);
        if (wanted[2].revents || !running) more_err = more_err && take(parts.err, output.err, kept);
    }
    parts.reap();
    if (late) {
        take(parts.out, output.out, parts.most);
        take(parts.err, output.err, kept);
    }
    keep_end(output.out, parts.most);
    keep_end(output.err, kept);
    output.status = parts.status;

    Start::Failure failure{};
    if (::read(parts.failure.number(), &failure, sizeof failure) == sizeof failure) {
        const char* why = std::strerror(failure.error);
        switch (failure.where) {
            case 'r': throw cannot_start(parts.command, fmt::format("can not enter the root: {}", why));
            case 'm': throw NoNamespace(fmt::format("no mount namespace for {}: {}", parts.command.argv[0], why));
            case 'u': throw cannot_start(parts.command, fmt::format("can not become {}: {}", parts.command.user, why));
            case 'c': throw cannot_start(parts.command, fmt::format("{}: {}", parts.command.directory, why));
            default: throw cannot_start(parts.command, failure.error == ENOENT ? "no such command" : why);
        }
    }
    if (late) {
        Error error = failed(parts.command, output);
        throw Error(fmt::format("{} ran longer than {} s and was stopped", parts.command.argv[0], timeout))
            .help("give it a longer timeout, or find out what it waits for: " + std::string(error.what()));
    }
    return output;
}

void Child::stop() {
    if (parts_->ended) return;
    const int pid = parts_->pid;
    parts_->gate.close();
    ::kill(-pid, SIGTERM);
    if (!parts_->end_within(patience_ms)) {
        // Its children may lead groups of their own; the session they can not leave but by leading another.
        kill_session(pid, SIGKILL);
        ::kill(pid, SIGKILL);
        parts_->end_within(-1);
    }
    kill_session(pid, SIGKILL);
    parts_->reap();
}

Error failed(const Command& command, const Output& output) {
    std::string text = fmt::format("{} ended with status {}", fmt::join(command.argv, " "), output.status);
    std::string_view tail = output.err;
    while (!tail.empty() && (tail.back() == '\n' || tail.back() == ' ')) tail.remove_suffix(1);
    constexpr std::size_t most = 2000;
    if (tail.size() > most) {
        tail.remove_prefix(tail.size() - most);
        tail.remove_prefix(std::min(tail.find('\n') + 1, tail.size()));
    }
    if (!tail.empty()) text.append(": ").append(tail);
    return Error(text);
}

std::vector<std::string> own_command() {
    // LOADER --library-path DIRECTORY PROGRAM: src/rollback/expiry.cpp writes such a line.
    std::array<char, 4096> exe{}, line{};
    const ssize_t length = ::readlink("/proc/self/exe", exe.data(), exe.size());
    const std::string_view program(exe.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    if (!program.ends_with("/window/loader")) return {"/proc/self/exe"};
    const Descriptor file(::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
    const ssize_t got = file ? ::read(file.number(), line.data(), line.size()) : 0;
    std::string_view rest(line.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    std::vector<std::string> words;
    while (words.size() < 4 && !rest.empty()) {
        words.emplace_back(rest.substr(0, rest.find('\0')));
        rest.remove_prefix(std::min(rest.size(), words.back().size() + 1));
    }
    return words;
}

}  // namespace chaos
