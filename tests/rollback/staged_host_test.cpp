// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <chaos/root_host.hpp>
#include <cstddef>
#include <ctime>
#include <set>

#include "all_kinds.hpp"
#include "disk_journal.hpp"
#include "rollback/beneath.hpp"
#include "rollback/descriptor.hpp"
#include "scratch.hpp"

using namespace chaos;
using namespace chaos::rollback;
using doctest::Contains;

namespace {

std::set<dev_t> synced;   ///< File systems, by this program.
bool sync_fails = false;  ///< The next one, and late.

}  // namespace

/// In place of libc's: what is synced can be read of nothing else.
extern "C" int syncfs(int descriptor) noexcept {
    struct stat found {};
    if (::fstat(descriptor, &found) == 0) synced.insert(found.st_dev);
    if (std::exchange(sync_fails, false)) {
        ::poll(nullptr, 0, 300);
        errno = EIO;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_syncfs, descriptor));
}

namespace {

/// A root with a journal and a StagedHost over it.
class Bench {
public:
    Bench() {
        for (const char* name : {"root", "root/etc", "root/var", "root/var/lib", "root/var/lib/chaos"})
            REQUIRE(::mkdir((scratch / name).c_str(), 0755) == 0);
        test::put_file(etc("passwd"), "root:x:0:0::/root:/bin/sh\nwww:x:1000:1001::/:/bin/false\n");
        test::put_file(etc("group"), "root:x:0:\nweb:x:1001:\n");
        looking.emplace(root());
        journal.emplace(scratch / "journal");
        host.emplace(*looking, root(), root() + "/var/lib/chaos", 7, *journal);
    }
    std::string root() const { return scratch / "root"; }
    std::string etc(const std::string& name) const { return root() + "/etc/" + name; }

    Scratch scratch;
    std::optional<RootHost> looking;
    std::optional<test::DiskJournal> journal;
    std::optional<StagedHost> host;
};

bool is_root() {
    if (::geteuid() == 0) return true;
    MESSAGE("skipped: owners need root");
    return false;
}

/// What a child of ours ends with.
template <class Work>
int in_child(const Work& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        int status = 99;
        try {
            status = work();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "child: %s\n", error.what());
        }
        ::_exit(status);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/// From now on renameat2 with these flags is unknown, as to a file system that has not learnt them.
bool forbid_rename_flags(unsigned flags) {
    const sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args) + 4 * sizeof(std::uint64_t)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{std::size(program), const_cast<sock_filter*>(program)};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

TEST_CASE("The queue is seen through before anything is on the disk") {
    Bench bench;
    StagedHost& host = *bench.host;
    test::put_file(bench.etc("a"), "old");
    host.write("/etc/a", Content("new"), {0600, "www", "web"});
    host.make_directory("/etc/d", {0750});
    host.write("/etc/d/f", Content("f"), {0644});
    host.make_link("/etc/l", "a", {});
    host.remove("/etc/group");
    std::string bytes;
    const Entry entry = host.look("/etc/a", &bytes, 100);
    CHECK(entry.mode == 0600);
    CHECK(entry.uid == 1000);
    CHECK(entry.gid == 1001);
    CHECK(bytes == "new");
    CHECK(host.content("/etc/a").bytes() == "new");
    CHECK(host.look("/etc/d", nullptr, 0).kind == Entry::Kind::directory);
    CHECK(host.list("/etc") == std::vector<std::string>{"a", "d", "l", "passwd"});
    CHECK(host.list("/etc/d") == std::vector<std::string>{"f"});
    CHECK_FALSE(host.look("/etc/group", nullptr, 0));
    CHECK(slurp(bench.etc("a")) == "old");
    CHECK_FALSE(there(bench.etc("d")));
    host.discard();
    CHECK(host.list("/etc") == std::vector<std::string>{"a", "group", "passwd"});
    CHECK(bench.journal->intentions == 0);
}

TEST_CASE("A tree removed in the queue is gone, and what is made in its place is there") {
    Bench bench;
    StagedHost& host = *bench.host;
    REQUIRE(::mkdir(bench.etc("t").c_str(), 0755) == 0);
    test::put_file(bench.etc("t/f"), "old");
    host.write("/etc/t/g", Content("dropped with the tree"), {});
    host.remove_tree("/etc/t");
    CHECK_FALSE(host.look("/etc/t/f", nullptr, 0));
    CHECK(host.list("/etc") == std::vector<std::string>{"group", "passwd"});
    host.make_directory("/etc/t", {0700});
    host.write("/etc/t/f", Content("new"), {0644});
    CHECK(host.list("/etc/t") == std::vector<std::string>{"f"});
    host.publish();
    CHECK(slurp(bench.etc("t/f")) == "new");
    CHECK_FALSE(there(bench.etc("t/g")));
}

TEST_CASE("What is as asked already is not touched, and nobody is told of it") {
    Bench bench;
    test::put_file(bench.etc("a"), "same", 0640);
    const Image before = bench.host->image("/etc/a");
    bench.host->write("/etc/a", Content("same"), {0640});
    bench.host->remove("/etc/never");
    bench.host->remove_tree("/etc/never2");
    bench.host->make_directory("/etc", {0755});
    bench.host->publish();
    CHECK(bench.journal->intentions == 0);
    CHECK(bench.host->image("/etc/a").same_inode(before));
    CHECK(bench.host->touched().empty());
}

TEST_CASE("A publish is one intention, and its stage goes with the sweep") {
    if (!is_root()) return;
    Bench bench;
    StagedHost& host = *bench.host;
    test::put_file(bench.etc("a"), "old", 0640);
    REQUIRE(::chown(bench.etc("a").c_str(), 1000, 1001) == 0);
    host.write("/etc/a", Content("new"), {0604});
    host.make_directory("/etc/d", {02770, "www", "web"});
    host.write("/etc/d/f", Content("f"), {04755, "www", ""});
    host.publish();
    host.sync();
    CHECK(bench.journal->intentions == 1);
    const Image a = host.image("/etc/a"), d = host.image("/etc/d"), f = host.image("/etc/d/f");
    CHECK(a.mode == 0604);
    CHECK(a.uid == 1000);  // nobody spoke of it
    CHECK(d.mode == 02770);
    CHECK(d.gid == 1001);
    CHECK(f.mode == 04755);
    CHECK(f.uid == 1000);
    CHECK(bench.journal->blob(digest("old")).bytes() == "old");
    CHECK(host.touched() == std::vector<std::string>{"/var/lib/chaos/stage/7"});
    host.sweep(host.touched());
    host.sweep(host.touched());
    CHECK_FALSE(there(bench.root() + "/var/lib/chaos/stage/7"));
    CHECK_THROWS_WITH(host.sweep({"/etc"}), Contains("expected a stage directory"));
}

TEST_CASE("An owner nobody knows, a missing directory and a wrong kind are said before anything is touched") {
    Bench bench;
    StagedHost& host = *bench.host;
    test::put_file(bench.etc("a"), "old");
    host.write("/etc/a", Content("new"), {});
    host.write("/etc/b", Content("b"), {0644, "nobody-there", ""});
    CHECK_THROWS_WITH(host.publish(), "there is no user \"nobody-there\" in /etc/passwd");
    host.write("/etc/a", Content("new"), {});
    host.write("/etc/x/y", Content("b"), {});
    CHECK_THROWS_WITH(host.publish(), "/etc/x/y: the directory /etc/x is not there");
    host.write("/etc", Content("b"), {});
    CHECK_THROWS_WITH(host.publish(), "/etc: expected a regular file, found a directory");
    host.set_meta("/etc/x", {});
    CHECK_THROWS_WITH(host.publish(), Contains("/etc/x: expected something there"));
    CHECK_THROWS_WITH(host.write("/etc/../etc/a", Content("b"), {}), Contains(".."));
    CHECK(slurp(bench.etc("a")) == "old");
    CHECK(bench.journal->intentions == 0);
}

TEST_CASE("A stage directory is told to the journal although the publish before it failed at its first look") {
    Bench bench;
    bench.host->write("/etc/a", Content("a"), {});
    bench.host->set_meta("/etc/nothing", {});
    CHECK_THROWS_AS(bench.host->publish(), Error);
    bench.host->write("/etc/a", Content("a"), {});
    bench.host->publish();
    CHECK(bench.journal->stages() == std::vector<std::string>{"/var/lib/chaos/stage/7"});
}

TEST_CASE("A publish that fails half-way leaves nothing of itself") {
    Bench bench;
    StagedHost& host = *bench.host;
    test::put_file(bench.etc("a"), "old");
    REQUIRE(::mkdir(bench.etc("full").c_str(), 0755) == 0);
    test::put_file(bench.etc("full/f"), "f");
    const std::string before = test::manifest(bench.root());
    host.write("/etc/a", Content("new"), {});
    host.write("/etc/b", Content("b"), {});
    host.make_directory("/etc/d", {0755});
    host.write("/etc/d/f", Content("f"), {});
    host.remove("/etc/full");
    CHECK_THROWS_WITH(host.publish(), "/etc/full: can not be removed: Directory not empty");
    CHECK(test::manifest(bench.root()) == before);
}

TEST_CASE("Somebody's edit between the look and the publish stops it and stays") {
    Bench bench;
    StagedHost& host = *bench.host;
    test::put_file(bench.etc("a"), "old");
    host.write("/etc/b", Content("b"), {});
    host.write("/etc/a", Content("new"), {});
    struct Editing final : Journal {
        explicit Editing(const std::string& file) : path(file) {}
        void announce(std::span<Operation* const> operations, const std::vector<std::string>&, Durable) override {
            for (std::size_t i = 0; i < operations.size(); ++i) operations[i]->number = static_cast<std::int64_t>(i);
        }
        void intend(std::span<Operation* const>, const std::vector<Content>&) override {
            test::put_file(path, "somebody's\n");
        }
        Content blob(Digest) const override { throw Error("no blob here"); }
        void fence(int, const Command&) override {}
        void lift(int) override {}
        std::string path;
    } editing(bench.etc("a"));
    StagedHost other(*bench.looking, bench.root(), bench.root() + "/var/lib/chaos", 8, editing);
    other.write("/etc/b", Content("b"), {});
    other.write("/etc/a", Content("new"), {});
    const Descriptor watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    REQUIRE(::inotify_add_watch(*watch, (bench.root() + "/etc").c_str(), IN_CREATE | IN_MOVED_TO) >= 0);
    CHECK_THROWS_WITH(other.publish(), "/etc/a changed since the plan was made");
    char events[1024];
    CHECK(::read(*watch, events, sizeof events) < 0);  // not for a moment was anything of it to be seen
    CHECK(slurp(bench.etc("a")) == "somebody's\n");
    CHECK_FALSE(there(bench.etc("b")));
}

TEST_CASE("Of many files none is shown before it is recorded how it was, however long that takes") {
    Bench bench;
    constexpr int many = 200;
    for (int i = 0; i < many; ++i) test::put_file(bench.etc(std::to_string(i)), "old");
    struct Slow final : Journal {
        explicit Slow(Bench& of) : bench(of) {}
        void announce(std::span<Operation* const>, const std::vector<std::string>& stages, Durable) override {
            if (!stages.empty()) stage = bench.root() + stages[0];
            ::mkdir(stage.substr(0, stage.rfind('/')).c_str(), 0700), ::mkdir(stage.c_str(), 0700);
            staging = Descriptor(::inotify_init1(IN_CLOEXEC));
            showing = Descriptor(::inotify_init1(IN_CLOEXEC));
            REQUIRE(::inotify_add_watch(*staging, stage.c_str(), IN_CLOSE_WRITE) >= 0);
            REQUIRE(::inotify_add_watch(*showing, bench.etc("").c_str(), IN_MOVED_TO) >= 0);
        }
        void intend(std::span<Operation* const> operations, const std::vector<Content>&) override {
            const auto last = stage + operations.back()->staged.substr(operations.back()->staged.rfind('/'));
            while (!there(last) && happens(staging, 10'000)) continue;
            staged_meanwhile = there(last);
            shown |= happens(showing, 300);  // time enough, if it did not wait for this
            if (fails) throw Error("no room to record it");
        }
        Content blob(Digest) const override { throw Error("no blob here"); }
        void fence(int, const Command&) override {}
        void lift(int) override {}
        static bool happens(const Descriptor& watch, int within_ms) {
            pollfd waits{*watch, POLLIN, 0};
            char events[4096];
            return ::poll(&waits, 1, within_ms) == 1 && ::read(*watch, events, sizeof events) > 0;
        }
        Bench& bench;
        std::string stage;
        Descriptor staging, showing;
        bool shown = false, staged_meanwhile = false, fails = true;
    } slow(bench);
    StagedHost host(*bench.looking, bench.root(), bench.root() + "/var/lib/chaos", 8, slow);
    const std::string before = test::manifest(bench.root() + "/etc");
    for (const bool fails : {true, false}) {
        slow.fails = fails;
        for (int i = 0; i < many; ++i) host.write("/etc/" + std::to_string(i), Content("new"), {});
        if (fails) {
            CHECK_THROWS_WITH(host.publish(), "no room to record it");
            CHECK(test::manifest(bench.root() + "/etc") == before);
        } else {
            host.publish();
        }
        CHECK(slow.staged_meanwhile);
        CHECK_FALSE(slow.shown);
    }
    CHECK(slurp(bench.etc("199")) == "new");
}

TEST_CASE("Of many files none is shown when their sync fails, however late, and that is what is told, then and later") {
    Bench bench;
    constexpr int many = 200;
    for (int i = 0; i < many; ++i) test::put_file(bench.etc(std::to_string(i)), "old");
    const std::string before = test::manifest(bench.root() + "/etc");
    for (const bool something_else_fails : {false, true}) {
        StagedHost host(*bench.looking, bench.root(), bench.root() + "/var/lib/chaos", 8, *bench.journal);
        for (int i = 0; i < many; ++i) host.write("/etc/" + std::to_string(i), Content("new"), {});
        bool asked = false;
        sync_fails = true;
        const auto meanwhile = [&] {
            asked = true;
            if (something_else_fails) throw Error("something else");
        };
        CHECK_THROWS_WITH(host.publish({{}, 0, meanwhile}), doctest::Contains("(syncfs)"));
        CHECK(asked);
        CHECK(test::manifest(bench.root() + "/etc") == before);
        CHECK_THROWS_WITH(host.sync(), doctest::Contains("(syncfs)"));
    }
}

TEST_CASE("Taking back leaves what somebody edited after, and names it") {
    Bench bench;
    StagedHost& host = *bench.host;
    test::put_file(bench.etc("a"), "old");
    test::put_file(bench.etc("b"), "old b");
    host.write("/etc/a", Content("new"), {});
    host.write("/etc/b", Content("new b"), {});
    host.make_directory("/etc/d", {0755});
    host.publish();
    test::put_file(bench.etc("a"), "edited");
    test::put_file(bench.etc("d/foreign"), "x");
    const std::vector<Operation> left = host.unpublish(bench.journal->operations());
    REQUIRE(left.size() == 2);
    CHECK(left[0].path == "/etc/d");
    CHECK(left[1].path == "/etc/a");
    CHECK(slurp(bench.etc("a")) == "edited");
    CHECK(slurp(bench.etc("b")) == "old b");
    CHECK(there(bench.etc("d/foreign")));
}

TEST_CASE("Taking back needs the stage no more than the store: lost inodes are made again from blobs") {
    if (!is_root()) return;
    Bench bench;
    StagedHost& host = *bench.host;
    test::put_file(bench.etc("a"), "old", 0640);
    REQUIRE(::chown(bench.etc("a").c_str(), 1000, 1001) == 0);
    test::put_file(bench.etc("gone"), "gone");
    REQUIRE(::symlink("a", bench.etc("l").c_str()) == 0);
    REQUIRE(::mkdir(bench.etc("d").c_str(), 0711) == 0);
    const std::string before = test::manifest(bench.root());
    host.write("/etc/a", Content("new"), {});
    host.remove("/etc/gone");
    host.make_link("/etc/l", "b", {});
    host.remove("/etc/d");
    host.publish();
    host.sweep(host.touched());
    CHECK(host.unpublish(bench.journal->operations()).empty());
    CHECK(test::manifest(bench.root()) == before);
}

TEST_CASE("A tree goes to the trash in one move, survives the sweep and comes back with all in it") {
    Bench bench;
    StagedHost& host = *bench.host;
    REQUIRE(::mkdir(bench.etc("t").c_str(), 0711) == 0);
    test::put_file(bench.etc("t/f"), "old", 0604);
    REQUIRE(::link(bench.etc("t/f").c_str(), bench.etc("t/g").c_str()) == 0);
    const std::string before = test::manifest(bench.root());
    host.remove_tree("/etc/t");
    host.publish();
    CHECK_FALSE(there(bench.etc("t")));
    host.sweep(host.touched());
    const Operation removed = bench.journal->operations().at(0);
    host.restore("/etc/t", removed.before, removed.staged);
    host.publish();
    CHECK(test::manifest(bench.root()) == before);
    bench.journal->forget();
}

TEST_CASE("A tree that came from the trash is known again after a boot, when its device has another number") {
    Bench bench;
    StagedHost& host = *bench.host;
    REQUIRE(::mkdir(bench.etc("t").c_str(), 0711) == 0);
    test::put_file(bench.etc("t/f"), "old", 0604);
    host.remove_tree("/etc/t");
    host.publish();
    const std::string gone = test::manifest(bench.root());
    const Operation removed = bench.journal->operations().at(0);
    host.restore("/etc/t", removed.before, removed.staged);
    host.publish();
    Operation restored = bench.journal->operations().at(1);
    REQUIRE(restored.after.inode != 0);
    restored.after.device += 1;
    CHECK(host.unpublish({restored}).empty());
    CHECK(test::manifest(bench.root()) == gone);
    restored.after.inode += 1;  // another one is somebody's
    REQUIRE(::mkdir(bench.etc("t").c_str(), 0711) == 0);
    Operation other = removed;
    other.staged += "-other", other.after = removed.before, other.before = {}, other.after.inode += 1;
    CHECK(host.unpublish({other}).size() == 1);
    CHECK(there(bench.etc("t")));
}

TEST_CASE("A path is put as an image says, to the attributes and the mtime") {
    Bench bench;
    StagedHost& host = *bench.host;
    test::put_file(bench.etc("a"), "old", 0640);
    REQUIRE(::setxattr(bench.etc("a").c_str(), "user.note", "x", 1, 0) == 0);
    const std::string before = test::manifest(bench.root());
    const Image image = host.image("/etc/a");
    host.write("/etc/a", Content("new"), {0644});
    host.publish();
    host.sweep(host.touched());
    REQUIRE(::removexattr(bench.etc("a").c_str(), "user.note") == 0);
    CHECK(test::manifest(bench.root()) != before);
    host.restore("/etc/a", image);
    host.publish();
    CHECK(test::manifest(bench.root()) == before);
    host.restore("/etc/a", {});
    host.publish();
    CHECK_FALSE(there(bench.etc("a")));
}

TEST_CASE("A big file's old inode is adopted by its digest before the sweep") {
    Bench bench;
    StagedHost& host = *bench.host;
    const std::string big((1U << 20U) + 1, 'x');
    test::put_file(bench.etc("big"), big);
    host.write("/etc/big", Content("small"), {});
    host.publish();
    host.adopt(bench.journal->operations());
    host.adopt(bench.journal->operations());
    host.sweep(host.touched());
    const std::string object = bench.root() + "/var/lib/chaos/objects/" + hex(digest(big));
    CHECK(slurp(object) == big);
    struct stat found {};
    REQUIRE(::stat(object.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("A link in a directory that others can write is not followed, one that root laid is") {
    if (!is_root()) return;
    Bench bench;
    StagedHost& host = *bench.host;
    for (const char* name : {"real", "open"}) REQUIRE(::mkdir(bench.etc(name).c_str(), 0755) == 0);
    REQUIRE(::chmod(bench.etc("open").c_str(), 01777) == 0);
    REQUIRE(::symlink("/etc/real", bench.etc("open/way").c_str()) == 0);
    REQUIRE(::symlink("/etc/real", bench.etc("way").c_str()) == 0);
    host.write("/etc/way/f", Content("f"), {});
    host.publish();
    CHECK(slurp(bench.etc("real/f")) == "f");  // in the root, although the link is absolute
    host.write("/etc/open/way/g", Content("g"), {});
    CHECK_THROWS_WITH(host.publish(), Contains("is a link in a directory others can write"));
    host.write("/etc/way/f", Content("1"), {});
    host.write("/etc/real/f", Content("2"), {});
    CHECK_THROWS_WITH(host.publish(), Contains("are one file"));
}

TEST_CASE("A file system without RENAME_EXCHANGE gets its files replaced, and back") {
    CHECK(in_child([] {
              Bench bench;
              test::put_file(bench.etc("a"), "old", 0640);
              test::put_file(bench.etc("gone"), "gone");
              const std::string before = test::manifest(bench.root());
              if (!forbid_rename_flags(RENAME_EXCHANGE | RENAME_NOREPLACE)) return 1;
              bench.host->write("/etc/a", Content("new"), {});
              bench.host->write("/etc/b", Content("b"), {});
              bench.host->remove("/etc/gone");
              bench.host->publish();
              if (slurp(bench.etc("a")) != "new" || slurp(bench.etc("b")) != "b" || there(bench.etc("gone"))) return 2;
              if (!bench.host->unpublish(bench.journal->operations()).empty()) return 3;
              return test::manifest(bench.root()) == before ? 0 : 4;
          }) == 0);
}

TEST_CASE("A validation sees the new files in place while nobody else does, and can stop them") {
    if (!is_root()) return;
    // On the machine's own root, below a directory of ours: the commands it runs live there.
    const Scratch scratch;
    const std::string state = scratch / "state", dir = scratch / "conf";
    REQUIRE(::mkdir(state.c_str(), 0700) == 0);
    REQUIRE(::mkdir(dir.c_str(), 0755) == 0);
    test::put_file(dir + "/a", "old\n");
    test::put_file(dir + "/gone", "gone\n");
    const RootHost looking("/");
    test::DiskJournal journal(scratch / "journal");
    StagedHost host(looking, "/", state, 7, journal);
    const auto queue = [&] {
        host.write(dir + "/a", Content("new\n"), {});
        host.make_directory(dir + "/d", {0755});
        host.write(dir + "/d/b", Content("b\n"), {});
        host.remove(dir + "/gone");
    };
    queue();
    host.validate({{"/bin/sh", "-c", "cat a d/b; ls; exit 3", "%s"}, {}, dir}, dir + "/a");
    CHECK_THROWS_AS(host.publish(), Error);
    CHECK(slurp(dir + "/a") == "old\n");
    CHECK_FALSE(there(dir + "/d"));
    queue();
    const std::string told = scratch / "told";
    const std::string script = "cat a d/b > " + told + "; ls >> " + told + "; ! test -e gone";
    host.validate({{"/bin/sh", "-c", script}, {}, dir}, dir + "/a");
    host.validate({{"/bin/sh", "-c", script}, {}, dir}, dir + "/d/b");
    host.publish();
    CHECK(slurp(told) == "new\nb\na\nd\n");
    CHECK(host.unvalidated().empty());
    CHECK(slurp(dir + "/d/b") == "b\n");
    host.sweep(host.touched());
}

TEST_CASE("A command is fenced before it begins, and after what was queued is in place") {
    Bench bench;
    const RootHost looking("/");
    StagedHost host(looking, "/", bench.root() + "/var/lib/chaos", 7, *bench.journal);
    host.write(bench.etc("a"), Content("queued\n"), {});
    const Output output = host.run({{"/bin/cat", bench.etc("a")}});
    CHECK(output.status == 0);
    CHECK(output.out == "queued\n");
    CHECK(bench.journal->fenced.size() == 1);
    CHECK(bench.journal->lifted == 1);
}

TEST_CASE("A name that would make a line of its own is told as a shell has it") {
    Bench bench;
    StagedHost& host = *bench.host;
    const auto told = [&](const auto& act) {
        try {
            act();
            host.publish();
        } catch (const Error& error) {
            const std::string all = std::string(error.what()) + " | " + error.hint;
            CHECK(all.find('\n') == all.npos);
            return all;
        }
        return std::string("nothing was thrown");
    };
    const auto says = [&](const std::string& what, const auto& act) {
        CHECK(told(act).substr(0, what.size()) == what);
    };
    says("'/etc/a'$'\\n''b/c': the directory '/etc/a'$'\\n''b' is not there",
         [&] { host.write("/etc/a\nb/c", Content("x"), {}); });
    says("'/etc/a'$'\\n''b': expected something there", [&] { host.set_meta("/etc/a\nb", {0600}); });
    says("expected an absolute path, not 'a'$'\\n''b'", [&] { host.write("a\nb", Content("x"), {}); });
    REQUIRE(::mkdir(bench.etc("a\nb").c_str(), 0755) == 0);
    says("'/etc/a'$'\\n''b': expected a regular file", [&] { host.write("/etc/a\nb", Content("x"), {}); });
    CHECK(told([] { fail("/etc/a\nb", "be read", EIO); }) ==
          "'/etc/a'$'\\n''b': can not be read: Input/output error | ");
}

TEST_CASE("What chattr said of a file is true of the one that takes its place") {
    Bench bench;
    const auto flags_of = [&](const std::string& name, int set = 0) {
        const Descriptor file(::open(bench.etc(name).c_str(), O_RDONLY | O_CLOEXEC));
        REQUIRE(file);
        int flags = 0;
        if (::ioctl(*file, FS_IOC_GETFLAGS, &flags)) return -1;
        flags |= set;
        if (set && ::ioctl(*file, FS_IOC_SETFLAGS, &flags)) return -1;
        return flags;
    };
    constexpr int said = FS_NODUMP_FL | FS_NOATIME_FL;
    for (const char* name : {"a", "b", "c"}) test::put_file(bench.etc(name), "old");
    if (flags_of("a", said) < 0 || flags_of("c", said) < 0) {
        MESSAGE("skipped: this file system has no flags of files");
        return;
    }
    StagedHost& host = *bench.host;
    for (const char* name : {"/etc/a", "/etc/b"}) host.write(name, Content("new"), {});
    host.set_meta("/etc/c", {0600});
    host.publish();
    CHECK(slurp(bench.etc("a")) == "new");
    CHECK((flags_of("a") & said) == said);
    CHECK((flags_of("b") & said) == 0);
    CHECK((flags_of("c") & said) == said);
    host.write("/etc/a", Content("newer"), {});  // and of the next
    host.write("/etc/d", Content("new"), {});
    host.publish();
    CHECK(slurp(bench.etc("a")) == "newer");
    CHECK((flags_of("a") & said) == said);
    CHECK((flags_of("d") & said) == 0);
}

TEST_CASE("On a disk that became read-only, a stage that was never made is nothing to remove") {
    enum : int { well, no_mounts = 77, refused, removed };
    const int status = in_child([]() -> int {
        if (::unshare(CLONE_NEWNS) || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) return no_mounts;
        Bench bench;
        const std::string disk = bench.root() + "/disk";
        if (::mkdir(disk.c_str(), 0755) || ::mount("disk", disk.c_str(), "tmpfs", 0, nullptr)) return no_mounts;
        test::put_file(disk + "/.chaos-7-there", "x");
        if (::mount("disk", disk.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr)) return no_mounts;
        int got = well;
        try {
            bench.host->sweep({"/disk/.chaos-7-never", "/disk/.chaos-7-1~"});
        } catch (const Error& error) {
            std::fprintf(stderr, "%s\n", error.what());
            got = refused;
        }
        try {
            bench.host->sweep({"/disk/.chaos-7-there"});
            got = removed;  // it can not be
        } catch (const Error&) {
        }
        ::umount2(disk.c_str(), MNT_DETACH);
        return got;
    });
    if (status == no_mounts)
        MESSAGE("skipped: a mount of the test's own needs root");
    else
        CHECK(status == well);
}

TEST_CASE("Every file system of a disk is synced once a command was run, and none in memory") {
    enum : int { well, no_mounts = 77, not_synced, too_early, memory_synced };
    const int status = in_child([]() -> int {
        if (::unshare(CLONE_NEWNS) || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) return no_mounts;
        const Bench bench;
        const auto made = [&](const char* name) {
            ::mkdir((bench.root() + name).c_str(), 0755);
            return bench.root() + name;
        };
        const std::string disk = made("/disk"), memory = made("/memory");
        const auto layers = "lowerdir=" + made("/lower") + ",upperdir=" + made("/upper") + ",workdir=" + made("/work");
        if (::mount("disk", disk.c_str(), "overlay", 0, layers.c_str())) return no_mounts;
        if (::mount("memory", memory.c_str(), "tmpfs", 0, nullptr)) return no_mounts;
        const auto was_synced = [](const std::string& path) {
            struct stat found {};
            return ::stat(path.c_str(), &found) == 0 && synced.contains(found.st_dev);
        };
        const RootHost looking("/");
        int got = well;
        {
            StagedHost host(looking, "/", bench.root() + "/var/lib/chaos", 7,
                            const_cast<test::DiskJournal&>(*bench.journal));
            synced.clear();
            host.sync();
            if (was_synced(disk)) got = too_early;
            if (host.run({{"/bin/true"}}).status != 0) got = not_synced;
            host.sync();
            if (!was_synced(disk) || !was_synced(bench.root()) || !was_synced("/")) got = not_synced;
            if (was_synced(memory)) got = memory_synced;
        }
        ::umount2(disk.c_str(), MNT_DETACH), ::umount2(memory.c_str(), MNT_DETACH);
        return got;
    });
    if (status == no_mounts)
        MESSAGE("skipped: a mount of the test's own needs root, and overlays");
    else
        CHECK(status == well);
}

TEST_CASE("Kernel values are set on a live host only, and only where the kernel keeps them") {
    Bench bench;
    CHECK_THROWS_WITH(bench.host->set_kernel("/proc/sys/kernel/x", "1"), Contains("an image has no kernel"));
    const RootHost looking("/");
    StagedHost host(looking, "/", bench.root() + "/var/lib/chaos", 7, *bench.journal);
    CHECK_THROWS_WITH(host.set_kernel("/etc/passwd", "1"), Contains("expected a path below /proc/sys or /sys"));
    CHECK_THROWS_WITH(host.set_kernel("/proc/sys/kernel/no_such_key", "1"), Contains("No such file"));
}

TEST_CASE("A scan tells what tools did, and its text is the scan") {
    Bench bench;
    StagedHost& host = *bench.host;
    REQUIRE(::mkdir((bench.root() + "/data").c_str(), 0755) == 0);
    REQUIRE(::mkdir((bench.root() + "/data/one").c_str(), 0755) == 0);
    const std::string_view contents[] = {"/etc"}, names[] = {"/data"};
    const Footprint footprint{contents, names};
    std::vector<Content> bytes;
    const Scan before = host.scan(footprint, &bytes);
    CHECK(bytes.size() == 2);
    CHECK(before.size() == 5);
    CHECK(StagedHost::changed(before, host.scan(footprint, nullptr)).empty());
    test::put_file(bench.etc("passwd"), "changed");
    REQUIRE(::unlink(bench.etc("group").c_str()) == 0);
    test::put_file(bench.etc("name with\nnew line"), "x");
    test::put_file(bench.root() + "/data/one/new", "x");
    const Scan after = host.scan(footprint, nullptr);
    const std::vector<Operation> changes = StagedHost::changed(before, after);
    REQUIRE(changes.size() == 4);
    CHECK(changes[0].path == "/data/one/new");
    CHECK_FALSE(changes[0].after.content);
    CHECK(changes[1].path == "/etc/group");
    CHECK_FALSE(changes[1].after);
    CHECK(changes[3].path == "/etc/passwd");
    CHECK(changes[3].after.content == digest("changed"));
    CHECK(StagedHost::changed(after, scan_from_text(to_text(after))).empty());
    CHECK(scan_from_text(to_text(after)).size() == after.size());
}
