// SPDX-License-Identifier: Apache-2.0
// What is decided beforehand; what the tools make of it is tested in a booted host (real_host_test.cpp).
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Resource user(std::initializer_list<Said> said, bool absent = false) {
    return declare("user", attributes(said), absent);
}

std::string said_of(const SmallRun& run, std::size_t i, std::string_view attribute) {
    return run.catalog[i].type->schema().find(attribute)->get(run.goal[i].spec()).text();
}

std::string problem(const SmallRun& run) {
    return run.problems.ok() ? "" : run.problems.errors().front().what();
}

FakeHost debian() {
    FakeHost host;
    host.put_file("/etc/passwd",
                  "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n"
                  "eve:x:1004:1004:Eve:/home/eve:/usr/bin/zsh\nlogs:x:999:998::/:/bin/false\n");
    host.put_file("/etc/group", "root:x:0:\nwww-data:x:33:\neve:x:1004:\nops:x:1010:eve\nlogs:x:998:\n");
    host.put_file("/etc/shadow", "root:*:1::::::\neve:$6$a$b:19000:0:99999:7:::\n", 0640);
    host.put_file("/etc/shells", "# shells\n/bin/sh\n/usr/bin/zsh\n");
    host.put_file("/usr/bin/zsh", "");
    return host;
}

}  // namespace

TEST_CASE("a user's numbers, home, shell and group stand in the plan, above all that are there") {
    const auto run = plan_for(
        debian(), {user({{"name", "ann"}}), user({{"name", "bob"}}), user({{"name", "daemon2"}, {"system", "true"}}),
                   user({{"name", "carl"}, {"uid", "1011"}})});
    REQUIRE(problem(run).empty());
    CHECK(said_of(run, 0, "uid") == "1012");  // 1011 is asked for by another one
    CHECK(said_of(run, 1, "uid") == "1013");
    CHECK(said_of(run, 2, "uid") == "997");
    CHECK(said_of(run, 0, "home") == "/home/ann");
    CHECK(said_of(run, 0, "group") == "ann");
    CHECK(said_of(run, 0, "shell") == "/bin/bash");
    CHECK(said_of(run, 2, "shell") == "/usr/sbin/nologin");
}

TEST_CASE("a user's shell may be named as /etc/shells has it") {
    CHECK(plan_for(debian(), {user({{"name", "eve"}, {"shell", "zsh"}})}).steps.empty());
    CHECK(plan_for(debian(), {user({{"name", "eve"}, {"shell", "sh"}})}).steps.size() == 1);
    const auto host = debian();
    const auto run = plan_for(host, {user({{"name", "eve"}, {"shell", "fish"}})});
    Diagnostics said;
    run.steps.at(0).type->check(View(host), run.steps[0].changes, said);
    CHECK(said.remarks().size() == 1);
}

TEST_CASE("a user that could not be, or must not be, is refused") {
    const auto host = debian();
    const auto refused = [&](std::initializer_list<Said> said, bool absent = false) {
        return problem(plan_for(host, {user(said, absent)}));
    };
    CHECK(refused({{"name", "ann"}, {"uid", "1004"}}) == "uid 1004 is that of user eve");
    CHECK(refused({{"name", "ann"}, {"password", "sesame"}}) ==
          "expected the hash of a password ($...), found something else");
    CHECK(refused({{"name", "ann"}, {"comment", "a:b"}}).starts_with("expected no colon"));
    CHECK(refused({{"name", "ann"}, {"home", "ann"}}) == "expected an absolute path as home");
    CHECK(refused({{"name", "root"}}, true) == "user root is never removed: its uid is 0");
    CHECK(refused({{"name", "ann"}, {"password", "!"}}).empty());
    CHECK_THROWS_AS(user({{"name", "a b"}}), Error);
    CHECK_THROWS_AS(user({{"name", "-x"}}), Error);
}

TEST_CASE("a group that goes back stays while somebody has it as own group, and goes with who does") {
    const auto host = debian();
    const auto kept = [&](std::vector<Resource> catalog, bool over_members) {
        const View view(host);
        Diagnostics problems;
        const States observed = observe(catalog, view, problems, 1, true);
        States goal(catalog.size());
        keep_occupied(catalog, view, observed, goal, {.over_members = over_members});
        return goal[0] ? "stays" : "goes";
    };
    const auto group = [](const char* name) {
        Resource one = declare("group", attributes({{"name", name}}));
        one.where = {};
        return one;
    };
    Resource eve = user({{"name", "eve"}});
    eve.where = {};
    CHECK(kept({group("eve")}, false) == std::string("stays"));
    CHECK(kept({group("eve")}, true) == std::string("stays"));
    CHECK(kept({group("eve"), eve}, false) == std::string("goes"));
    CHECK(kept({group("ops")}, false) == std::string("stays"));
    CHECK(kept({group("ops")}, true) == std::string("goes"));
}

TEST_CASE("whose number it is by now is in the way of what comes back, unless that goes back along with it") {
    const auto host = debian();
    const View view(host);
    const auto coming = [](const Resource& resource) { return Change{resource.id, {}, resource.wanted, {}}; };
    const auto going = [](const Resource& resource) { return Change{resource.id, resource.wanted, {}, {}}; };
    const auto way = [&](const Resource& resource, std::vector<Change> all) {
        return resource.type->in_the_way(view, coming(resource), all);
    };
    const Resource eve = user({{"name", "eve"}}), ops = declare("group", attributes({{"name", "ops"}}));
    const Resource ann = user({{"name", "ann"}, {"uid", "1004"}});
    CHECK(way(ann, {}) == "uid 1004 is that of user eve");
    CHECK(way(ann, {going(eve)}).empty());
    CHECK(way(ann, {coming(user({{"name", "eve"}, {"uid", "1005"}}))}).empty());
    CHECK(way(ann, {coming(eve)}) == "uid 1004 is that of user eve");
    CHECK(way(user({{"name", "ann"}, {"uid", "1006"}}), {}).empty());
    CHECK(way(user({{"name", "eve"}, {"uid", "1004"}}), {}).empty());

    const Resource crew = declare("group", attributes({{"name", "crew"}, {"gid", "1010"}}));
    CHECK(way(crew, {}) == "gid 1010 is that of group ops");
    CHECK(way(crew, {going(ops)}).empty());
    CHECK(way(declare("group", attributes({{"name", "crew"}, {"gid", "1011"}})), {}).empty());
    // the group of her own, which comes back along with her
    Resource bob = user({{"name", "bob"}, {"uid", "1006"}});
    const auto spec = bob.type->schema().clone(bob.wanted.spec());
    bob.type->schema().find("gid")->set(spec.get(), Value(std::string("1010")));
    bob.wanted = State(spec);
    CHECK(way(bob, {}) == "gid 1010 is that of group ops");
    CHECK(way(bob, {going(ops)}).empty());
}

TEST_CASE("a user that comes back is told whose its number is by now, and no tool is asked") {
    auto host = debian();
    const Resource ann = user({{"name", "ann"}, {"uid", "1004"}, {"password", "!"}});
    const Change back{ann.id, State(), ann.wanted, ann.where};
    CHECK_THROWS_WITH_AS(ann.type->apply_all(host, {&back, 1}), "uid 1004 is that of user eve", Error);
    CHECK_THROWS_WITH_AS(ann.type->undo_all(host, {&back, 1}), "uid 1004 is that of user eve", Error);
}

TEST_CASE("a user is never removed by itself: who is logged in stays") {
    auto host = debian();
    host.put_file("/proc/self/loginuid", "1004");
    CHECK_FALSE(problem(plan_for(host, {user({{"name", "eve"}}, true)})).empty());
}

TEST_CASE("a user's password is compared only by who may read shadow") {
    auto host = debian();
    CHECK(plan_for(host, {user({{"name", "eve"}, {"password", "$6$a$b"}})}).steps.empty());
    host.refuse("/etc/shadow", "permission denied");
    CHECK_FALSE(problem(plan_for(host, {user({{"name", "eve"}, {"password", "$6$a$b"}})})).empty());
    CHECK(problem(plan_for(host, {user({{"name", "eve"}, {"comment", "Eve"}})})).empty());
}

TEST_CASE("a group's number stands in the plan, and its members are added") {
    const auto run = plan_for(debian(), {declare("group", attributes({{"name", "web"}})),
                                         declare("group", attributes({{"name", "ops"}, {"members", "root"}}))});
    REQUIRE(problem(run).empty());
    CHECK(said_of(run, 0, "gid") == "1011");
    const auto members = run.catalog[1].type->schema().find("members")->get(run.goal[1].spec());
    REQUIRE(members.list().size() == 2);
    CHECK(members.list()[0].text() == "eve");
    CHECK(problem(plan_for(debian(), {declare("group", attributes({{"name", "root"}}), true)})) ==
          "group root is never removed: its gid is 0");
}

TEST_CASE("a user that is made brings its home: what lies in it waits for the user, and nobody else makes it") {
    const auto kinds = [](const SmallRun& run) {
        std::string all;
        for (const Step& step : run.steps)
            for (const Change& change : step.changes) all += to_text(change.id) + " ";
        return all;
    };
    const auto file = declare("file", attributes({{"path", "/home/ann/.config/x"}, {"content", "x"}}));
    const auto host = debian();
    CHECK(kinds(plan_for(host, {file, user({{"name", "ann"}})})) ==
          "user:ann directory:/home/ann/.config file:/home/ann/.config/x ");
    const auto elsewhere = declare("file", attributes({{"path", "/srv/people/ann/x"}, {"content", "x"}}));
    CHECK(kinds(plan_for(host, {elsewhere, user({{"name", "ann"}, {"home", "/srv/people/ann"}})})) ==
          "user:ann directory:/srv directory:/srv/people file:/srv/people/ann/x ");
    // A user that brings none, or is there already without one, has it made for it.
    CHECK(
        kinds(plan_for(host, {file, user({{"name", "ann"}, {"create_home", "false"}})})).find("directory:/home/ann ") !=
        std::string::npos);
    const auto of_eve = declare("file", attributes({{"path", "/home/eve/x"}, {"content", "x"}}));
    CHECK(kinds(plan_for(host, {of_eve, user({{"name", "eve"}, {"comment", "E"}})})).find("directory:/home/eve ") !=
          std::string::npos);
}

TEST_CASE("a user's home may be declared beside it") {
    const auto run = plan_for(debian(), {declare("directory", attributes({{"path", "/home/ann"}, {"mode", "0700"}})),
                                         user({{"name", "ann"}})});
    CHECK(problem(run).empty());
    REQUIRE(run.steps.size() == 2);
    CHECK(to_text(run.steps[0].changes[0].id) == "user:ann");
}
