// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <chaos/fence.hpp>
#include <chaos/root_host.hpp>

#include <functional>
#include <map>
#include <thread>

#include "scratch.hpp"

using namespace chaos;

namespace {

struct MapCache final : Cache {
    std::map<std::string, std::string> kept;
    std::optional<std::string> get(const std::string& name) const override {
        const auto found = kept.find(name);
        return found == kept.end() ? std::nullopt : std::optional(found->second);
    }
    void put(const std::string& name, const std::string& bytes) override { kept[name] = bytes; }
};

/// As if last changed an hour ago (its ctime stays now).
void age(const std::string& path) {
    timespec times[2]{};
    ::clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= 3600;
    times[1] = times[0];
    ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

}  // namespace

TEST_CASE("a look tells type, mode, owner, size and content of what is there") {
    const Scratch root;
    root.directory("etc");
    root.file("etc/motd", "hello\n");
    root.link("etc/motd.link", "/etc/motd");
    ::chmod((root / "etc/motd").c_str(), 04751);
    const RootHost host(root.path());
    CHECK_FALSE(host.live());
    CHECK(host.root() == root.path());

    std::string content = "untouched";
    Entry entry = host.look("/etc/motd", &content);
    CHECK(entry.kind == Entry::Kind::file);
    CHECK(entry.mode == 04751);
    CHECK(entry.uid == ::geteuid());
    CHECK(entry.size == 6);
    CHECK(entry.links == 1);
    CHECK(content == "hello\n");
    CHECK(entry.modified > 1'600'000'000'000'000'000);

    entry = host.look("/etc/motd.link", &content);
    CHECK(entry.kind == Entry::Kind::link);
    CHECK(content == "/etc/motd");
    CHECK(host.look("/etc").kind == Entry::Kind::directory);

    content = "untouched";
    CHECK(host.look("/etc", &content).kind == Entry::Kind::directory);
    CHECK_FALSE(host.look("/etc/nothing", &content));
    CHECK_FALSE(host.look("/etc/motd/below", &content));
    CHECK_FALSE(host.look("/etc/motd/below"));
    CHECK(host.look("/etc/motd", &content, 5).size == 6);
    CHECK(content == "untouched");
}

TEST_CASE("a link in the path can not lead out of the root") {
    const Scratch outside, root;
    outside.file("secret", "outside");
    root.directory("etc");
    root.link("absolute", outside.path());
    root.link("dots", "../../../../../../../../etc");
    root.file("etc/inside", "inside");
    const RootHost host(root.path());
    CHECK_FALSE(host.look("/absolute/secret"));
    std::string content;
    CHECK(host.look("/dots/inside", &content).kind == Entry::Kind::file);
    CHECK(content == "inside");
    CHECK(host.look("/../../../etc/inside").kind == Entry::Kind::file);
}

TEST_CASE("a circle of links is an error with its path, not an absence") {
    const Scratch root;
    root.link("a", "b");
    root.link("b", "a");
    const RootHost host(root.path());
    CHECK(host.look("/a").kind == Entry::Kind::link);
    CHECK_THROWS_WITH_AS(host.look("/a/x"), "can not look at /a/x: Too many levels of symbolic links", Error);
    std::string content;
    CHECK_THROWS_AS(host.look("/a/x", &content), Error);
    CHECK_THROWS_AS(host.list("/a"), Error);
    CHECK_THROWS_WITH_AS(host.look("etc"), "expected an absolute path, got \"etc\"", Error);
}

TEST_CASE("a fifo, a socket and a device are seen and never opened") {
    const Scratch root;
    ::mkfifo((root / "fifo").c_str(), 0600);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (root / "socket").copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    root.directory("dev");
    const RootHost host(root.path());
    std::string content = "untouched";
    CHECK(host.look("/fifo", &content).kind == Entry::Kind::other);
    CHECK(host.look("/socket", &content).kind == Entry::Kind::other);
    // Major number 300 has no driver: were it opened, this would be an error.
    if (::mknod((root / "dev/strange").c_str(), S_IFCHR | 0600, makedev(300, 1)) == 0) {
        CHECK(host.look("/dev/strange", &content).kind == Entry::Kind::other);
        CHECK_THROWS_AS(host.content("/dev/strange"), Error);
    } else {
        MESSAGE("skipped: may not make a device node here");
    }
    CHECK(content == "untouched");
    ::close(socket);
}

TEST_CASE("a list is sorted, follows a link to a directory, and is empty where there is none") {
    const Scratch root;
    root.directory("conf.d");
    for (const char* name : {"b", "a", "c", ".hidden"}) root.file(std::string("conf.d/") + name, "");
    root.link("link.d", "conf.d");
    const RootHost host(root.path());
    const std::vector<std::string> names{".hidden", "a", "b", "c"};
    CHECK(host.list("/conf.d") == names);
    CHECK(host.list("/link.d") == names);
    CHECK(host.list("/none").empty());
    CHECK(host.list("/conf.d/a").empty());
}

TEST_CASE("content of every size is read whole, and what is big by digest") {
    const Scratch root;
    const RootHost host(root.path());
    for (const std::size_t size : {0UL, 1UL, 4096UL, 16383UL, 16384UL, 16385UL, 1UL << 20}) {
        std::string bytes(size, 'x');
        for (std::size_t i = 0; i < size; i += 7) bytes[i] = static_cast<char>(i);
        root.file("f", bytes);
        std::string content;
        CHECK(host.look("/f", &content).size == size);
        CHECK(content == bytes);
        const Content whole = host.content("/f");
        CHECK(whole.held());
        CHECK(whole.bytes() == bytes);
    }
    const std::string big((1 << 20) + 1, 'y');
    root.file("big", big);
    const Content content = host.content("/big");
    CHECK_FALSE(content.held());
    CHECK(content.size() == big.size());
    CHECK(content.digest() == digest(big));
    CHECK(content.path() == root / "big");
    CHECK(content == Content(big));
    CHECK_THROWS_WITH_AS(host.content("/none"), "can not read /none: No such file or directory", Error);
    CHECK_THROWS_WITH_AS(host.content("/"), "can not read /: not a regular file", Error);
}

TEST_CASE("a digest is remembered only where the file can not have changed unseen") {
    const Scratch root;
    MapCache cache;
    const std::string big((1 << 20) + 1, 'y');
    root.file("big", big);
    age(root / "big");
    {
        const RootHost host(root.path(), &cache);
        CHECK(host.content("/big").digest() == digest(big));
    }
    CHECK_MESSAGE(cache.kept.empty(), "its inode was changed just now: racy");
}

TEST_CASE("what the cache remembers of a file is used, and rubbish in it is not") {
    // A file of the system: old enough to be remembered.
    const RootHost bare("/");
    std::string found;
    for (const std::string& name : bare.list("/usr/bin")) {
        const Entry entry = bare.look("/usr/bin/" + name);
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        if (entry.kind == Entry::Kind::file && entry.size > Content::in_memory &&
            entry.changed < (now.tv_sec - 10) * 1'000'000'000)
            found = "/usr/bin/" + name;
    }
    if (found.empty()) {
        MESSAGE("skipped: no old big file in /usr/bin");
        return;
    }
    MapCache cache;
    Digest right;
    {
        const RootHost host("/", &cache);
        right = host.content(found).digest();
        CHECK(host.content(found).digest() == right);
    }
    REQUIRE(cache.kept.size() == 1);
    cache.kept.begin()->second = std::string(32, '1');
    CHECK(hex(RootHost("/", &cache).content(found).digest()) == std::string(32, '1'));
    cache.kept.begin()->second = std::string(32, 'z');
    CHECK(RootHost("/", &cache).content(found).digest() == right);
}

TEST_CASE("the running system is live, and its /proc can be read") {
    const RootHost host("/");
    CHECK(host.live());
    CHECK(host.root() == "/");
    std::string content;
    CHECK(host.look("/proc/self/status", &content).kind == Entry::Kind::file);
    CHECK(content.starts_with("Name:"));
    CHECK(RootHost("//").live());
    CHECK_THROWS_AS(RootHost("/no/such/root"), Error);
}

TEST_CASE("an image has no services to ask") {
    const Scratch root;
    const RootHost host(root.path());
    CHECK_FALSE(host.services().answers());
    CHECK(host.services().units().empty());
    CHECK(host.services().unit("ssh.service").load == "not-found");
}

TEST_CASE("a thread that may not write can look and ask, and neither it nor its children write") {
    const Scratch root;
    root.file("there", "before");
    bool fenced = false, opened = true, removed = true, renamed = true, made = true, truncated = true,
         null_opened = false;
    std::string content;
    Output listed, touched, appended;
    std::thread([&] {
        fenced = forbid_writes();
        if (!fenced) return;
        const RootHost host("/");
        opened = ::open((root / "new").c_str(), O_CREAT | O_WRONLY, 0600) >= 0;
        removed = ::unlink((root / "there").c_str()) == 0;
        renamed = ::rename((root / "there").c_str(), (root / "moved").c_str()) == 0;
        made = ::mkdir((root / "directory").c_str(), 0755) == 0;
        truncated = ::truncate((root / "there").c_str(), 0) == 0;
        const int null = ::open("/dev/null", O_WRONLY);
        null_opened = null >= 0;
        if (null_opened) ::close(null);
        host.look(root / "there", &content);
        listed = host.ask({{"ls", root.path()}});
        touched = host.ask({{"touch", root / "new"}});
    }).join();
    if (!fenced) {
        MESSAGE("skipped: the kernel has no Landlock");
        return;
    }
    CHECK_FALSE(opened);
    CHECK_FALSE(removed);
    CHECK_FALSE(renamed);
    CHECK_FALSE(made);
    CHECK_FALSE(truncated);
    CHECK(null_opened);
    CHECK(content == "before");
    CHECK(listed.out == "there\n");
    CHECK(touched.status != 0);
    CHECK(root.read("there") == "before");
    CHECK(::access((root / "new").c_str(), F_OK) != 0);
    // The thread that started it is as free as before.
    root.file("after", "x");
    CHECK(root.read("after") == "x");
}

TEST_CASE("a question is held to looking, whoever asks it") {
    if (!std::invoke([] {
            bool there = false;
            std::thread([&] { there = forbid_writes(); }).join();
            return there;
        })) {
        MESSAGE("skipped: the kernel has no Landlock");
        return;
    }
    const Scratch root;
    root.file("there", "before");
    const RootHost host("/");
    CHECK(host.ask({{"sh", "-c", "echo x > " + (root / "new")}}).status != 0);
    CHECK(host.ask({{"sh", "-c", "echo x >> " + (root / "there")}}).status != 0);
    CHECK(host.ask({{"rm", root / "there"}}).status != 0);
    CHECK(host.ask({{"sh", "-c", "echo fine | cat 2>/dev/null"}}).out == "fine\n");
    CHECK(root.read("there") == "before");
    CHECK(::access((root / "new").c_str(), F_OK) != 0);
}
