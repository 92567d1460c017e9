// SPDX-License-Identifier: Apache-2.0
// A run leaves the host as it was, killed at any instruction: here at every stop at a syscall.
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <chaos/root_host.hpp>

#include "all_kinds.hpp"
#include "disk_journal.hpp"
#include "scratch.hpp"

using namespace chaos;

namespace {

/// A root with a mount of its own in it, seen by this test and its children only.
class Machine {
public:
    Machine() {
        REQUIRE(::mkdir(root().c_str(), 0755) == 0);
        for (const char* name : {"/srv", "/var", "/var/lib", "/var/lib/chaos"})
            REQUIRE(::mkdir((root() + name).c_str(), 0700) == 0);
        REQUIRE(::mount("srv", (root() + "/srv").c_str(), "tmpfs", 0, nullptr) == 0);
        test::make_all_kinds(root());
    }
    ~Machine() { ::umount2((root() + "/srv").c_str(), MNT_DETACH); }

    std::string root() const { return scratch_ / "root"; }
    std::string journal() const { return scratch_ / "journal"; }
    std::string stops_file() const { return scratch_ / "stops"; }

private:
    Scratch scratch_;
};

int run(std::vector<std::string> words) {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // the leak sanitizer can not look at what is traced
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// 0: not killed, and answers how many stops there were.
int killed_at(long stop, const Machine& host, const char* verb) {
    return run({TEST_KILL_AT, "-o", host.stops_file(), std::to_string(stop), TEST_PUBLISH_PROBE, verb, host.root(),
                host.journal()});
}

int probe(const Machine& host, const char* verb) {
    return run({TEST_PUBLISH_PROBE, verb, host.root(), host.journal()});
}

long stops_of(const Machine& host, const char* verb) {
    REQUIRE(killed_at(0, host, verb) == 0);
    const std::string told = slurp(host.stops_file());
    const long stops = std::atol(told.c_str() + std::min(told.size(), told.find_first_of("0123456789")));
    REQUIRE(stops > 100);
    return stops;
}

/// Every stop where CHAOS_EVERY_STOP is set (./dev torture); else every ninth, which meets each operation many times.
long stride() {
#ifdef __SANITIZE_ADDRESS__
    constexpr long thin = 97;  // each run of the probe takes ten times as long
#else
    constexpr long thin = 9;
#endif
    return std::getenv("CHAOS_EVERY_STOP") ? 1 : thin;
}

/// How many stops a process makes differs by a few from run to run: near the end it may be through.
bool through(int status, long stop, long stops) {
    return status == 125 && stop + 40 > stops;
}

bool own_mounts() {
    static const bool done = ::geteuid() == 0 && ::unshare(CLONE_NEWNS) == 0 &&
                             ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!done) MESSAGE("skipped: a mount of the test's own needs root");
    return done;
}

}  // namespace

TEST_CASE("A publish of every kind of change is taken back to the byte by another process") {
    if (!own_mounts()) return;
    const Machine host;
    const std::string before = test::manifest(host.root());
    REQUIRE(probe(host, "publish") == 0);
    CHECK(test::manifest(host.root()) != before);
    REQUIRE(probe(host, "recover") == 0);
    CHECK(test::manifest(host.root()) == before);
    REQUIRE(probe(host, "recover") == 0);
    CHECK(test::manifest(host.root()) == before);
}

TEST_CASE("A big file's old content is kept from another file system too, holes and all") {
    if (!own_mounts()) return;
    const Machine machine;
    const std::string big = std::string((1U << 20U) + 1, 'x') + std::string(3U << 20U, '\0') + "end";
    test::put_file(machine.root() + "/srv/big", "");
    {
        std::ofstream out(machine.root() + "/srv/big", std::ios::binary);
        out << std::string((1U << 20U) + 1, 'x');
        out.seekp(static_cast<std::streamoff>(big.size() - 3)) << "end";
    }
    const RootHost looking(machine.root());
    test::DiskJournal journal(machine.journal());
    rollback::StagedHost host(looking, machine.root(), machine.root() + "/var/lib/chaos", 7, journal);
    host.write("/srv/big", Content("small"), {});
    host.publish();
    host.adopt(journal.operations());
    host.sweep(host.touched());
    const std::string object = machine.root() + "/var/lib/chaos/objects/" + hex(digest(big));
    CHECK(slurp(object) == big);
    struct stat found {};
    REQUIRE(::stat(object.c_str(), &found) == 0);
    CHECK(found.st_blocks * 512 < static_cast<std::int64_t>(big.size()));
    CHECK_FALSE(there(object + ".part"));
}

TEST_CASE("A publish killed at any stop is taken back to the byte, though that is killed too") {
    if (!own_mounts()) return;
    const Machine host;
    const std::string before = test::manifest(host.root());
    const long stops = stops_of(host, "publish");
    REQUIRE(probe(host, "recover") == 0);
    for (long stop = 1; stop <= stops; stop += stride()) {
        test::DiskJournal(host.journal()).forget();
        CAPTURE(stop);
        const int status = killed_at(stop, host, "publish");
        REQUIRE((status == 137 || through(status, stop, stops)));
        // And while it is taken back, or after that if there is little to do.
        const int again = killed_at(1 + stop * 13 % stops, host, "recover");
        REQUIRE((again == 137 || again == 125));
        REQUIRE(probe(host, "recover") == 0);
        REQUIRE(test::manifest(host.root()) == before);
    }
    MESSAGE("killed at each " << stride() << ". of " << stops << " stops of a publish");
}

TEST_CASE("Taking back killed at any stop, twice, is finished by the next") {
    if (!own_mounts()) return;
    const Machine host;
    const std::string before = test::manifest(host.root());
    REQUIRE(probe(host, "publish") == 0);
    const long stops = stops_of(host, "recover");
    for (long stop = 1; stop <= stops; stop += stride()) {
        test::DiskJournal(host.journal()).forget();
        CAPTURE(stop);
        REQUIRE(probe(host, "publish") == 0);
        const int status = killed_at(stop, host, "recover");
        REQUIRE((status == 137 || through(status, stop, stops)));
        // Again, elsewhere; where little is left to do it may be through before that.
        const int again = killed_at(1 + stop * 7 % stops, host, "recover");
        REQUIRE((again == 137 || again == 125));
        REQUIRE(probe(host, "recover") == 0);
        REQUIRE(test::manifest(host.root()) == before);
    }
    MESSAGE("killed at each " << stride() << ". of " << stops << " stops of taking back, and again at another");
}
