// SPDX-License-Identifier: Apache-2.0
// What the program asks on a terminal: nobody is kept out while there is no answer, and what is done is what was shown.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chaos/value.hpp>

#include "sandbox.hpp"

using namespace chaos;

namespace {

/// Somebody who is at work while this lives.
class AtWork {
public:
    explicit AtWork(const Sandbox& place)
        : file_(::open((place.root() + "/var/lib/chaos/lock").c_str(), O_RDWR | O_CLOEXEC)) {
        REQUIRE(file_ >= 0);
        REQUIRE(::flock(file_, LOCK_EX | LOCK_NB) == 0);
    }
    ~AtWork() { ::close(file_); }
    AtWork(const AtWork&) = delete;

private:
    int file_;
};

/// The program on a terminal of its own, with a person who takes her time.
class Talk {
public:
    Talk(const Sandbox& place, std::vector<std::string> words) {
        words.insert(words.begin() + 1, {"--root", place.root()});
        words.insert(words.begin(), std::getenv("CHAOS_PROGRAM"));
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        child_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    ~Talk() {
        if (child_ > 0) ::kill(child_, SIGKILL), ::waitpid(child_, nullptr, 0);
        ::close(terminal_);
    }
    Talk(const Talk&) = delete;

    /// Until it asks; false where it ends without.
    bool asks() {
        while (!said_.ends_with(" [y/N] "))
            if (!hear()) return false;
        return true;
    }
    void answers(std::string_view line) {
        said_ += '\n';
        REQUIRE(::write(terminal_, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    }
    /// Its exit status.
    int ends() {
        while (hear()) {
        }
        int status = 0;
        ::waitpid(child_, &status, 0);
        child_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    bool said(std::string_view what) const { return said_.find(what) != std::string::npos; }
    const std::string& all() const { return said_; }

private:
    bool hear() {
        pollfd waits{terminal_, POLLIN, 0};
        REQUIRE_MESSAGE(::poll(&waits, 1, 60'000) == 1, "it says nothing more: ", said_);
        char bytes[4096];
        const ssize_t got = ::read(terminal_, bytes, sizeof bytes);
        if (got > 0) said_.append(bytes, static_cast<std::size_t>(got));
        return got > 0;
    }

    int terminal_ = -1;
    pid_t child_ = -1;
    std::string said_;
};

/// A site of one file, that a site of its own name may have beside it.
std::string site(const Sandbox& place, const std::string& name, const std::string& text) {
    return place.write(name + ".yml", "name: " + name + "\nfiles: {/etc/" + name + ": \"" + text + "\\n\"}\n");
}

int runs(const Sandbox& place) {
    return static_cast<int>(from_json(place.in_root({"history", "--json"}).out).find("runs")->list().size());
}

}  // namespace

TEST_CASE("apply: who answers nothing keeps nobody out, and an answer to what is true no more does nothing") {
    Sandbox place;
    const std::string one = site(place, "one", "first"), two = site(place, "two", "second");
    Talk talk(place, {"apply", one});
    REQUIRE(talk.asks());
    const Output other = place.in_root({"apply", "-y", two});
    CHECK_MESSAGE(other.status == 0, other.err);
    talk.answers("y\n");
    CHECK(talk.ends() == 1);
    CHECK_MESSAGE(talk.said("was not done: run 1 (apply by "), talk.all());
    CHECK(talk.said("came between"));
    CHECK_FALSE(place.read("root/etc/one"));
    CHECK(runs(place) == 1);
}

TEST_CASE("apply: yes does what was shown, and no does nothing whoever is at work by then") {
    Sandbox place;
    const std::string one = site(place, "one", "first");
    Talk no(place, {"apply", one});
    REQUIRE(no.asks());
    {
        const AtWork somebody(place);
        no.answers("n\n");
        CHECK(no.ends() == 2);
        CHECK(no.said("Nothing was changed."));
    }
    CHECK_FALSE(place.read("root/etc/one"));

    Talk late(place, {"apply", one});
    REQUIRE(late.asks());
    {
        const AtWork somebody(place);
        late.answers("y\n");
        CHECK_MESSAGE(late.ends() == 75, late.all());
    }
    CHECK_FALSE(place.read("root/etc/one"));

    Talk yes(place, {"apply", one});
    REQUIRE(yes.asks());
    yes.answers("y\n");
    CHECK_MESSAGE(yes.ends() == 0, yes.all());
    CHECK(place.read("root/etc/one") == "first\n");
}

TEST_CASE("apply: what somebody writes while it asks is not written over") {
    Sandbox place;
    REQUIRE(place.in_root({"apply", "-y", site(place, "one", "first")}).status == 0);
    Talk talk(place, {"apply", site(place, "one", "second")});
    REQUIRE(talk.asks());
    place.write("root/etc/one", "somebody's\n");
    talk.answers("y\n");
    CHECK(talk.ends() == 1);
    CHECK(talk.said("changed since the plan was made"));
    CHECK(place.read("root/etc/one") == "somebody's\n");
}

TEST_CASE("a saved plan: the question is the same") {
    Sandbox place;
    const std::string one = site(place, "one", "first"), two = site(place, "two", "second"),
                      plan = place.root() + "/../saved";
    REQUIRE(place.in_root({"plan", "-o", plan, one}).status == 2);
    Talk talk(place, {"apply", plan});
    REQUIRE(talk.asks());
    CHECK(place.in_root({"apply", "-y", two}).status == 0);
    talk.answers("y\n");
    CHECK(talk.ends() == 1);
    CHECK(talk.said("came between"));
    CHECK_FALSE(place.read("root/etc/one"));
}

TEST_CASE("apply: the question whether much is to go keeps nobody out either") {
    Sandbox place;
    std::string files;
    for (int i = 0; i < 12; ++i) files += "  /etc/f" + std::to_string(i) + ": x\n";
    REQUIRE(place.in_root({"apply", "-y", place.write("many.yml", "name: many\nfiles:\n" + files)}).status == 0);
    Talk talk(place, {"apply", place.write("many.yml", "name: many\nfiles:\n  /etc/f0: x\n")});
    REQUIRE(talk.asks());
    CHECK(talk.said("left the manifest and go back to what was there before. Is that meant?"));
    CHECK(place.in_root({"apply", "-y", site(place, "two", "second")}).status == 0);
    talk.answers("y\n");
    CHECK(talk.ends() == 1);
    CHECK(talk.said("came between"));
    CHECK(place.read("root/etc/f1"));
}

TEST_CASE("rollback and revert: who answers nothing keeps nobody out") {
    Sandbox place;
    REQUIRE(place.in_root({"apply", "-y", site(place, "one", "first")}).status == 0);
    for (const std::vector<std::string>& words : {std::vector<std::string>{"rollback"}, {"revert", "1"}}) {
        const int before = runs(place);
        Talk talk(place, words);
        REQUIRE(talk.asks());
        const std::string text = words[0] + std::to_string(before);
        CHECK(place.in_root({"apply", "-y", site(place, "two", text)}).status == 0);
        talk.answers("y\n");
        CHECK(talk.ends() == 1);
        CHECK_MESSAGE(talk.said("run " + std::to_string(before + 1) + " (apply by "), talk.all());
        CHECK(runs(place) == before + 1);
        CHECK(place.read("root/etc/one") == "first\n");
        CHECK(place.read("root/etc/two") == text + '\n');
    }
}

TEST_CASE("rollback: yes takes back what was shown; what was let go of, or written by somebody meanwhile, is told") {
    Sandbox place;
    REQUIRE(place.in_root({"apply", "-y", site(place, "one", "first")}).status == 0);
    REQUIRE(place.in_root({"apply", "-y", site(place, "one", "second")}).status == 0);
    {
        Talk talk(place, {"rollback", "0"});
        REQUIRE(talk.asks());
        CHECK(place.in_root({"history", "prune", "--keep", "1"}).status == 0);
        talk.answers("y\n");
        CHECK(talk.ends() == 1);
        CHECK_MESSAGE(talk.said("runs were let go of meanwhile"), talk.all());
        CHECK(place.read("root/etc/one") == "second\n");
    }
    {
        Talk talk(place, {"rollback"});
        REQUIRE(talk.asks());
        place.write("root/etc/one", "somebody's\n");
        talk.answers("y\n");
        CHECK(talk.ends() == 1);
        CHECK_MESSAGE(talk.said("changed since the plan was made"), talk.all());
        CHECK(place.read("root/etc/one") == "somebody's\n");
    }
    place.write("root/etc/one", "second\n");
    Talk talk(place, {"rollback"});
    REQUIRE(talk.asks());
    talk.answers("y\n");
    CHECK_MESSAGE(talk.ends() == 0, talk.all());
    CHECK(place.read("root/etc/one") == "first\n");
}
