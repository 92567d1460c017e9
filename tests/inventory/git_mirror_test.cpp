// SPDX-License-Identifier: Apache-2.0
// Repositories that a host follows, made by Debian's git. What is asked works in a process of its own: this program
// again, so its main() is its own, too.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chaos/error.hpp>
#include <chaos/git.hpp>
#include <chaos/git_mirror.hpp>
#include <chaos/process.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace chaos;

int main(int count, char** words) {
    if (count != 2 || std::string_view(words[1]) != "git-work") return doctest::Context(count, words).run();
    return git::answer_as_process();
}

namespace {

/// A remote, a cache, and a place for what is checked out. Its shell fails the test where a command fails.
class Followed {
public:
    Followed() {
        char name[] = "/tmp/chaos-mirror-XXXXXX";
        REQUIRE(::mkdtemp(name));
        path = name;
        shell(
            "git init -q -b main remote; cd remote; printf one > a; mkdir d; printf '#!/bin/sh\n' > d/x; chmod +x d/x; "
            "ln -s d/x l; git add .; git commit -qm 1; git tag v1; git tag -a -m two v1a");
        url = "file://" + path + "/remote", cache = path + "/cache";
    }
    ~Followed() { shell("rm -rf " + path); }
    Followed(const Followed&) = delete;

    std::string shell(const std::string& line) const {
        Command command{{"/bin/sh", "-ec", line}};
        command.directory = path;
        command.environment = {
            "HOME=/nonexistent",      "GIT_AUTHOR_NAME=Ann Other", "GIT_AUTHOR_EMAIL=ann@example.org",
            "GIT_COMMITTER_NAME=t",   "GIT_COMMITTER_EMAIL=t@t",   "GIT_CONFIG_NOSYSTEM=1",
            "GIT_ALLOW_PROTOCOL=file"};
        Child child(command);
        child.release();
        const auto output = child.wait();
        REQUIRE_MESSAGE(output.status == 0, line << ": " << output.err);
        return output.out.substr(0, output.out.find_last_not_of('\n') + 1);
    }
    std::string commit(const std::string& what = "HEAD") const { return shell("git -C remote rev-parse " + what); }
    /// Another commit of the remote.
    std::string go_on(const std::string& how) const {
        shell("cd remote; " + how + "; git add -A -f .; git commit -qm next");
        return commit();
    }
    git::Tip fetch(const std::string& ref = "") const { return git::fetch(cache, url, ref, access); }
    std::string check_out(const std::string& commit, const std::string& name = "tree") const {
        const std::string directory = path + "/" + name;
        REQUIRE(::mkdir(directory.c_str(), 0700) == 0);
        git::check_out(cache, url, commit, directory, limits, access);
        return directory;
    }
    /// What stands in a directory: names, modes, sizes and where links lead.
    std::string look(const std::string& name = "tree") const {
        return shell("cd " + name + "; find . -mindepth 1 -printf '%P %m %s %l\\n' | sort");
    }

    std::string path, url, cache;
    git::Access access{.stall_s = 10, .timeout_s = 60};
    git::Limits limits;
};

template <class Work>
std::string mistake(Work&& work) {
    try {
        work();
    } catch (const Busy& error) {
        return std::string("busy: ") + error.what();
    } catch (const git::TooLarge& error) {
        return std::string("too large: ") + error.what() + " | " + error.hint;
    } catch (const Error& error) {
        return std::string(error.what()) + " | " + error.hint;
    }
    return "none";
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a remote says what a branch, a tag and its first branch stand for") {
    const Followed place;
    const auto ask = [&](const std::string& ref) { return git::tip(place.url, ref, place.access); };
    CHECK(ask("").commit == place.commit());
    CHECK(ask("").ref == "refs/heads/main");
    CHECK(ask("main").ref == "refs/heads/main");
    CHECK(ask("v1").ref == "refs/tags/v1");
    CHECK(ask("v1").tag == "");
    const auto tag = ask("refs/tags/v1a");
    CHECK(tag.commit == place.commit());
    CHECK(tag.tag == place.commit("v1a"));
    CHECK(mistake([&] { ask("none"); }) ==
          fmt::format("{} has no branch or tag none | its branches are: main", place.url));
    place.go_on("git branch v1; printf two > a");
    CHECK(ask("v1").ref == "refs/heads/v1");  // both are one commit
    place.shell("git -C remote branch -f v1 main");
    CHECK(has(mistake([&] { ask("v1"); }), "has a branch v1 and a tag v1, and they are not the same"));
    CHECK(ask("refs/tags/v1").commit == place.commit("HEAD^"));
}

TEST_CASE("a fetch makes the cache for its owner alone, and keeps what was there") {
    const Followed place;
    const auto first = place.fetch();
    CHECK(first.commit == place.commit());
    struct stat about {};
    REQUIRE(::stat(place.cache.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0700);
    place.shell("git -C cache fsck --strict 2> fsck");
    place.shell("cd remote; printf other > a; git commit -qa --amend -m other");
    const auto second = place.fetch("main");
    CHECK(second.commit == place.commit());
    CHECK(second.commit != first.commit);
    CHECK(git::commit_at(place.cache, first.commit).message == "1\n");
    CHECK(git::commit_at(place.cache, second.commit).message == "other\n");
    CHECK_FALSE(git::descends(place.cache, first.commit, second.commit));
    CHECK(place.fetch("main").commit == second.commit);
}

TEST_CASE("a tag is fetched with its object, which tells who made it and what it calls itself") {
    const Followed place;
    const auto tip = place.fetch("v1a");
    const auto tag = git::tag_at(place.cache, tip.tag);
    CHECK(tag.name == "v1a");
    CHECK(tag.message == "two\n");
    CHECK(tag.author == "t");
    CHECK(tag.email == "t@t");
    CHECK(tag.parents == std::vector<std::string>{tip.commit});
    CHECK(tag.signature == "");
    CHECK(tag.payload == place.shell("git -C remote cat-file tag v1a") + "\n");
    CHECK(has(mistake([&] { git::tag_at(place.cache, tip.commit); }), "is no tag"));
    CHECK(has(mistake([&] { git::commit_at(place.cache, tip.tag); }), "is no commit"));
    place.shell("cd remote; git tag -a -m blob blob $(git rev-parse HEAD:a)");
    CHECK(has(mistake([&] { place.fetch("blob"); }), "refs/tags/blob of " + place.url + " is no commit"));
}

TEST_CASE("a commit tells who wrote it and when it was made") {
    const Followed place;
    place.shell("cd remote; printf two > a; GIT_COMMITTER_DATE='1700000000 +0200' git commit -qam 'two\n\nlong'");
    const auto tip = place.fetch();
    const auto commit = git::commit_at(place.cache, tip.commit);
    CHECK(commit.hash == tip.commit);
    CHECK(commit.parents == std::vector<std::string>{place.commit("HEAD^")});
    CHECK(commit.author == "Ann Other");
    CHECK(commit.email == "ann@example.org");
    CHECK(commit.time_s == 1700000000);
    CHECK(commit.message == "two\n\nlong\n");
    CHECK(commit.payload == place.shell("git -C remote cat-file commit HEAD") + "\n");
    CHECK(has(mistake([&] { git::commit_at(place.cache, std::string(40, 'a')); }), "is not in the cache"));
    CHECK(has(mistake([&] { git::commit_at(place.cache, "HEAD"); }), "a commit is 40 digits"));
    CHECK(has(mistake([&] { git::commit_at(place.path + "/none", tip.commit); }), "nothing was fetched into"));
}

TEST_CASE("a signature is given as it stands, with what it signs") {
    const Followed place;
    place.shell(
        "ssh-keygen -q -t ed25519 -N '' -f key; cd remote; git config gpg.format ssh; git config user.signingkey "
        "../key.pub; printf 's ' > ../allowed; cat ../key.pub >> ../allowed; printf two > a; git commit -qS -am two; "
        "git tag -s -m signed v2");
    const auto tip = place.fetch("v2");
    const auto verify = [&](const git::Commit& what) {
        std::ofstream(place.path + "/signature") << what.signature;
        std::ofstream(place.path + "/payload") << what.payload;
        return place.shell("ssh-keygen -Y verify -f allowed -I s -n git -s signature < payload | cut -c1-21");
    };
    CHECK(verify(git::commit_at(place.cache, tip.commit)) == "Good \"git\" signature ");
    CHECK(verify(git::tag_at(place.cache, tip.tag)) == "Good \"git\" signature ");
    CHECK(git::tag_at(place.cache, tip.tag).message == "signed\n");
}

TEST_CASE("history goes along first parents, oldest first, and ends where it is asked to") {
    const Followed place;
    const auto first = place.commit();
    place.shell("cd remote; git checkout -q -b side; printf s > s; git add s; git commit -qm side");
    place.shell("cd remote; git checkout -q main; printf two > a; git commit -qam two; git merge -q -m merge side");
    const auto last = place.go_on("printf three > a");
    place.fetch("main");
    const auto messages = [&](const std::string& from, std::size_t most) {
        std::string all;
        for (const auto& commit : git::history(place.cache, from, last, most)) all += commit.message;
        return all;
    };
    CHECK(messages("", 100) == "1\ntwo\nmerge\nnext\n");
    CHECK(messages(first, 100) == "two\nmerge\nnext\n");
    CHECK(messages(first, 2) == "merge\nnext\n");
    CHECK(messages(last, 100) == "");
    CHECK(git::descends(place.cache, first, last));
    CHECK(git::descends(place.cache, last, last));
    CHECK(git::descends(place.cache, place.commit("side"), last));
    CHECK_FALSE(git::descends(place.cache, last, first));
    CHECK_FALSE(git::descends(place.cache, std::string(40, 'a'), last));
    CHECK(git::changed_paths(place.cache, first, last) == std::vector<std::string>{"a", "s"});
    CHECK(git::changed_paths(place.cache, last, last).empty());
    CHECK(git::changed_paths(place.cache, "", first) == std::vector<std::string>{"a", "d/x", "l"});
}

TEST_CASE("a file of a commit is read, and what is no file or too large is not") {
    const Followed place;
    const auto commit = place.fetch().commit;
    const auto read = [&](const char* path, std::uint64_t most) {
        return git::file_at(place.cache, commit, path, most);
    };
    CHECK(read("a", 3) == "one");
    CHECK(read("d/x", 100) == "#!/bin/sh\n");
    CHECK(read("none", 100) == std::nullopt);
    CHECK(read("d/none/x", 100) == std::nullopt);
    CHECK(read("", 100) == std::nullopt);
    CHECK(has(mistake([&] { read("a", 2); }), "a has 3 bytes, and at most 2 are read"));
    CHECK(has(mistake([&] { read("d", 100); }), "is a directory, and a file is wanted"));
    CHECK(has(mistake([&] { read("l", 100); }), "is a symbolic link, and a file is wanted"));
}

TEST_CASE("the files of a commit are written as they are, and nothing of git") {
    const Followed place;
    place.go_on(
        "printf '* text eol=crlf\na export-ignore\nb ident\n' > .gitattributes; printf 'x\n$Id$\n' > b; mkdir -p e/f; "
        ": > e/f/g");
    const auto commit = place.fetch().commit;
    place.check_out(commit);
    CHECK(
        place.look() ==
        ".gitattributes 644 40 \na 644 3 \nb 644 7 \nd 755 4096 \nd/x 755 10 \ne 755 4096 \ne/f 755 4096 \ne/f/g 644 0 "
        "\nl 777 3 d/x");
    CHECK(has(mistake([&] { git::check_out(place.cache, place.url, commit, place.path + "/tree", {}, place.access); }),
              "was expected to be an empty directory of our own"));
    CHECK(has(mistake([&] { place.check_out(std::string(40, 'a'), "other"); }), "is not in the cache"));
    CHECK(place.look("other") == "");
}

TEST_CASE("what a commit may not have is refused, and nothing of it is left") {
    struct Case {
        const char *how, *says;
    };
    for (const Case& each : std::initializer_list<Case>{
             {"printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n' > big",
              "big is kept by Git LFS: the repository has a pointer, and not the file"},
             {"ln -s /etc/passwd e", "e is a link that could lead out of the repository: /etc/passwd"},
             {"ln -s .. e", "e is a link that could lead out"},
             {"ln -s ../../x d/e", "d/e is a link that could lead out"},
             {"mkdir -p p/q/r; ln -s ../../../d p/q/r/s; ln -s p/q/r/s/../../x e", "e is a link that could lead out"},
             {"head -c 2000000 /dev/zero > zero", "zero has 1 MiB, and a file may have 1 MiB"},
             {"for i in 1 2 3 4; do head -c 900000 /dev/zero > z$i; done", "its files come to more than 3 MiB"},
             {"for i in $(seq 60); do : > f$i; done", "it has more than 50 files"},
             {"mkdir -p $(printf 'x/%.0s' $(seq 70)); : > $(printf 'x/%.0s' $(seq 70))y", "directories deep"},
             {"git -c protocol.file.allow=always submodule --quiet add ./ sub; git config -f .gitmodules "
              "submodule.sub.path other",
              "sub is a submodule that .gitmodules does not name"},
         }) {
        CAPTURE(each.how);
        Followed place;
        place.limits = {1 << 20, 3 << 20, 50};
        if (has(each.says, "deep")) place.limits.most_files = 1000;
        const auto commit = place.go_on(each.how);
        place.fetch();
        CHECK(has(mistake([&] { place.check_out(commit); }), each.says));
        CHECK(place.look() == "");
    }
}

TEST_CASE("links that stay inside are made, however they get there") {
    const Followed place;
    const auto commit = place.go_on(
        "ln -s ../a d/up; ln -s nowhere dangling; ln -s ./d//x slashes; mkdir -p e/f; ln -s "
        "../../d/x e/f/g");
    place.fetch();
    place.check_out(commit);
    CHECK(place.shell("cd tree; readlink d/up dangling slashes e/f/g; cat d/up") ==
          "../a\nnowhere\n./d//x\n../../d/x\none");
}

TEST_CASE("trees as no git makes them write nothing outside") {
    for (const char* name : {"..", ".git", ".GIT", ".", "a/b", ""}) {
        CAPTURE(name);
        const Followed place;
        place.shell(fmt::format(
            "cd remote; blob=$(printf evil | git hash-object -w --stdin); tree=$(printf '100644 blob %s\\tout' $blob | "
            "git mktree); {{ printf '40000 {}\\0'; printf %s $tree | perl -pe '$_ = pack \"H*\", $_'; }} > ../raw; "
            "bad=$(git hash-object -w --literally -t tree ../raw); git update-ref refs/heads/bad $(git commit-tree -m "
            "bad $bad); rm ../raw",
            name));
        const auto wrong = mistake([&] {
            const auto commit = place.fetch("bad").commit;
            place.check_out(commit);
        });
        CHECK(wrong != "none");
        CHECK(place.shell("find . -name out") == "");
        place.shell("git -C remote update-ref -d refs/heads/bad");  // from this host all branches come along
        CHECK(place.fetch("main").commit == place.commit());
    }
}

TEST_CASE("one name twice, a link and a directory, does not lead a file elsewhere") {
    const Followed place;
    place.shell(
        "mkdir target; cd remote; blob=$(printf evil | git hash-object -w --stdin); tree=$(printf '100644 blob "
        "%s\\tout' $blob | git mktree); link=$(printf ../target | git hash-object -w --stdin); "
        "raw() { printf \"$1\\0\"; printf %s $2 | perl -pe '$_ = pack \"H*\", $_'; }; "
        "inner=$({ raw '120000 x' $link; raw '40000 x' $tree; } | git hash-object -w --literally -t tree --stdin); "
        "{ raw '40000 s' $inner; } > ../raw; bad=$(git hash-object -w --literally -t tree ../raw); "
        "git update-ref refs/heads/bad $(git commit-tree -m bad $bad); rm ../raw");
    const auto wrong = mistake([&] {
        const auto commit = place.fetch("bad").commit;
        place.check_out(commit);
    });
    CHECK(wrong != "none");
    CHECK(place.shell("ls target") == "");
}

TEST_CASE("a second fetch at once is told that one is at work") {
    const Followed place;
    place.fetch();
    const int held = ::open((place.cache + "/chaos-lock").c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(::flock(held, LOCK_EX) == 0);
    CHECK(mistake([&] { place.fetch(); }) == "busy: something else is fetching into " + place.cache + " now");
    ::close(held);
    CHECK(mistake([&] { place.fetch(); }) == "none");
}

TEST_CASE("what a killed fetch left is gone with the next") {
    const Followed place;
    place.fetch();
    place.shell(
        "cd cache; : > objects/pack/pack_git2_a1b2c3; : > "
        "objects/pack/pack-0123456789012345678901234567890123456789.pack; "
        ": > refs/chaos/tips/heads%2Fmain.lock; : > config.lock; : > HEAD.lock; chmod 444 objects/pack/*");
    const auto next = place.go_on("printf two > a");
    CHECK(place.fetch().commit == next);
    CHECK(place.shell("cd cache; ls objects/pack | grep -vE '^pack-[0-9a-f]{40}[.](pack|idx)$' | wc -l; find . -name "
                      "'*.lock'") == "0");
    CHECK(place.shell("ls cache/objects/pack | grep -c 0123456789 || true") == "0");
}

TEST_CASE("a cache that a power cut left half made, or without what its references lead to, is made anew") {
    const Followed place;
    for (const char* damage :
         {"mkdir -m 700 cache; : > cache/HEAD; mkdir -p cache/objects cache/refs", "rm -r cache/objects/*",
          "for f in cache/objects/pack/*; do : > $f; done", ": > cache/refs/chaos/tips/heads%2Fmain"}) {
        CAPTURE(damage);
        place.shell(damage);
        CHECK(place.fetch().commit == place.commit());
        CHECK(place.shell("git -C cache fsck --strict --no-dangling") == "");
        CHECK(git::file_at(place.cache, place.commit(), "a", 10) == "one");
    }
}

TEST_CASE("a file that is larger than what may be fetched is refused before all of it came") {
    Followed place;
    place.fetch();
    place.go_on("head -c 9000000 /dev/urandom > large");
    place.access.most_file = 1 << 20;
    const std::string before = place.shell("ls -A cache/objects/pack");
    const std::string why = mistake([&] { place.fetch(); });
    CHECK(has(why, "too large: can not fetch"));
    CHECK(has(why, "it has a file of more than 1 MiB"));
    CHECK(place.shell("ls -A cache/objects/pack") == before);
}

TEST_CASE("a remote that is broken, or holds too much, leaves the cache as it was") {
    Followed place;
    place.fetch();
    const auto before = place.shell("find cache -type f | sort");
    const auto good = place.go_on("head -c 3000000 /dev/urandom > large");
    place.access.most_bytes = 1'000'000;
    CHECK(has(mistake([&] { place.fetch(); }), "more than 0 MiB came"));
    CHECK(place.shell("find cache -type f | sort") == before);
    place.access = {.stall_s = 10, .timeout_s = 60, .most_file = 1'000'000};
    CHECK(mistake([&] { place.fetch(); }) != "none");
    CHECK(place.shell("find cache -type f | sort") == before);
    place.access = {.stall_s = 10, .timeout_s = 60};
    // Without it, and not with half of it: over that libgit2 reads for ever, and only its time ends it.
    place.shell(
        "cd remote; object=$(git rev-parse HEAD:large); mv .git/objects/$(echo $object | sed 's|..|&/|') ../kept");
    CHECK(mistake([&] { place.fetch(); }) != "none");
    CHECK(place.shell("find cache -type f | sort") == before);
    place.shell(
        "cd remote; object=$(git rev-parse HEAD:large); mv ../kept .git/objects/$(echo $object | sed 's|..|&/|')");
    CHECK(place.fetch().commit == good);
    CHECK(place.shell("git -C remote gc -q; git -C cache fsck --strict 2>&1 | grep -c corrupt || true") == "0");
}

TEST_CASE("branches that take each other's names follow each other") {
    const Followed place;
    place.shell("git -C remote branch topic");
    place.fetch("topic");
    place.shell("git -C remote branch -D topic; git -C remote branch topic/a");
    CHECK(place.fetch("topic/a").ref == "refs/heads/topic/a");
}

TEST_CASE("a cache of others, or none, is not believed") {
    const Followed place;
    place.fetch();
    place.shell("chmod 777 cache");
    CHECK(has(mistake([&] { place.fetch(); }), "is a directory that others can write to"));
    CHECK(
        has(mistake([&] { git::commit_at(place.cache, place.commit()); }), "is a directory that others can write to"));
    place.shell("chmod 700 cache; mv cache other; ln -s other cache");
    CHECK(has(mistake([&] { place.fetch(); }), "is no directory"));
}

TEST_CASE("what another person has is followed where the url says file:// alone") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: it needs root");
        return;
    }
    Followed place;
    place.shell("chmod 755 .; chown -R 65534 remote");
    CHECK(place.fetch().commit == place.shell("git -c safe.directory='*' -C remote rev-parse HEAD"));
    place.url = place.path + "/remote";
    CHECK(has(mistake([&] { place.fetch(); }), "belongs to somebody else | write file://" + place.url));
}

TEST_CASE("submodules come along, relative to what they are in, and with submodules of their own") {
    const Followed place;
    place.shell(
        "git init -q -b main leaf; cd leaf; echo leaf > f; git add .; git commit -qm leaf; git init -q -b main "
        "../part; "
        "cd ../part; echo part > p; git -c protocol.file.allow=always submodule --quiet add ../leaf in/leaf; git add "
        ".; "
        "git commit -qm part; ln -s ../../a out; git add out; git commit -qm link");
    const auto commit = place.go_on("git -c protocol.file.allow=always submodule --quiet add ../part sub/part");
    place.fetch();
    place.check_out(commit);
    CHECK(place.shell("cd tree; cat sub/part/p sub/part/in/leaf/f sub/part/out; find . -name .git") ==
          "part\nleaf\none");
    // Moved on there, and rewritten: what this commit wants is not there any more, but it is here.
    place.shell("cd part; git commit -q --amend -m other");
    place.check_out(commit, "again");
    CHECK(place.look("again") == place.look());
    place.shell("rm -r cache/submodules");
    CHECK(has(mistake([&] { place.check_out(commit, "third"); }), "submodule sub/part: "));
}

TEST_CASE("a cache that was damaged says so, and does not bring the asker down") {
    const Followed place;
    const auto commit = place.fetch().commit;
    place.shell(
        "cd cache/objects/pack; chmod u+w *.pack; size=$(stat -c %s *.pack); head -c $((size - 34)) /dev/zero | "
        "dd of=$(ls *.pack) bs=1 seek=14 conv=notrunc 2> /dev/null");
    CHECK(mistake([&] { place.check_out(commit); }) != "none");
    CHECK(mistake([&] { git::commit_at(place.cache, commit); }) != "none");
    CHECK(mistake([&] { git::history(place.cache, "", commit, 10); }) != "none");
}
