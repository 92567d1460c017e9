// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Catalog file(std::initializer_list<Said> list, bool absent = false) {
    return {declare("file", attributes(list), absent)};
}

std::string problem_of(const FakeHost& host, Catalog catalog) {
    const auto run = plan_for(host, std::move(catalog));
    REQUIRE_FALSE(run.problems.ok());
    CHECK(run.problems.errors().front().where.line == 1);
    CHECK_FALSE(run.problems.errors().front().hint.empty());
    return run.problems.errors().front().what();
}

}  // namespace

TEST_CASE("a file that is made gets 0644, root and the directories above it") {
    FakeHost host;
    const auto run = apply(host, file({{"path", "/srv/app/conf"}, {"content", "a\n"}}));
    CHECK(host.text("/srv/app/conf") == "a\n");
    CHECK(host.look("/srv/app/conf").mode == 0644);
    CHECK(host.look("/srv/app").mode == 0755);
    CHECK(run.catalog.size() == 3);
    CHECK(to_text(run.catalog[1].id) == "directory:/srv/app");
}

TEST_CASE("a file that is a secret is made 0600") {
    FakeHost host;
    apply(host, file({{"path", "/etc/key"}, {"content", "k"}, {"secret", "true"}}));
    CHECK(host.look("/etc/key").mode == 0600);
}

TEST_CASE("a file whose content is a secret value is one, and its content stays marked") {
    Value key("k");
    key.secret = true;
    const Resource resource = declare("file", attributes({{"path", "/etc/key"}, {"content", key}}));
    FakeHost host;
    const auto run = apply(host, {resource});
    CHECK(host.look("/etc/key").mode == 0600);
    const Value kept = encode(resource.type->schema(), run.goal[0]);
    REQUIRE(kept.find("content"));
    CHECK(kept.find("content")->secret);
    CHECK_FALSE(kept.find("mode")->secret);
    const Resource open = declare("file", attributes({{"path", "/etc/key"}, {"content", "k"}}));
    CHECK_FALSE(encode(open.type->schema(), open.wanted).find("content")->secret);
}

TEST_CASE("a file keeps what is not said of it") {
    FakeHost host;
    host.put_file("/etc/a", "old", 0640, 33, 33);
    apply(host, file({{"path", "/etc/a"}, {"content", "new"}}));
    CHECK(host.text("/etc/a") == "new");
    const auto entry = host.look("/etc/a");
    CHECK(entry.mode == 0640);
    CHECK(entry.uid == 33);
}

TEST_CASE("a file whose mode alone is managed is never read, and stays the same inode") {
    FakeHost host;
    host.put_file("/etc/a", "old", 0640);
    const auto inode = host.look("/etc/a").inode;
    const auto reads = host.reads();
    apply(host, file({{"path", "/etc/a"}, {"mode", "0600"}}));
    CHECK(host.reads() == reads);
    CHECK(host.look("/etc/a").mode == 0600);
    CHECK(host.look("/etc/a").inode == inode);
}

TEST_CASE("a file's accounts are only looked up where its owner is managed") {
    FakeHost host;
    host.put_file("/etc/a", "x");
    const auto looks = host.looks();
    CHECK(plan_for(host, file({{"path", "/etc/a"}, {"content", "x"}})).steps.empty());
    CHECK(host.looks() == looks + 1);
}

TEST_CASE("a file's owner may be a number or a name") {
    FakeHost host;
    host.put_file("/etc/a", "x", 0644, 33, 33);
    CHECK(plan_for(host, file({{"path", "/etc/a"}, {"owner", "33"}, {"group", "www-data"}})).steps.empty());
    CHECK(plan_for(host, file({{"path", "/etc/a"}, {"owner", "root"}})).steps.size() == 1);
}

TEST_CASE("a file without content must be there") {
    FakeHost host;
    CHECK(problem_of(host, file({{"path", "/etc/a"}, {"mode", "0600"}})) ==
          "/etc/a is not there, and nothing says what is to be in it");
}

TEST_CASE("a file does not replace a directory") {
    FakeHost host;
    host.put_directory("/etc/a");
    CHECK(problem_of(host, file({{"path", "/etc/a"}, {"content", "x"}})) ==
          "/etc/a is a directory, and a file is to be there");
}

TEST_CASE("a file replaces a link, and the link comes back") {
    FakeHost host;
    host.put_link("/etc/a", "b");
    host.put_file("/etc/b", "kept");
    const auto before = host.dump();
    const auto run = apply(host, file({{"path", "/etc/a"}, {"content", "x"}}));
    CHECK(host.look("/etc/a").kind == Entry::Kind::file);
    CHECK(host.text("/etc/b") == "kept");
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a file in whose place a link is wants content") {
    FakeHost host;
    host.put_link("/etc/a", "b");
    CHECK(problem_of(host, file({{"path", "/etc/a"}, {"mode", "0600"}})) ==
          "/etc/a is a link to b, and nothing says what is to be in it");
}

TEST_CASE("a file can not be below a file") {
    FakeHost host;
    host.put_file("/etc/a", "x");
    CHECK(problem_of(host, file({{"path", "/etc/a/b"}, {"content", "x"}})) ==
          "/etc/a is a file, and /etc/a/b is to be in it");
}

TEST_CASE("a file that can not be looked at is a problem, not an absence") {
    FakeHost host;
    host.refuse("/etc/a", "permission denied");
    const auto run = plan_for(host, file({{"path", "/etc/a"}, {"content", "x"}}));
    REQUIRE_FALSE(run.problems.ok());
    CHECK(run.problems.errors().front().what() == std::string("/etc/a: permission denied"));
}

TEST_CASE("a file of a package source comes before packages") {
    const auto source = declare("file", attributes({{"path", "/etc/apt/sources.list.d/x.list"}, {"content", ""}}));
    const auto other = declare("file", attributes({{"path", "/etc/aptitude"}, {"content", ""}}));
    CHECK(source.type->order(source.wanted) == Order::repository);
    CHECK(other.type->order(other.wanted) == Order::file);
}

TEST_CASE("a file's validate is a command of words") {
    FakeHost host;
    const auto run =
        plan_for(host, file({{"path", "/etc/sudoers"}, {"content", "x"}, {"validate", "visudo -cf '%s'"}}));
    REQUIRE(run.steps.size() == 1);
    const auto command = run.steps[0].type->validation(run.steps[0].changes[0]);
    REQUIRE(command);
    CHECK(command->argv == std::vector<std::string>{"visudo", "-cf", "%s"});
}

TEST_CASE("a file that is to be absent goes and comes back with what was in it") {
    FakeHost host;
    host.put_file("/etc/a", "x", 0600, 33, 33);
    const auto before = host.dump();
    const auto run = apply(host, file({{"path", "/etc/a"}}, true));
    CHECK_FALSE(host.look("/etc/a"));
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a file that is as wanted shares the wanted content") {
    FakeHost host;
    host.put_file("/etc/a", "x");
    const auto catalog = file({{"path", "/etc/a"}, {"content", "x"}});
    const auto run = plan_for(host, catalog);
    CHECK(run.goal[0].spec() == run.before[0].spec());
    const Field* content = catalog[0].type->schema().find("content");
    CHECK(content->same(run.before[0].spec(), catalog[0].wanted.spec()));
}
