// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <sys/stat.h>
#include <chaos/fence.hpp>
#include <chaos/file_cache.hpp>
#include <vector>

#include <thread>

#include "scratch.hpp"

using chaos::FileCache;

TEST_CASE("a cache gives back what was put, under any name, and nothing else") {
    const Scratch scratch;
    FileCache cache(scratch / "cache");
    CHECK_FALSE(cache.get("a"));
    const std::vector<std::string> names{"a", "with/slash", "..", ".hidden", "~x", std::string(500, 'n')};
    for (const std::string& name : names) {
        cache.put(name, "bytes of " + name);
        CHECK(cache.get(name) == "bytes of " + name);
    }
    cache.put("a", "");
    CHECK(cache.get("a") == "");
    CHECK(cache.get("with/slash") == "bytes of with/slash");
    struct stat st;
    REQUIRE(::stat((scratch / "cache").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0700);
}

TEST_CASE("a cache does not believe what was torn, what is a link, or what somebody else may write") {
    const Scratch scratch;
    FileCache cache(scratch / "cache");
    cache.put("torn", "0123456789");
    const std::string whole = scratch.read("cache/torn");
    scratch.file("cache/torn", whole.substr(0, whole.size() - 1));
    CHECK_FALSE(cache.get("torn"));
    scratch.file("cache/torn", whole);
    CHECK(cache.get("torn") == "0123456789");
    scratch.link("cache/link", "torn");
    CHECK_FALSE(cache.get("link"));
    ::chmod((scratch / "cache/torn").c_str(), 0666);
    CHECK_FALSE(cache.get("torn"));

    ::chmod((scratch / "cache").c_str(), 0777);
    cache.put("new", "x");
    CHECK_FALSE(cache.get("new"));
}

TEST_CASE("a cache that can not keep is silent") {
    const Scratch scratch;
    scratch.file("file", "");
    FileCache(scratch / "file").put("a", "b");
    FileCache(scratch / "no/such").put("a", "b");
    CHECK_FALSE(FileCache(scratch / "no/such").get("a"));
}

TEST_CASE("a full cache loses first what was not used for longest") {
    const Scratch scratch;
    FileCache cache(scratch / "cache", 400'000);
    for (int i = 0; i < 4; ++i) {
        const std::string name = "n" + std::to_string(i);
        cache.put(name, std::string(90'000, 'x'));
        timespec times[2]{};
        ::clock_gettime(CLOCK_REALTIME, &times[0]);
        times[0].tv_sec -= 100'000 - i;
        times[1] = times[0];
        ::utimensat(AT_FDCWD, (scratch / ("cache/" + name)).c_str(), times, 0);
    }
    CHECK(cache.get("n0"));  // used just now
    FileCache(scratch / "cache", 300'000).prune();
    CHECK(cache.get("n0"));
    CHECK_FALSE(cache.get("n1"));
    CHECK_FALSE(cache.get("n2"));
    CHECK(cache.get("n3"));
}
