// SPDX-License-Identifier: Apache-2.0
#include "rollback/lock.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <functional>
#include <utility>

#include "rollback/processes.hpp"
#include "scratch.hpp"

using namespace chaos;
using namespace chaos::rollback;
using doctest::Contains;

namespace {

/// Remembers what is said, and calls back at the first word: the moment a wait begins.
class Listener final : public Reporter {
public:
    void says(const std::string& line) override {
        said += line + "\n";
        if (at_first) std::exchange(at_first, nullptr)();
    }
    std::string said;
    std::function<void()> at_first;
};

class Pipe {
public:
    Pipe() { REQUIRE(pipe2(ends_, O_CLOEXEC) == 0); }
    ~Pipe() { shut_reader(), shut_writer(); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void shut_reader() { shut(ends_[0]); }
    void shut_writer() { shut(ends_[1]); }
    template <class T>
    T read() {
        T it{};
        REQUIRE(::read(ends_[0], &it, sizeof it) == sizeof it);
        return it;
    }
    template <class T>
    void write(T it) const {
        if (::write(ends_[1], &it, sizeof it) != sizeof it) _exit(9);
    }
    bool wait_end() const {  // until nobody holds the other end
        char it = 0;
        return ::read(ends_[0], &it, 1) == 0;
    }

private:
    static void shut(int& end) {
        if (end >= 0) close(std::exchange(end, -1));
    }
    int ends_[2] = {-1, -1};
};

/// What exec does to the lock's descriptor in the programs that a run starts.
void forget_lock(const std::string& state) {
    struct stat lock {
    }, it{};
    if (stat((state + "/lock").c_str(), &lock) != 0) _exit(9);
    for (int descriptor = 3; descriptor < 256; ++descriptor)
        if (fstat(descriptor, &it) == 0 && it.st_ino == lock.st_ino && it.st_dev == lock.st_dev) close(descriptor);
}

/// A holder of the lock that fences one child and is then killed, as by kill -9: the child goes on.
class KilledHolder {
public:
    /// `stubborn`: the child ignores SIGTERM. `forks`: the child's own child holds on, the child itself ends.
    explicit KilledHolder(const std::string& state, bool stubborn = false, bool forks = false) {
        Pipe told;
        const pid_t holder = fork();
        if (holder == 0) {
            try {
                Reporter quiet;
                Lock lock(state, quiet);
                Pipe ready;
                const pid_t child = fork();
                if (child == 0) {
                    setsid();
                    signal(SIGTERM, stubborn ? SIG_IGN : SIG_DFL);  // doctest has its own
                    forget_lock(state);
                    ready.write('r');
                    hold_on_.shut_writer();
                    release_.shut_writer();
                    release_.wait_end();  // holds on until told
                    if (forks && fork() != 0) _exit(0);
                    hold_on_.wait_end();
                    _exit(0);
                }
                ready.read<char>();
                lock.fence(child, "apt-get install nginx");
                told.write(child);
                for (;;) pause();
            } catch (...) {
            }
            _exit(9);
        }
        child_ = told.read<pid_t>();
        if (forks) release_.shut_writer();
        REQUIRE(kill(holder, SIGKILL) == 0);
        REQUIRE(waitpid(holder, nullptr, 0) == holder);
    }
    ~KilledHolder() {
        if (const auto left = process(child_)) kill(child_, SIGKILL);
    }
    void let_child_end() {
        release_.shut_writer();
        hold_on_.shut_writer();
    }
    pid_t child() const { return child_; }

private:
    Pipe release_, hold_on_;
    pid_t child_ = 0;
};

}  // namespace

TEST_CASE("A lock that another process holds is refused, naming who holds it") {
    Scratch scratch;
    Pipe told, stay;
    const pid_t holder = fork();
    if (holder == 0) {
        try {
            Reporter quiet;
            const Lock lock(scratch.path(), quiet);
            told.write('r');
            stay.shut_writer();
            stay.wait_end();
        } catch (...) {
            _exit(9);
        }
        _exit(0);
    }
    told.read<char>();
    Reporter quiet;
    const auto pid = "(pid " + std::to_string(holder) + ", since 0 s, by ";
    try {
        const Lock lock(scratch.path(), quiet);
        FAIL("two hold one lock");
    } catch (const Busy& busy) {
        const std::string message = busy.what();
        CHECK(message.starts_with("another run is at work: rollback_test"));
        CHECK(message.find(" (pid " + std::to_string(holder) + ", since ") != std::string::npos);
        CHECK(message.find(", by ") != std::string::npos);
        CHECK_FALSE(busy.hint.empty());
    }
    CHECK(holder_of(scratch.path()).find("(pid " + std::to_string(holder)) != std::string::npos);
    stay.shut_writer();
    REQUIRE(waitpid(holder, nullptr, 0) == holder);
    const Lock lock(scratch.path(), quiet);
}

TEST_CASE("A lock is free again when its holder lets go, and when he is killed") {
    Scratch scratch;
    Listener listener;
    const auto state = scratch / "not/yet";
    CHECK(holder_of(state).empty());
    { const Lock lock(state, listener); }
    CHECK(slurp(state + "/lock").empty());
    CHECK(holder_of(state).empty());
    const pid_t holder = fork();
    if (holder == 0) {
        try {
            const Lock lock(state, listener);
            raise(SIGKILL);
        } catch (...) {
        }
        _exit(9);
    }
    int status = 0;
    REQUIRE(waitpid(holder, &status, 0) == holder);
    REQUIRE(WIFSIGNALED(status));
    CHECK_FALSE(slurp(state + "/lock").empty());
    CHECK(holder_of(state).empty());
    const Lock lock(state, listener);
    CHECK(listener.said.empty());
    CHECK_THROWS_AS(Lock(state, listener), Busy);  // within one process, too
}

TEST_CASE("A lock is not inherited by a program that a run starts") {
    Scratch scratch;
    Reporter quiet;
    Pipe stay;
    pid_t child = 0;
    {
        const Lock lock(scratch.path(), quiet);
        child = fork();
        if (child == 0) {
            execlp("sleep", "sleep", "1000", nullptr);
            _exit(9);
        }
        stay.shut_writer();
        REQUIRE(stay.wait_end());  // exec has closed what is close-on-exec
    }
    const Lock lock(scratch.path(), quiet);
    REQUIRE(kill(child, SIGKILL) == 0);
    REQUIRE(waitpid(child, nullptr, 0) == child);
}

TEST_CASE("A fence is written before the child goes on, and gone when it is lifted") {
    Scratch scratch;
    Reporter quiet;
    Lock lock(scratch.path(), quiet);
    const auto alone = slurp(scratch / "lock");
    Pipe stay, other;
    const auto start = [&] {
        const pid_t child = fork();
        if (child == 0) {
            setsid();
            stay.shut_writer();
            stay.wait_end();
            _exit(0);
        }
        return child;
    };
    const pid_t a = start(), b = start();
    lock.fence(a, "dpkg\t--configure\n-a");
    lock.fence(b, "useradd");
    const auto text = slurp(scratch / "lock");
    CHECK(text.starts_with(alone));
    CHECK(text.find("\t" + std::to_string(a) + "\t" + std::to_string(process(a)->started) +
                    "\tdpkg --configure -a\t\n") != std::string::npos);
    CHECK(text.find(boot_id()) != std::string::npos);
    lock.lift(a);
    CHECK(slurp(scratch / "lock") != alone);
    lock.lift(b);
    CHECK(slurp(scratch / "lock") == alone);
    lock.lift(b);
    stay.shut_writer();
    for (const pid_t child : {a, b}) REQUIRE(waitpid(child, nullptr, 0) == child);
}

TEST_CASE("Whoever takes the lock of a killed holder waits for the child he left") {
    Scratch scratch;
    KilledHolder killed(scratch.path());
    Listener listener;
    bool lived = false;
    listener.at_first = [&] {
        lived = process(killed.child()).has_value();
        killed.let_child_end();
    };
    const Lock lock(scratch.path(), listener);
    CHECK(lived);
    CHECK_FALSE(process(killed.child()));
    CHECK(listener.said.find("waiting for apt-get install nginx (pid " + std::to_string(killed.child()) + ")") == 0);
    CHECK(listener.said.find("SIGTERM") == std::string::npos);
    CHECK(slurp(scratch / "lock").find("\nchild\t") == std::string::npos);
}

TEST_CASE("Another one who comes while the lock's taker waits is told that a run is at work") {
    Scratch scratch;
    KilledHolder killed(scratch.path());
    Listener listener;
    listener.at_first = [&] {
        Reporter quiet;
        CHECK_THROWS_WITH_AS(Lock(scratch.path(), quiet), Contains(("(pid " + std::to_string(getpid())).c_str()), Busy);
        killed.let_child_end();
    };
    const Lock lock(scratch.path(), listener);
}

TEST_CASE("A child that does not end is asked to") {
    Scratch scratch;
    KilledHolder killed(scratch.path());
    Listener listener;
    const Lock lock(scratch.path(), listener, 0);
    CHECK_FALSE(process(killed.child()));
    CHECK(listener.said.find("SIGTERM") != std::string::npos);
    CHECK(listener.said.find("killing") == std::string::npos);
}

TEST_CASE("A child that ignores being asked is killed") {
    Scratch scratch;
    KilledHolder killed(scratch.path(), true);
    Listener listener;
    const Lock lock(scratch.path(), listener, 0, 0);
    CHECK_FALSE(process(killed.child()));
    CHECK(listener.said.find("killing") != std::string::npos);
}

TEST_CASE("What a fenced child left in its session is waited for though the child is gone") {
    Scratch scratch;
    KilledHolder killed(scratch.path(), false, true);
    Listener listener;
    listener.at_first = [&] { killed.let_child_end(); };
    const Lock lock(scratch.path(), listener);
    CHECK(listener.said.find("waiting for apt-get install nginx") == 0);
}

TEST_CASE("A taker that is killed while he waits leaves the fence to the next one") {
    Scratch scratch;
    KilledHolder killed(scratch.path());
    const pid_t taker = fork();
    if (taker == 0) {
        Listener listener;
        listener.at_first = [] { raise(SIGKILL); };
        try {
            const Lock lock(scratch.path(), listener);
        } catch (...) {
        }
        _exit(9);
    }
    int status = 0;
    REQUIRE(waitpid(taker, &status, 0) == taker);
    REQUIRE(WIFSIGNALED(status));
    Listener listener;
    listener.at_first = [&] { killed.let_child_end(); };
    const Lock lock(scratch.path(), listener);
    CHECK_FALSE(listener.said.empty());
}

TEST_CASE("Fences of another boot, of a number used again and lines that were cut mean nothing") {
    Scratch scratch;
    Listener listener;
    { const Lock lock(scratch.path(), listener); }
    const auto self = process(getpid());
    REQUIRE(self);
    const auto pid = std::to_string(self->pid), started = std::to_string(self->started);
    char space[64] = {};
    REQUIRE(readlink("/proc/self/ns/pid", space, sizeof space - 1) > 0);
    const auto here = boot_id() + " " + space;
    spill(scratch / "lock", "child\tanother boot\t" + pid + "\t" + started + "\tapt\n" +       //
                                "child\t" + here + "\t" + pid + "\t" + started + "9\tapt\n" +  // started later
                                "child\t" + here + "\t" + pid + "\t" + started + "\n\n\t\tnonsense\n" + "child\t" +
                                here + "\t" + pid + "\t" + started + "\tcut");
    const Lock lock(scratch.path(), listener, 0, 0);
    CHECK(listener.said.empty());
}

TEST_CASE("A process is told by its stat line, whatever its name") {
    const auto it = process_from_stat(
        "42 (a) b (c\n) d) S 1 42 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456789 1000 10 18446744073709551615");
    REQUIRE(it);
    CHECK(it->pid == 42);
    CHECK(it->state == 'S');
    CHECK(it->session == 7);
    CHECK(it->started == 123456789);
    for (const char* wrong : {"", "x", "42", "42 (a", "42 (a)", "42 (a) S 1 2 3"})
        CHECK_FALSE(process_from_stat(wrong));
    CHECK_FALSE(process(-1));
    CHECK(process(getpid())->pid == getpid());
}
