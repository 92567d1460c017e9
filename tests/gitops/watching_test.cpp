// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chaos/gitops/watching.hpp>
#include <cstdio>
#include <cstdlib>

using namespace chaos;
using namespace chaos::gitops;

namespace {

/// A directory with a few names in it, gone at the end.
class Room {
public:
    Room() { REQUIRE(::mkdtemp(path_.data())); }
    ~Room() {
        for (const char* name : {"/a/b/c", "/a/b", "/a", "/file", "/other", "/more"})
            std::remove((path_ + name).c_str());
        std::remove(path_.c_str());
    }
    std::string operator/(const char* name) const { return path_ + '/' + name; }
    const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/chaos-watching.XXXXXX";
};

void touch(const std::string& path) {
    ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

Sight sight_of(std::initializer_list<std::string> paths) {
    Sight sight;
    for (const std::string& path : paths) sight.things.push_back({Sight::How::entry, path, {}});
    return sight;
}

}  // namespace

TEST_CASE("who watches is told of what is watched, and of nothing else") {
    const Room place;
    touch(place / "file"), touch(place / "other");
    Watching watching;
    CHECK(watching.watch(sight_of({place / "file"}), {place / "more"}) == 0);
    CHECK_FALSE(watching.drain());
    touch(place / "other");
    CHECK_FALSE(watching.drain());
    touch(place / "file");
    CHECK(watching.drain());
    CHECK_FALSE(watching.drain());
    ::chmod((place / "file").c_str(), 0600);
    CHECK(watching.drain());
    std::rename((place / "other").c_str(), (place / "file").c_str());
    CHECK(watching.drain());
    touch(place / "file");  // the one that was put there
    CHECK(watching.drain());
    ::unlink((place / "file").c_str());
    CHECK(watching.drain());
    touch({place / "more"});
    CHECK(watching.drain());
}

TEST_CASE("what is not there yet is awaited where it would come to be") {
    const Room place;
    Watching watching;
    watching.watch(sight_of({place / "a/b/c"}), {place / "more"});
    touch(place / "other");
    CHECK_FALSE(watching.drain());
    ::mkdir((place / "a").c_str(), 0755);
    CHECK(watching.drain());
    watching.watch(sight_of({place / "a/b/c"}), {place / "more"});
    ::mkdir((place / "a/b").c_str(), 0755);
    CHECK(watching.drain());
}

TEST_CASE("a directory whose names matter tells of each of them") {
    const Room place;
    Sight sight;
    sight.things.push_back({Sight::How::listing, place.path(), {}});
    Watching watching;
    watching.watch(sight, {"/nonexistent/more"});
    touch(place / "other");
    CHECK(watching.drain());
    watching.watch({}, {"/nonexistent/more"});
    touch(place / "file");
    CHECK_FALSE(watching.drain());
}
