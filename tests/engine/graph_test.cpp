// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <chaos/graph.hpp>
#include <set>

using chaos::Graph;

TEST_CASE("a graph answers who comes after whom") {
    const std::vector<Graph::Edge> edges{{0, 1}, {0, 2}, {2, 1}};
    const Graph graph(3, edges);
    CHECK(graph.size() == 3);
    CHECK(std::set<std::uint32_t>(graph.after(0).begin(), graph.after(0).end()) == std::set<std::uint32_t>{1, 2});
    CHECK(graph.after(1).empty());
    CHECK(graph.edges().size() == 3);
    CHECK(graph.cycle().empty());
}

TEST_CASE("a circle is shown from its first member back to it") {
    const std::vector<Graph::Edge> edges{{0, 1}, {1, 2}, {2, 3}, {3, 1}};
    const auto circle = Graph(4, edges).cycle();
    REQUIRE(circle.size() == 4);
    CHECK(circle.front() == circle.back());
    CHECK(std::set<std::uint32_t>(circle.begin(), circle.end()) == std::set<std::uint32_t>{1, 2, 3});
}

TEST_CASE("components put the members of a circle together, and nobody else") {
    const std::vector<Graph::Edge> edges{{0, 1}, {1, 2}, {2, 1}, {2, 3}};
    const auto component = Graph(4, edges).components();
    CHECK(component[1] == component[2]);
    CHECK(std::set<std::uint32_t>(component.begin(), component.end()).size() == 3);
}

TEST_CASE("a chain of 200,000 needs no stack of 200,000 calls") {
    std::vector<Graph::Edge> edges;
    for (std::uint32_t i = 0; i + 1 < 200'000; ++i) edges.push_back({i, i + 1});
    const Graph graph(200'000, edges);
    CHECK(graph.cycle().empty());
    const auto component = graph.components();
    CHECK(std::set<std::uint32_t>(component.begin(), component.end()).size() == 200'000);
}
