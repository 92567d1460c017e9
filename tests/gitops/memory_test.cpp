// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chaos/gitops/memory.hpp>
#include <chaos/gitops/repository.hpp>
#include <chaos/holds.hpp>
#include <fstream>

using namespace chaos;
using namespace chaos::gitops;

namespace {

struct Directory {
    std::string path = "/tmp/chaos-gitops-XXXXXX";
    Directory() { REQUIRE(::mkdtemp(path.data())); }
    ~Directory() { remove_tree(path); }
};

void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("what is remembered comes back as it was, also from a newer program") {
    const Directory place;
    Memory memory;
    memory.url = "https://x/\"y\"\n", memory.good = "abc", memory.suspended_until = -1, memory.tries = 3;
    memory.why_failed = "a: b # c\té";
    save_memory(place.path, memory);
    CHECK(load_memory(place.path) == memory);
    struct stat about {};
    REQUIRE(::stat((place.path + "/state.json").c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0600);
    CHECK(read_memory(R"({"good": "abc", "from_the_future": {"a": "1"}})").good == "abc");
    CHECK(load_memory(place.path + "/none") == Memory{});
}

TEST_CASE("a turn that finds nothing new writes nothing: when the repository answered is the time of a file") {
    const Directory place;
    const std::string file = place.path + "/state.json";
    Memory memory;
    memory.good = "abc", memory.asked = 1'000'000'000;
    save_memory(place.path, memory);
    const auto inode = [&] {
        struct stat about {};
        REQUIRE(::stat(file.c_str(), &about) == 0);
        return about.st_ino;
    };
    const auto before = inode();
    memory.asked = 1'000'000'300;
    save_memory(place.path, memory);
    CHECK(inode() == before);
    CHECK(load_memory(place.path) == memory);
    memory.good = "def";
    save_memory(place.path, memory);
    CHECK(inode() != before);
    CHECK(load_memory(place.path) == memory);
    write(file, "{\"good\": \"abc\", \"asked\": 5}");  // as it once was
    CHECK(load_memory(place.path).asked == 5);
}

TEST_CASE("what is remembered is trusted where nobody else could write it, and is whole") {
    const Directory place;
    const std::string file = place.path + "/state.json";
    for (const char* text : {"", "[]", "{\"good\": [1]}", "{\"good\": \"a\"", "{\"tries\": \"many\"}"}) {
        CAPTURE(text);
        write(file, text);
        CHECK_THROWS_AS(load_memory(place.path), Error);
    }
    save_memory(place.path, Memory{});
    ::chmod(file.c_str(), 0666);
    CHECK_THROWS_WITH_AS(load_memory(place.path), doctest::Contains("others may write to"), Error);
    ::unlink(file.c_str());
    REQUIRE(::symlink("/etc/passwd", file.c_str()) == 0);
    CHECK_THROWS_AS(load_memory(place.path), Error);
}

TEST_CASE("one follower at a time") {
    const Directory place;
    {
        const Turn first(place.path);
        CHECK_THROWS_AS(Turn second(place.path, 0), Busy);
    }
    CHECK_NOTHROW(Turn third(place.path));
}

TEST_CASE("a hold ends by itself, or when it is released, and is there once") {
    const Directory place;
    CHECK(holds(place.path, 100).empty());
    add_hold(place.path, {"file:/etc/motd", "ann", "debugging", 100, 200}, 100);
    add_hold(place.path, {"all", "eve", "", 100, 150}, 100);
    add_hold(place.path, {"file:/etc/motd", "ann", "longer", 110, 300}, 110);
    const auto all = holds(place.path, 120);
    REQUIRE(all.size() == 2);
    CHECK(all[0].what == "all");
    CHECK(all[1] == Hold{"file:/etc/motd", "ann", "longer", 110, 300});
    CHECK(to_text(all[1], "noon") == "file:/etc/motd is held by ann until noon (longer)");
    CHECK(to_text(all[0], "noon") == "everything is held by eve until noon");
    CHECK(holds(place.path, 150).size() == 1);
    CHECK_FALSE(end_hold(place.path, "all", 150));
    CHECK(end_hold(place.path, "file:/etc/motd", 150));
    CHECK(holds(place.path, 150).empty());
    write(place.path + "/holds.json", "[{\"what\": 1}");
    CHECK_THROWS_WITH_AS(holds(place.path, 1), doctest::Contains("can not be read"), Error);
}

TEST_CASE("the first path that is there is this host's manifest") {
    const Directory place;
    ::mkdir((place.path + "/hosts").c_str(), 0755);
    ::mkdir((place.path + "/hosts/dir.yml").c_str(), 0755);
    write(place.path + "/hosts/web.yml", "name: web\n");
    write(place.path + "/site.yml", "name: site\n");
    CHECK(choose(place.path, {"hosts/dir.yml", "hosts/web.yml", "site.yml"}, "abc") == "hosts/web.yml");
    CHECK(choose(place.path, {"hosts/db.yml", "site.yml"}, "abc") == "site.yml");
    CHECK_THROWS_WITH_AS(
        choose(place.path, {"hosts/db.yml", "all.yml"}, "0123456789abcdef"),
        "0123456789ab has none of hosts/db.yml, all.yml, and one of them is to be this host's manifest", Error);
}
