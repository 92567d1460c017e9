// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Catalog directory(std::initializer_list<Said> list, bool absent = false) {
    return {declare("directory", attributes(list), absent)};
}

}  // namespace

TEST_CASE("a directory is made with what is above it, and all of it goes back") {
    FakeHost host;
    const auto before = host.dump();
    const auto run = apply(host, directory({{"path", "/srv/a/b"}, {"mode", "2755"}, {"owner", "www-data"}}));
    CHECK(host.look("/srv/a/b").mode == 02755);
    CHECK(host.look("/srv/a/b").uid == 33);
    CHECK(host.look("/srv/a").uid == 0);
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a directory made by us in which others put something stays") {
    FakeHost host;
    const auto run = apply(host, directory({{"path", "/srv/a"}}));
    host.put_file("/srv/a/theirs", "x");
    take_back(host, run);
    CHECK(host.text("/srv/a/theirs") == "x");
}

TEST_CASE("a directory that is not empty is not removed") {
    FakeHost host;
    host.put_file("/srv/a/x", "x");
    const auto run = plan_for(host, directory({{"path", "/srv/a"}}, true));
    CHECK(run.problems.ok());
    REQUIRE(run.problems.remarks().size() == 1);
    CHECK(run.problems.remarks()[0].what() == std::string("/srv/a can only go if what is in it goes as well: x"));
    CHECK_THROWS_WITH_AS(carry_out(host, run.steps), "/srv/a is not empty: x is in it", Error);
    CHECK(host.text("/srv/a/x") == "x");
}

TEST_CASE("a directory goes with all in it where that is asked for, to the trash") {
    FakeHost host;
    host.put_file("/srv/a/b/x", "x");
    apply(host, directory({{"path", "/srv/a"}, {"recurse", "true"}}, true));
    CHECK_FALSE(host.look("/srv/a"));
    CHECK(host.trash().at("/srv/a/b/x").content.bytes() == "x");
}

TEST_CASE("a directory and the file in it go together") {
    FakeHost host;
    host.put_file("/srv/a/x", "x");
    Catalog catalog = directory({{"path", "/srv/a"}}, true);
    catalog.push_back(declare("file", attributes({{"path", "/srv/a/x"}}), true));
    apply(host, catalog);
    CHECK_FALSE(host.look("/srv/a"));
}

TEST_CASE("directories that go are removed from the inside out") {
    FakeHost host;
    host.put_directory("/srv/a/b");
    Catalog catalog = directory({{"path", "/srv/a"}}, true);
    catalog.push_back(declare("directory", attributes({{"path", "/srv/a/b"}}), true));
    apply(host, catalog);
    CHECK_FALSE(host.look("/srv/a"));
}

TEST_CASE("a directory does not replace a file or a link") {
    FakeHost host;
    host.put_file("/etc/a", "x");
    host.put_link("/etc/b", "/srv");
    CHECK_FALSE(plan_for(host, directory({{"path", "/etc/a"}})).problems.ok());
    CHECK_FALSE(plan_for(host, directory({{"path", "/etc/b"}})).problems.ok());
}

TEST_CASE("a directory, a file or a link where chaos keeps its own memory is refused, and a tree that holds it") {
    const auto refused = [](const char* kind, Value::Map said, bool absent = false) {
        const auto resource = declare(kind, std::move(said), absent);
        Diagnostics problems;
        resource.type->review(resource, problems);
        return problems.ok() ? std::string() : std::string(problems.errors().front().what());
    };
    CHECK(refused("file", attributes({{"path", "/var/lib/chaos/store.db"}, {"content", "x"}})) ==
          "/var/lib/chaos is where chaos keeps what it did: it can not be managed");
    CHECK(refused("file", attributes({{"path", "/var/lib/chaos"}, {"content", "x"}}), true) != "");
    CHECK(refused("link", attributes({{"path", "/var/lib/chaos/lock"}, {"to", "/dev/null"}})) != "");
    CHECK(refused("directory", attributes({{"path", "/var/lib/chaos"}, {"mode", "0777"}})) != "");
    const Value yes("true");
    CHECK(refused("directory", attributes({{"path", "/var/lib"}, {"recurse", yes}}), true) ==
          "/var/lib/chaos is where chaos keeps what it did: it can not be managed, and /var/lib holds it");
    CHECK(refused("directory", attributes({{"path", "/"}, {"recurse", yes}}), true) != "");
    CHECK(refused("directory", attributes({{"path", "/var/lib"}}), true) == "");  // only where it is empty
    CHECK(refused("directory", attributes({{"path", "/var/lib/chaos-other"}})) == "");
    CHECK(refused("file", attributes({{"path", "/var/lib/chaosnot"}, {"content", "x"}})) == "");
}
