// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <chaos/process.hpp>
#include <chaos/root_host.hpp>

#include <chrono>
#include <filesystem>

#include "passwd.hpp"
#include "scratch.hpp"

using namespace chaos;

namespace {

Output run(const Command& command) {
    Child child(command);
    child.release();
    return child.wait();
}

}  // namespace

TEST_CASE("a command answers its outputs and its exit status") {
    const Output output = run({{"sh", "-c", "echo out; echo err >&2; exit 7"}});
    CHECK(output.status == 7);
    CHECK(output.out == "out\n");
    CHECK(output.err == "err\n");
    CHECK(run({{"sh", "-c", "kill -9 $$"}}).status == 137);
}

TEST_CASE("a command gets its input whole, and one that does not read it is no harm") {
    const std::string bytes(300'000, 'z');
    CHECK(run({{"cat"}, bytes}).out == bytes);
    CHECK(run({{"true"}, bytes}).status == 0);
    CHECK(run({{"cat"}}).out.empty());
}

TEST_CASE("a command inherits nothing but what is said") {
    ::setenv("CHAOS_LEAK", "1", 1);
    Command command{{"env"}};
    command.environment = {"DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"};
    CHECK(run(command).out ==
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
          "DEBIAN_FRONTEND=noninteractive\nLC_ALL=C.UTF-8\n");
    ::unsetenv("CHAOS_LEAK");
    const int leak = ::open("/dev/null", O_RDONLY);
    CHECK(run({{"ls", "/proc/self/fd"}}).out == "0\n1\n2\n3\n");  // 3 is the directory it lists
    ::close(leak);
    CHECK(run({{"sh", "-c", "umask; pwd; cut -d' ' -f6 /proc/$$/stat; echo $$"}}).out.starts_with("0022\n/\n"));
    command = {{"pwd"}};
    command.directory = "/usr";
    CHECK(run(command).out == "/usr\n");
}

TEST_CASE("a command leads a session of its own and has signals as they are by default") {
    ::signal(SIGPIPE, SIG_IGN);
    // Of one that does nothing else: a shell blocks signals while it waits.
    const Output signals = run({{"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}});
    const Output leader = run({{"sh", "-c", "read a b c d e session rest < /proc/$$/stat; echo $$ $session"}});
    ::signal(SIGPIPE, SIG_DFL);
    CHECK(signals.out == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    const std::size_t space = leader.out.find(' ');
    CHECK(leader.out.substr(0, space) + "\n" == leader.out.substr(space + 1));
}

TEST_CASE("of a long output the end is kept") {
    const Output output = run({{"sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' x; echo end"}});
    CHECK(output.out.size() == 1 << 20);
    CHECK(output.out.ends_with("xxend\n"));
}

TEST_CASE("a command that is not there, or a directory that is not, is an error that names it") {
    CHECK_THROWS_WITH_AS(run({{"no-such-command-at-all"}}), "can not run no-such-command-at-all: no such command",
                         Error);
    CHECK_THROWS_WITH_AS(run({{"/etc/passwd"}}), "can not run /etc/passwd: Permission denied", Error);
    Command command{{"true"}};
    command.directory = "/no/such";
    CHECK_THROWS_WITH_AS(run(command), "can not run true: /no/such: No such file or directory", Error);
    command = {{"true"}};
    command.user = "nobody-at-all";
    CHECK_THROWS_WITH_AS(run(command), "there is no user nobody-at-all in /etc/passwd", Error);
    CHECK_THROWS_AS(run({{}}), Error);
}

TEST_CASE("a child does nothing before it is released, and never starts without") {
    const Scratch scratch;
    {
        Child child({{"touch", scratch / "released"}});
        CHECK(child.pid() > 0);
        CHECK(::kill(child.pid(), 0) == 0);
        CHECK(::access((scratch / "released").c_str(), F_OK) != 0);
        child.release();
        CHECK(child.wait().status == 0);
        CHECK(::access((scratch / "released").c_str(), F_OK) == 0);
        CHECK(child.wait().status == 0);
    }
    int pid = 0;
    {
        Child child({{"touch", scratch / "never"}});
        pid = child.pid();
    }
    CHECK(::kill(pid, 0) != 0);
    CHECK(::access((scratch / "never").c_str(), F_OK) != 0);
}

TEST_CASE("a command that takes too long is stopped, and that is an error") {
    Command command{{"sleep", "1000"}};
    command.timeout_s = 1;
    Child child(command);
    child.release();
    const auto begin = std::chrono::steady_clock::now();
    CHECK_THROWS_WITH_AS(child.wait(), "sleep ran longer than 1 s and was stopped", Error);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(9));
    CHECK(::kill(child.pid(), 0) != 0);
}

TEST_CASE("a command is stopped with all it started in its session, in whatever group") {
    const Scratch scratch;
    REQUIRE(::mkfifo((scratch / "pid").c_str(), 0600) == 0);
    // timeout leads a process group of its own, and what it starts is in it.
    const std::string tell = "echo $$ > " + (scratch / "pid") + "; exec sleep 1000";
    Child child({{"sh", "-c", "timeout 1000 sh -c '" + tell + "' & wait"}});
    child.release();
    const int grandchild = std::stoi(scratch.read("pid"));
    REQUIRE(::getpgid(grandchild) != child.pid());
    REQUIRE(::getsid(grandchild) == child.pid());
    pollfd ended{static_cast<int>(::syscall(SYS_pidfd_open, grandchild, 0)), POLLIN, 0};
    REQUIRE(ended.fd >= 0);
    child.stop();
    CHECK(::poll(&ended, 1, 10'000) == 1);
    ::close(ended.fd);
    CHECK(child.wait().status == 128 + SIGTERM);
}

TEST_CASE("what a command left running in the background is not waited for") {
    const auto begin = std::chrono::steady_clock::now();
    const Output output = run({{"sh", "-c", "sleep 20 & echo $!"}});
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    const int left = std::stoi(output.out);
    CHECK(::kill(left, SIGKILL) == 0);
}

TEST_CASE("a command of another user has their ids, groups and home") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: only root can become another user");
        return;
    }
    Command command{{"sh", "-c", "id -u; id -g; id -G; echo $HOME $USER"}};
    command.user = "daemon";
    CHECK(run(command).out == "1\n1\n1\n/usr/sbin daemon\n");
}

TEST_CASE("a login is found by name or number, with its groups") {
    const char* passwd = "root:x:0:0:root:/root:/bin/bash\nwww:x:33:33::/var/www:/bin/sh\nbad:x:no:1::/:\n";
    const char* group = "root:x:0:\nwww:x:33:www\nadm:x:4:syslog,www\nssl:x:101:www \n";
    const auto login = parse_login(passwd, group, "www");
    REQUIRE(login);
    CHECK(login->uid == 33);
    CHECK(login->home == "/var/www");
    CHECK(login->groups == std::vector<gid_t>{33, 4, 101});
    CHECK(parse_login(passwd, group, "33")->name == "www");
    CHECK_FALSE(parse_login(passwd, group, "bad"));
    CHECK_FALSE(parse_login(passwd, group, "nobody"));
}

TEST_CASE("a command that failed is shown with its words, its status and the end of what it said") {
    CHECK(std::string(failed({{"apt-get", "install", "x"}}, {100, "", "E: no x\n"}).what()) ==
          "apt-get install x ended with status 100: E: no x");
    const std::string text = failed({{"a"}}, {1, "", std::string(5000, 'x') + "\nlast\n"}).what();
    CHECK(text == "a ended with status 1: last");
}

TEST_CASE("a command sees files of its own, and nobody else does") {
    const Scratch scratch;
    const auto veil = scratch.path() + "/veil", over = scratch.path() + "/over";
    std::filesystem::create_directory(veil);
    std::ofstream(over) << "theirs\n";
    Command command{{"sh", "-c", veil + "/mine && cat " + over}};
    command.veil = veil;
    command.own = {{"mine", "#!/bin/sh\necho mine\n"}, {"instead", "ours\n", over}};
    Output output;
    try {
        Child child(command);
        output = child.wait();
    } catch (const NoNamespace& error) {
        MESSAGE("skipped: ", error.what());
        return;
    }
    CHECK(output.status == 0);
    CHECK(output.out == "mine\nours\n");
    CHECK(std::filesystem::is_empty(veil));
    std::string text;
    std::getline(std::ifstream(over), text);
    CHECK(text == "theirs");
}
