// SPDX-License-Identifier: Apache-2.0
// What find_conflicts says of a site, and whether that is true: on small catalogs of every shape, resources applied in
// different orders.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chaos/manifest.hpp>
#include <random>
#include <set>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

struct Judged {
    Diagnostics problems;
    Graph graph;
};

Judged judge(Catalog& catalog, std::vector<Graph::Edge> edges = {}) {
    Site site;
    site.catalog = catalog;
    Judged judged;
    judged.graph = order(site.catalog, edges, judged.problems);
    if (judged.problems.ok()) find_conflicts(site, judged.graph, judged.problems);
    return judged;
}

std::string said(const Diagnostics& problems) {
    std::string all;
    for (const Error& error : problems.errors()) all += fmt::format("error: {} ({})\n", error.what(), error.hint);
    for (const Error& error : problems.remarks()) all += fmt::format("note: {} ({})\n", error.what(), error.hint);
    return all;
}

Resource file(const char* path, const char* content) {
    return declare("file", attributes({{"path", path}, {"content", content}}));
}
Resource directory(const char* path) {
    return declare("directory", attributes({{"path", path}}));
}
Resource link_at(const char* path, const char* to) {
    return declare("link", attributes({{"path", path}, {"to", to}}));
}
Resource package(const char* name) {
    return declare("package", attributes({{"name", name}}));
}
Resource service(const char* name) {
    return declare("service", attributes({{"name", name}}));
}
Resource creates(const char* label, const char* path) {
    return declare("exec", attributes({{"name", label}, {"command", "make it"}, {"creates", path}}));
}
Resource absent(std::string_view kind, const char* path) {
    return declare(kind, attributes({{"path", path}}), true);
}

}  // namespace

TEST_CASE("a site that says nothing twice has no conflict") {
    Catalog catalog{package("nginx"),  directory("/etc/nginx"), file("/etc/nginx/nginx.conf", "x"),
                    service("nginx"),  directory("/srv/www"),   link_at("/var/www", "/srv/www"),
                    file("/srv/a", "")};
    CHECK(said(judge(catalog).problems) == "");
}

TEST_CASE("a package that waits for a command comes too late for its service, unless that waits for it") {
    Catalog catalog{creates("key", "/k"), package("nginx"), service("nginx"), file("/etc/nginx/x", "x")};
    const std::vector<Graph::Edge> late{{0, 1}};
    const std::string all = said(judge(catalog, late).problems);
    CHECK(all.find("say on service:nginx: needs: [package:nginx]") != std::string::npos);
    CHECK(all.find("say on file:/etc/nginx/x: needs: [package:nginx]") != std::string::npos);
    CHECK(said(judge(catalog, {{0, 1}, {1, 2}, {1, 3}}).problems) == "");
    CHECK(said(judge(catalog, {{0, 1}, {2, 1}, {3, 1}}).problems) == "");  // said to be first
}

TEST_CASE("a command that creates what a file declares must come first") {
    Catalog catalog{creates("key", "/k"), file("/k", "x")};
    CHECK(said(judge(catalog).problems).find("exec:key would never run") != std::string::npos);
    CHECK(said(judge(catalog, {{0, 1}}).problems) == "");
    Catalog undone{creates("key", "/k"), absent("file", "/k")};
    CHECK(said(judge(undone, {{0, 1}}).problems).find("each run would undo the one before") != std::string::npos);
}

TEST_CASE("a file that is audited or only given a mode writes nothing that others could undo") {
    Catalog catalog{declare("user", attributes({{"name", "eve"}})),
                    declare("file", attributes({{"path", "/etc/passwd"}, {"mode", "0644"}}))};
    CHECK(said(judge(catalog).problems) == "");
    catalog[1] = file("/etc/passwd", "root");
    CHECK(said(judge(catalog).problems).find("they would undo each other") != std::string::npos);
    catalog[1].audit = true;
    CHECK(said(judge(catalog).problems) == "");
}

TEST_CASE("links in a circle lead nowhere, and what is to lie behind them has no place") {
    Catalog catalog{link_at("/a", "/b"), link_at("/b", "/a"), link_at("/c", "c")};
    const Judged judged = judge(catalog);
    CHECK(judged.problems.ok());
    const std::string all = said(judged.problems);
    for (const char* link : {"/a", "/b", "/c"})
        CHECK(all.find(fmt::format("link:{} leads nowhere", link)) != std::string::npos);
    catalog.push_back(file("/c/x", "x"));
    CHECK(said(judge(catalog).problems).find("file:/c/x lies behind link:/c, which leads nowhere") !=
          std::string::npos);
}

TEST_CASE("what lies in what a command creates comes after the command, and its directory is not made before") {
    Catalog catalog{file("/opt/app/etc/config", "x"), creates("clone", "/opt/app")};
    Judged judged = judge(catalog);
    CHECK(said(judged.problems) == "");
    const auto edges = judged.graph.edges();
    CHECK(std::count(edges.begin(), edges.end(), Graph::Edge{1, 0}) == 1);
    const SmallRun run = plan_for(FakeHost(), catalog);
    REQUIRE(run.problems.ok());
    std::string order_of_steps;
    for (const Step& step : run.steps)
        for (const Change& change : step.changes) order_of_steps += to_text(change.id) + " ";
    CHECK(order_of_steps == "directory:/opt exec:clone directory:/opt/app/etc file:/opt/app/etc/config ");
    CHECK(said(judge(catalog, {{0, 1}}).problems).find("exec:clone would never run") != std::string::npos);
}

namespace {

constexpr const char* names[] = {"/a", "/b", "/a/c", "/b/c", "/a/c/d", "/b/c/d"};
constexpr const char* targets[] = {"/a", "/b", "a", "b", "../b", "/a/c", "c"};

Catalog random_catalog(std::mt19937_64& random) {
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    Catalog catalog;
    std::set<std::string> ids;
    for (std::size_t wanted = 2 + below(4), tries = 0; catalog.size() < wanted && tries < 20; ++tries) {
        const char* path = names[below(std::size(names))];
        Resource resource;
        switch (below(6)) {
            case 0: resource = directory(path); break;
            case 1: resource = link_at(path, targets[below(std::size(targets))]); break;
            case 2: resource = declare("directory", attributes({{"path", path}, {"recurse", "true"}}), true); break;
            case 3: resource = absent("file", path); break;
            default: resource = file(path, below(2) ? "one" : "two");
        }
        if (ids.insert(to_text(resource.id)).second) catalog.push_back(std::move(resource));
    }
    return catalog;
}

/// Some order that the edges, and the order of kinds, allow: what goes first, against the edges.
std::vector<std::uint32_t> some_order(const Catalog& catalog, const Graph& graph, std::mt19937_64& random) {
    std::vector<std::uint32_t> all;
    for (const bool going : {true, false}) {
        std::vector<std::uint32_t> waiting(catalog.size(), 0), ready;
        auto edges = graph.edges();
        for (auto& edge : edges)
            if (going) std::swap(edge.from, edge.to);
        const Graph walked(catalog.size(), edges);
        for (const auto& edge : edges) ++waiting[edge.to];
        for (std::uint32_t i = 0; i < catalog.size(); ++i)
            if (!waiting[i]) ready.push_back(i);
        while (!ready.empty()) {
            const auto rank = [&](std::uint32_t i) {
                const int order = static_cast<int>(catalog[i].type->schema().order);
                return catalog[i].absent != going ? -100 : going ? -order : order;
            };
            int least = 100;
            for (const auto i : ready) least = std::min(least, rank(i));
            std::vector<std::size_t> may;
            for (std::size_t k = 0; k < ready.size(); ++k)
                if (rank(ready[k]) == least) may.push_back(k);
            const std::size_t k = may[random() % may.size()];
            const std::uint32_t i = ready[k];
            ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(k));
            if (catalog[i].absent == going) all.push_back(i);
            for (const auto to : walked.after(i))
                if (!--waiting[to]) ready.push_back(to);
        }
    }
    return all;
}

/// One resource after the other, each as if it were alone; what comes of it, or that it failed.
std::string applied(const Catalog& catalog, const std::vector<std::uint32_t>& in_order, FakeHost host) {
    try {
        for (const auto i : in_order) {
            const SmallRun run = plan_for(host, {catalog[i]});
            if (!run.problems.ok()) return "failed";
            carry_out(host, run.steps);
        }
    } catch (const Error&) {
        return "failed";
    }
    return host.dump();
}

/// The tree alone, twice: a site that is right has nothing to do the second time.
std::set<std::string> ends(const Catalog& catalog, const Graph& graph, const FakeHost& host, std::mt19937_64& random,
                           int orders) {
    std::set<std::string> found;
    for (int k = 0; k < orders; ++k) found.insert(applied(catalog, some_order(catalog, graph, random), host));
    return found;
}

}  // namespace

TEST_CASE("catalogs that the check passes end the same in every order, and those it stops do not") {
    std::mt19937_64 random(20250717);
    const FakeHost host;
    std::size_t passed = 0, stopped = 0, shown = 0;
    for (int number = 0; number < 2000; ++number) {
        Catalog catalog = random_catalog(random);
        Judged judged = judge(catalog);
        if (judged.problems.ok() && !judged.problems.remarks().empty()) continue;  // it said that this may fail
        if (judged.problems.ok()) {
            ++passed;
            const auto found = ends(catalog, judged.graph, host, random, 6);
            std::string what;
            for (const Resource& resource : catalog)
                what += fmt::format("{}{} {}\n", resource.absent ? "no " : "", to_text(resource.id),
                                    to_json(encode(resource.type->schema(), resource.wanted)));
            INFO(what);
            REQUIRE(found.size() == 1);
            continue;
        }
        const bool by_link =
            std::any_of(judged.problems.errors().begin(), judged.problems.errors().end(), [](const Error& e) {
                return std::string_view(e.what()).find("one thing") != std::string_view::npos ||
                       std::string_view(e.what()).find("by way of") != std::string_view::npos;
            });
        if (!by_link) continue;
        ++stopped;
        // What it stops differs, fails, or is not done when it was done.
        auto found = ends(catalog, judged.graph, host, random, 12);
        bool wrong = found.size() > 1 || found.contains("failed");
        if (!wrong) {
            FakeHost after = host;
            const auto once = some_order(catalog, judged.graph, random);
            for (const auto i : once) carry_out(after, plan_for(after, {catalog[i]}).steps);
            Diagnostics problems;
            const View view(after);
            const auto now = observe(catalog, view, problems);
            wrong = !problems.ok();
            for (std::size_t i = 0; i < catalog.size(); ++i)
                wrong = wrong ||
                        (catalog[i].absent ? bool(now[i])
                                           : !now[i] || !reaches(catalog[i].type->schema(), now[i], catalog[i].wanted));
        }
        shown += wrong;
    }
    CHECK(passed > 400);
    CHECK(stopped > 30);
    CHECK(shown * 10 > stopped * 9);  // the others need what was on the host before to tell
}
