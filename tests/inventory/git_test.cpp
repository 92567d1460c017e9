// SPDX-License-Identifier: Apache-2.0
// Checkouts of repositories that Debian's git makes.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chaos/error.hpp>
#include <chaos/git.hpp>
#include <chaos/process.hpp>
#include <chaos/value.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

// libgit2 1.5 forgets to free what a pattern that does not match was matched with (its src/util/regexp.c).
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
    return "leak:libpcre2-8\n";
}

using namespace chaos;

namespace {

/// A remote, and a place for its checkouts. Its shell fails the test where a command fails.
class Remote {
public:
    Remote() {
        char name[] = "/tmp/chaos-git-XXXXXX";
        REQUIRE(::mkdtemp(name));
        path = name;
        shell(
            "git init -q -b main remote; cd remote; printf one > a; mkdir d; printf x > d/x; git add .; git commit -qm "
            "1; "
            "git tag v1; git tag -a -m two v1a");
    }
    ~Remote() { shell("rm -rf " + path); }
    Remote(const Remote&) = delete;

    std::string shell(const std::string& line) const {
        Command command{{"/bin/sh", "-ec", line}};
        command.directory = path;
        command.environment = {"HOME=/nonexistent",      "GIT_AUTHOR_NAME=t",       "GIT_AUTHOR_EMAIL=t@t",
                               "GIT_COMMITTER_NAME=t",   "GIT_COMMITTER_EMAIL=t@t", "GIT_CONFIG_NOSYSTEM=1",
                               "GIT_ALLOW_PROTOCOL=file"};
        Child child(command);
        child.release();
        const auto output = child.wait();
        REQUIRE_MESSAGE(output.status == 0, line << ": " << output.err);
        return output.out.substr(0, output.out.find('\n'));
    }
    git::Checkout wanted() const { return {.path = path + "/tree", .url = "file://" + path + "/remote"}; }
    std::string commit(const std::string& what = "HEAD") const { return shell("git -C remote rev-parse " + what); }
    std::string text(const std::string& name) const {
        std::ifstream file(path + "/tree/" + name);
        std::stringstream bytes;
        bytes << file.rdbuf();
        return bytes.str();
    }
    void go_on() const { shell("cd remote; printf two > a; rm -r d; printf new > b; git add -A; git commit -qm 2"); }

    std::string path;
};

std::string mistake(const git::Checkout& wanted) {
    try {
        git::sync(wanted);
    } catch (const Error& error) {
        return std::string(error.what()) + " | " + error.hint;
    }
    return "none";
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a checkout is made at the first branch, and git finds nothing to say against it") {
    const Remote place;
    CHECK(git::sync(place.wanted()) == place.commit());
    CHECK(place.text("a") == "one");
    CHECK(place.text("d/x") == "x");
    CHECK(place.shell("git -C tree status --porcelain --branch") == "## main");
    CHECK(place.shell("git -C tree fsck --strict 2>&1 | wc -l") == "0");
    CHECK(git::tip(place.wanted().url, "main") == place.commit());
    CHECK(git::sync(place.wanted()) == place.commit());
}

TEST_CASE("a branch is followed only where that is asked for, and goes back to where it was") {
    const Remote place;
    auto wanted = place.wanted();
    wanted.branch = "main";
    const auto first = git::sync(wanted);
    place.go_on();
    wanted.update = true;
    const auto second = git::sync(wanted);
    CHECK(second == place.commit());
    CHECK(place.text("a") == "two");
    CHECK(place.shell("ls tree") == "a");
    wanted.update = false, wanted.rev = first;
    CHECK(git::sync(wanted) == first);
    CHECK(place.text("d/x") == "x");
    CHECK(place.shell("git -C tree symbolic-ref HEAD") == "refs/heads/main");
    CHECK(place.shell("git -C tree status --porcelain | wc -l") == "0");
}

TEST_CASE("tags, annotated or not, and commits are checked out without a branch") {
    const Remote place;
    place.go_on();
    for (const char* tag : {"v1", "v1a"}) {
        auto wanted = place.wanted();
        wanted.tag = tag;
        CHECK(git::sync(wanted) == place.commit("v1^{commit}"));
        CHECK(place.shell("git -C tree for-each-ref --format='%(objecttype)' refs/chaos/at/" + std::string(tag)) ==
              "commit");
    }
    auto wanted = place.wanted();
    wanted.rev = place.commit().substr(0, 10);
    CHECK(git::sync(wanted) == place.commit());
    CHECK(place.text("b") == "new");
    wanted.rev = "v9";
    CHECK(has(mistake(wanted), "has no commit, tag or branch v9"));
    wanted.rev = "", wanted.branch = "none";
    CHECK(has(mistake(wanted), "has no branch none"));
}

TEST_CASE("what is not committed stops an update, and is not touched") {
    const Remote place;
    git::sync(place.wanted());
    place.go_on();
    auto wanted = place.wanted();
    wanted.branch = "main", wanted.update = true;
    place.shell("printf mine > tree/a");
    CHECK(has(mistake(wanted), "has changes that are in no commit: a | look at them: git -C"));
    CHECK(place.text("a") == "mine");
    place.shell("git -C tree checkout -q a; printf mine > tree/b");
    CHECK(has(mistake(wanted), "has files that the new commit would overwrite: b"));
    CHECK(place.text("b") == "mine");
    place.shell("rm tree/b");
    CHECK(git::sync(wanted) == place.commit());
}

TEST_CASE("files that are ignored or untracked stop an update before anything moves, whatever form they have") {
    for (const char* excluding : {"echo b > tree/.gitignore", "echo b > tree/.git/info/exclude", "true"})
        for (const char* mine : {"printf mine > tree/b", "mkdir tree/b; printf mine > tree/b/mine",
                                 "ln -s nowhere tree/b", "mkdir tree/b; printf mine > tree/b/c"})
            for (const char* theirs : {"printf new > b", "mkdir b; printf new > b/c", "ln -s elsewhere b"}) {
                CAPTURE(excluding);
                CAPTURE(mine);
                CAPTURE(theirs);
                const Remote place;
                auto wanted = place.wanted();
                wanted.branch = "main";
                const auto first = git::sync(wanted);
                place.shell(std::string(excluding) + "; " + mine);
                const std::string look =
                    "cd tree; find . -path ./.git -prune -o -printf '%p %y %l\n' | sort | "
                    "md5sum; cat b b/* 2>/dev/null || true";
                const auto before = place.shell("(" + look + ") | md5sum");
                place.shell(std::string("cd remote; ") + theirs + "; git add -f .; git commit -qm 2");
                wanted.update = true;
                const std::string said = mistake(wanted);
                // A directory of both that has no file of both is in nobody's way.
                const bool apart = has(mine, "b/mine") && has(theirs, "b/c");
                if (apart) {
                    CHECK(said == "none");
                    CHECK(place.text("b/mine") == "mine");
                    continue;
                }
                CHECK(has(said, "would overwrite: b"));
                CHECK(place.shell("(" + look + ") | md5sum") == before);
                CHECK(place.commit() != first);
                CHECK(place.shell("git -C tree rev-parse HEAD") == first);
                CHECK(place.shell("git -C tree for-each-ref refs/chaos/next | wc -l") == "0");
                // Taking back finds nothing to do, with the file still in the way.
                wanted.update = false, wanted.rev = first;
                CHECK(mistake(wanted) == "none");
                CHECK(place.shell("(" + look + ") | md5sum") == before);
            }
}

TEST_CASE("a cut update goes on over files that are as it wrote them, and over nobody's") {
    const Remote place;
    auto wanted = place.wanted();
    wanted.branch = "main";
    git::sync(wanted);
    place.shell("cd remote; printf new > b; printf new > c; git add .; git commit -qm 2");
    place.shell(
        "cd tree; git fetch -q; git update-ref refs/chaos/next origin/main; printf new > b; printf mine > c; "
        "printf 'b\nc\n' > .git/info/exclude");
    wanted.update = true;
    CHECK(has(mistake(wanted), "would overwrite: c"));
    CHECK(place.text("c") == "mine");
    place.shell("printf ne > tree/c");  // what a cut leaves of it
    CHECK(git::sync(wanted) == place.commit());
    CHECK(place.text("c") == "new");
    CHECK(place.shell("git -C tree status --porcelain | wc -l") == "0");
}

TEST_CASE("a first run that was cut does not go on over what somebody put there since") {
    const Remote place;
    place.shell(
        "git init -q -b main tree; cd tree; git fetch -q ../remote main; printf mine > a; "
        "git update-ref refs/chaos/next $(git -C ../remote rev-parse v1)");
    CHECK(has(mistake(place.wanted()), "would overwrite: a"));
    CHECK(place.text("a") == "mine");
}

TEST_CASE("commits that only this checkout has stop an update, and its removal") {
    const Remote place;
    git::sync(place.wanted());
    git::refuse_local_work(place.wanted().path);
    place.shell("printf mine > tree/mine");
    CHECK_THROWS_WITH_AS(git::refuse_local_work(place.wanted().path), doctest::Contains("in no commit: mine"), Error);
    place.shell("git -C tree add .; git -C tree commit -qm mine");
    CHECK_THROWS_WITH_AS(git::refuse_local_work(place.wanted().path), doctest::Contains("its remote does not have"),
                         Error);
    place.go_on();
    auto wanted = place.wanted();
    wanted.branch = "main", wanted.update = true;
    CHECK(has(mistake(wanted), "has commits that its remote does not have"));
    CHECK(place.text("mine") == "mine");
}

TEST_CASE("a branch that was written anew is followed, since what was here was the remote's") {
    const Remote place;
    auto wanted = place.wanted();
    wanted.branch = "main", wanted.update = true;
    git::sync(wanted);
    place.shell("cd remote; printf other > a; git commit -qa --amend -m other");
    CHECK(git::sync(wanted) == place.commit());
    CHECK(place.text("a") == "other");
}

TEST_CASE("a checkout that was cut is gone on with") {
    const Remote place;
    auto wanted = place.wanted();
    wanted.branch = "main";
    git::sync(wanted);
    place.go_on();
    // As it is when half of the files are there, and HEAD still is where it was.
    place.shell("cd tree; git fetch -q; git update-ref refs/chaos/next origin/main; printf two > a");
    wanted.update = true;
    CHECK(git::sync(wanted) == place.commit());
    CHECK(place.shell("git -C tree status --porcelain | wc -l") == "0");
    CHECK(place.shell("git -C tree for-each-ref refs/chaos/next | wc -l") == "0");
    place.shell("git init -q half; printf one > half/a");  // a first run: nothing but some files
    wanted.path = place.path + "/half";
    place.shell(
        "cd half; git fetch -q ../remote main; git update-ref refs/chaos/next $(git -C ../remote rev-parse v1)");
    CHECK(git::sync(wanted) == place.commit());
}

TEST_CASE("a repository brings files, and nothing that is run") {
    const Remote place;
    place.shell(
        "cd remote; mkdir .githooks; printf '#!/bin/sh\\ntouch %s/ran' $PWD > .githooks/post-checkout; "
        "chmod +x .githooks/post-checkout; printf '* filter=evil\\n' > .gitattributes; "
        "git -c filter.evil.clean=cat add .; git commit -qm hooks");
    auto wanted = place.wanted();
    git::sync(wanted);
    place.shell(
        "cd tree; git config core.hooksPath .githooks; git config filter.evil.smudge 'touch ran'; "
        "git config core.fsmonitor 'touch ran'; git config core.sshCommand 'touch ran'");
    place.go_on();
    wanted.branch = "main", wanted.update = true;
    git::sync(wanted);
    CHECK(place.shell("ls tree remote | grep -c ran || true") == "0");
}

TEST_CASE("a .git that leads elsewhere is refused, and so is a path that leads out") {
    const Remote place;
    git::sync(place.wanted());
    place.shell("mv tree/.git elsewhere; ln -s ../elsewhere tree/.git");
    CHECK(has(mistake(place.wanted()), ".git is no directory"));
    place.shell("rm tree/.git; printf 'gitdir: ../elsewhere' > tree/.git");
    CHECK(has(mistake(place.wanted()), ".git is no directory"));
    // A tree with the entry `..`, as no git would make it.
    place.shell(
        "cd remote; blob=$(printf evil | git hash-object -w --stdin); "
        "tree=$(printf '100644 blob %s\\tout' $blob | git mktree); "
        "{ printf '40000 ..\\0'; printf %s $tree | perl -pe '$_ = pack \"H*\", $_'; } > ../raw; "
        "bad=$(git hash-object -w --literally -t tree ../raw); "
        "git update-ref refs/heads/bad $(git commit-tree -m bad $bad); rm ../raw");
    auto wanted = place.wanted();
    wanted.path = place.path + "/other", wanted.branch = "bad";
    CHECK(mistake(wanted) != "none");
    CHECK(place.shell("ls out ../out 2>/dev/null | wc -l") == "0");
    CHECK_THROWS_AS(git::files_of(wanted.url, place.commit("bad"), place.path + "/cache"), Error);
}

TEST_CASE("the files of one commit are given, and links are not") {
    const Remote place;
    const auto first = place.commit();
    place.go_on();
    const auto cache = place.path + "/cache";
    CHECK(git::files_of(place.wanted().url, first, cache) == git::Files{{"a", "one"}, {"d/x", "x"}});
    CHECK(git::files_of(place.wanted().url, place.commit(), cache) == git::Files{{"a", "two"}, {"b", "new"}});
    place.shell("cd remote; ln -s /etc/passwd l; git add l; git commit -qm l");
    CHECK_THROWS_WITH_AS(git::files_of(place.wanted().url, place.commit(), cache),
                         doctest::Contains("l is a symbolic link"), Error);
    CHECK_THROWS_WITH_AS(git::files_of(place.wanted().url, std::string(40, 'a'), cache),
                         doctest::Contains("has no commit"), Error);
}

TEST_CASE("submodules come along where they are asked for") {
    const Remote place;
    place.shell(
        "git init -q -b main part; cd part; printf part > p; git add .; git commit -qm p; cd ../remote; "
        "git -c protocol.file.allow=always submodule --quiet add file://" +
        place.path + "/part sub; git commit -qm sub");
    auto wanted = place.wanted();
    git::sync(wanted);
    CHECK(place.text("sub/p") == "");
    wanted.submodules = true;
    git::sync(wanted);
    CHECK(place.text("sub/p") == "part");
}

TEST_CASE("a question that a process is asked is answered, well or not") {
    const Remote place;
    bool well = false;
    const auto question =
        fmt::format(R"({{"do":"sync","path":"{}/tree","url":"file://{}/remote"}})", place.path, place.path);
    CHECK(git::answer(question, well) == fmt::format(R"({{"commit":"{}"}})", place.commit()));
    CHECK(well);
    CHECK(has(git::answer(R"({"do":"tip","url":"file:///nonexistent"})", well), "can not ask file:///nonexistent"));
    CHECK_FALSE(well);
}
