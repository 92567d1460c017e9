// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/fake_host.hpp"
#include "thing.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

struct Scene {
    Catalog catalog;
    States from, to;
    std::vector<Graph::Edge> edges;

    std::uint32_t add(State before, State after, const ResourceType& type = thing_type) {
        catalog.push_back(resource(after ? after : before, type));
        from.push_back(before);
        to.push_back(after);
        return static_cast<std::uint32_t>(catalog.size() - 1);
    }
    Plan made() const { return plan(catalog, Graph(catalog.size(), edges), from, to); }
};

}  // namespace

TEST_CASE("a plan from a state to itself is empty") {
    Scene scene;
    const State a = thing("a");
    scene.add(a, a);
    scene.add(thing("b"), thing("b"));  // two objects that say the same
    CHECK(scene.made().empty());
}

TEST_CASE("makes follow the edges, and the manifest where there is none") {
    Scene scene;
    const auto a = scene.add({}, thing("a")), b = scene.add({}, thing("b"));
    scene.add({}, thing("c"));
    scene.edges = {{b, a}};
    CHECK(to_text(scene.made()) == "0 +b\n1 +a <0\n2 +c\n");
}

TEST_CASE("kinds come in their natural order, what goes goes first and the other way round") {
    Scene scene;
    scene.add({}, thing("late"), late_type);
    scene.add({}, thing("early"));
    scene.add(thing("old"), {});
    scene.add(thing("oldest"), {}, late_type);
    CHECK(to_text(scene.made()) == "0 -oldest\n1 -old\n2 +early\n3 +late\n");
}

TEST_CASE("what goes waits for all that stood on it") {
    Scene scene;
    const auto a = scene.add(thing("a"), {}), b = scene.add(thing("b"), {});
    scene.edges = {{a, b}};
    CHECK(to_text(scene.made()) == "0 -b\n1 -a <0\n");
}

TEST_CASE("what stands on something that goes lets go of it first") {
    Scene scene;
    const auto unit = scene.add(thing("unit"), {});
    const auto service = scene.add(thing("service", "running"), thing("service", "stopped"), late_type);
    scene.edges = {{unit, service}};
    CHECK(to_text(scene.made()) == "0 ~service\n1 -unit <0\n");
}

TEST_CASE("what only hears that something it stands on goes hears of it afterwards") {
    Scene scene;
    const auto part = scene.add(thing("part"), {});
    const auto service =
        scene.add(thing("service").with_inputs({0, 1}), thing("service").with_inputs({0, 2}), late_type);
    scene.edges = {{part, service}};
    CHECK(to_text(scene.made()) == "0 -part\n1 ~service\n");
}

TEST_CASE("an unchanged resource passes on what it waited for") {
    Scene scene;
    const State same = thing("b");
    const auto a = scene.add({}, thing("a")), b = scene.add(same, same), c = scene.add({}, thing("c"));
    scene.edges = {{a, b}, {b, c}};
    CHECK(to_text(scene.made()) == "0 +a\n1 +c <0\n");
}

TEST_CASE("changes of a batching kind are one step") {
    Scene scene;
    const auto a = scene.add({}, thing("a"), batch_type);
    scene.add({}, thing("x"));
    scene.add({}, thing("b"), batch_type);
    const auto c = scene.add({}, thing("c"), batch_type);
    scene.edges = {{a, c}};
    CHECK(to_text(scene.made()) == "0 +a +b\n1 +x\n2 +c <0\n");
}

TEST_CASE("a fan through an unchanged resource stays linear") {
    Scene scene;
    const State same = thing("hub");
    const auto hub = scene.add(same, same);
    for (int i = 0; i < 2000; ++i) scene.edges.push_back({scene.add({}, thing("in" + std::to_string(i))), hub});
    for (int i = 0; i < 2000; ++i) scene.edges.push_back({hub, scene.add({}, thing("out" + std::to_string(i)))});
    const Plan made = scene.made();
    REQUIRE(made.size() == 4000);
    CHECK(made.back().waits_for_all);
    CHECK(made.back().waits_for.empty());
    CHECK(made.front().waits_for.empty());
}

TEST_CASE("a chain of 20,000 is planned in its order") {
    Scene scene;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
        scene.add({}, thing(std::to_string(i)));
        if (i) scene.edges.push_back({i, i - 1});
    }
    const Plan made = scene.made();
    REQUIRE(made.size() == 20'000);
    CHECK(made.front().changes.front().id.key == "19999");
    CHECK(made.back().waits_for == std::vector<std::uint32_t>{19'998});
}

TEST_CASE("two that provide one name are an error with both places") {
    Catalog catalog;
    for (const char* name : {"a", "b"}) catalog.push_back(resource(State::of(Thing{name, {}, {}, {}, {}, {}, "t:x"})));
    Diagnostics problems;
    order(catalog, {}, problems);
    REQUIRE(problems.errors().size() == 1);
    CHECK(std::string(problems.errors()[0].what()) == "thing:a and thing:b both make x");
    CHECK(problems.errors()[0].notes.size() == 1);
}

TEST_CASE("one that makes room for another is no conflict") {
    Catalog catalog;
    for (const char* name : {"a", "b"}) catalog.push_back(resource(State::of(Thing{name, {}, {}, {}, {}, {}, "t:x"})));
    catalog[0].absent = true;
    Diagnostics problems;
    order(catalog, {}, problems);
    CHECK(problems.ok());
}

TEST_CASE("a path is needed by way of its nearest parent that somebody makes") {
    Catalog catalog;
    catalog.push_back(resource(State::of(Thing{"file", {}, {}, {}, {}, "path:/a/b/c/d", {}})));
    catalog.push_back(resource(State::of(Thing{"far", {}, {}, {}, {}, {}, "path:/a"})));
    catalog.push_back(resource(State::of(Thing{"near", {}, {}, {}, {}, {}, "path:/a/b"})));
    Diagnostics problems;
    const Graph graph = order(catalog, {}, problems);
    CHECK(graph.edges() == std::vector<Graph::Edge>{{2, 0}});
}

TEST_CASE("what is to be in a file, or in what is to be absent, is a mistake of the manifest") {
    static constexpr Schema file_schema = schema::of<Thing>("f", "fs", Order::file, "One.", thing_fields);
    static constexpr Schema directory_schema = schema::of<Thing>("d", "ds", Order::directory, "One.", thing_fields);
    static constexpr ThingType file_type{file_schema}, directory_type{directory_schema};
    const auto problems_of = [](Order kind, bool holder_absent, bool inside_absent, std::uint32_t line,
                                const char* gives = "path:/a/b/c/d") {
        Catalog catalog;
        catalog.push_back(resource(State::of(Thing{"in", {}, {}, {}, {}, "path:/a/b/c", gives})));
        catalog.push_back(resource(State::of(Thing{"of", {}, {}, {}, {}, {}, "path:/a"}),
                                   kind == Order::file ? file_type : directory_type));
        catalog[0].where = {7, 1, 0}, catalog[1].where = {line, 1, 0};
        catalog[0].absent = inside_absent, catalog[1].absent = holder_absent;
        Diagnostics problems;
        order(catalog, {}, problems);
        return problems.errors();
    };
    const auto file = problems_of(Order::file, false, false, 8);
    REQUIRE(file.size() == 1);
    CHECK(std::string(file[0].what()) == "thing:in is to be in f:of, and that is to be no directory");
    CHECK(file[0].where.line == 7);
    CHECK(file[0].notes.size() == 1);
    const auto gone = problems_of(Order::directory, true, false, 8);
    REQUIRE(gone.size() == 1);
    CHECK(std::string(gone[0].what()) == "thing:in is to be in d:of, and that is to be absent");
    CHECK(problems_of(Order::directory, false, false, 8).empty());
    CHECK(problems_of(Order::file, true, false, 8).size() == 1);  // the next run would find a directory there
    CHECK(problems_of(Order::directory, true, true, 8).empty());  // both go
    CHECK(problems_of(Order::file, false, false, 0).empty());     // was never written
    CHECK(problems_of(Order::file, false, false, 8, "path:/link/to").empty());  // leads there, lies elsewhere
}

TEST_CASE("a circle of thousands is shown in part") {
    Catalog catalog;
    std::vector<Graph::Edge> circle;
    for (std::uint32_t i = 0; i < 8000; ++i) {
        catalog.push_back(resource(State::of(Thing{std::to_string(i), {}, {}, {}, {}, {}, {}})));
        circle.push_back({i, (i + 1) % 8000});
    }
    Diagnostics problems;
    order(catalog, circle, problems);
    REQUIRE(problems.errors().size() == 1);
    CHECK(problems.errors()[0].notes.size() == 19);
    CHECK(std::string(problems.errors()[0].what()).ends_with("thing:19 -> ... (7980 more) -> thing:0"));
}

TEST_CASE(
    "a circle of written edges is an error that shows the path, an implied edge in one is dropped with a remark") {
    Catalog catalog;
    catalog.push_back(resource(State::of(Thing{"a", {}, {}, {}, {}, {}, "t:x"})));
    catalog.push_back(resource(State::of(Thing{"b", {}, {}, {}, {}, "t:x", {}})));
    Diagnostics problems;
    const std::vector<Graph::Edge> against{{1, 0}};
    CHECK(order(catalog, against, problems).edges() == against);
    CHECK(problems.ok());
    REQUIRE(problems.remarks().size() == 1);
    const std::vector<Graph::Edge> circle{{0, 1}, {1, 0}};
    order(catalog, circle, problems);
    REQUIRE(problems.errors().size() == 1);
    CHECK(std::string(problems.errors()[0].what()) == "these wait for each other: thing:a -> thing:b -> thing:a");
}

TEST_CASE("an exact list takes out what it does not name, and leaves other lists alone") {
    Catalog catalog;
    const auto with = [](std::vector<std::string> members, TextMap labels) {
        return State::of(Thing{"a", "red", std::move(members), std::move(labels), {}, {}, {}});
    };
    catalog.push_back(resource(with({"x", "y"}, {{"k", "v"}})));
    catalog[0].exact.push_back(thing_schema.find("members"));
    States observed{with({"x", "z"}, {{"other", "o"}})};
    const FakeHost host;
    const View view(host);
    Diagnostics problems;
    const States goal = resolve(catalog, view, observed, problems);
    CHECK(problems.ok());
    CHECK(same(thing_schema, goal[0], with({"x", "y"}, {{"k", "v"}, {"other", "o"}})));
    observed = goal;
    CHECK(plan(catalog, Graph(1, {}), observed, resolve(catalog, view, observed, problems)).empty());
}

TEST_CASE("what is only audited is told and left as it is") {
    Catalog catalog;
    catalog.push_back(resource(thing("differs", "red")));
    catalog.push_back(resource(thing("agrees", "red")));
    catalog.push_back(resource(thing("missing", "red")));
    catalog.push_back(resource(thing("there", "red")));
    catalog.back().absent = true;
    for (Resource& one : catalog) one.audit = true;
    States observed{thing("differs", "blue"), thing("agrees", "red"), State(), thing("there", "red")};
    const FakeHost host;
    const View view(host);
    Diagnostics problems;
    const States goal = resolve(catalog, view, observed, problems);
    CHECK(plan(catalog, Graph(4, {}), observed, goal).empty());
    std::string told;
    for (const Error& remark : problems.remarks()) told += std::string(remark.what()) + "\n";
    CHECK(told ==
          "thing:differs differs in 'colour': it is only audited\n"
          "thing:missing is not there: it is only audited\n"
          "thing:there is there, and should not be: it is only audited\n");
}
