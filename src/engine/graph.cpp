// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chaos/provenance.hpp>
#include <limits>

namespace chaos {

Graph::Graph(std::size_t size, std::span<const Edge> edges) : first_(size + 1, 0), next_(edges.size()) {
    for (const Edge& edge : edges) ++first_[edge.from + 1];
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    auto at = first_;
    for (const Edge& edge : edges) next_[at[edge.from]++] = edge.to;
}

std::vector<Graph::Edge> Graph::edges() const {
    std::vector<Edge> all;
    all.reserve(next_.size());
    for (std::uint32_t from = 0; from < size(); ++from)
        for (const std::uint32_t to : after(from)) all.push_back({from, to});
    return all;
}

namespace {

constexpr std::uint32_t unseen = std::numeric_limits<std::uint32_t>::max();

/// Depth first without recursion: a chain of 20,000 resources must not need a stack of 20,000 calls.
struct Visit {
    std::uint32_t node, next;  // next: which of its successors comes next
};

}  // namespace

// Tarjan, "Depth-first search and linear graph algorithms" (1972), with an explicit stack.
std::vector<std::uint32_t> Graph::components() const {
    const auto n = static_cast<std::uint32_t>(size());
    std::vector<std::uint32_t> component(n, unseen), index(n, unseen), low(n), open;
    std::vector<Visit> path;
    std::uint32_t clock = 0, found = 0;
    for (std::uint32_t root = 0; root < n; ++root) {
        if (index[root] != unseen) continue;
        path.push_back({root, 0});
        while (!path.empty()) {
            auto& [node, next] = path.back();
            if (next == 0) index[node] = low[node] = clock++, open.push_back(node);
            const auto successors = after(node);
            if (next < successors.size()) {
                const std::uint32_t to = successors[next++];
                if (index[to] == unseen)
                    path.push_back({to, 0});
                else if (component[to] == unseen)
                    low[node] = std::min(low[node], index[to]);
                continue;
            }
            const std::uint32_t done = node;
            path.pop_back();
            if (!path.empty()) low[path.back().node] = std::min(low[path.back().node], low[done]);
            if (low[done] != index[done]) continue;
            for (std::uint32_t member = unseen; member != done; open.pop_back())
                component[member = open.back()] = found;
            ++found;
        }
    }
    return component;
}

std::vector<std::uint32_t> Graph::cycle() const {
    enum class Colour : char { white, grey, black };
    std::vector<Colour> colour(size(), Colour::white);
    std::vector<Visit> path;
    for (std::uint32_t root = 0; root < size(); ++root) {
        if (colour[root] != Colour::white) continue;
        path.push_back({root, 0});
        colour[root] = Colour::grey;
        while (!path.empty()) {
            auto& [node, next] = path.back();
            const auto successors = after(node);
            if (next == successors.size()) {
                colour[node] = Colour::black;
                path.pop_back();
                continue;
            }
            const std::uint32_t to = successors[next++];
            if (colour[to] == Colour::black) continue;
            if (colour[to] == Colour::white) {
                colour[to] = Colour::grey;
                path.push_back({to, 0});
                continue;
            }
            std::vector<std::uint32_t> circle;
            const auto start =
                std::find_if(path.begin(), path.end(), [&](const Visit& visit) { return visit.node == to; });
            for (auto visit = start; visit != path.end(); ++visit) circle.push_back(visit->node);
            circle.push_back(to);
            return circle;
        }
    }
    return {};
}

std::vector<Graph::Edge> reduced(const Graph& graph) {
    const std::size_t n = graph.size();
    // Places in an order in which everybody comes after whom it needs.
    std::vector<std::uint32_t> waits(n, 0), order, place(n, 0);
    for (const auto& edge : graph.edges()) ++waits[edge.to];
    for (std::uint32_t i = 0; i < n; ++i)
        if (waits[i] == 0) order.push_back(i);
    for (std::size_t k = 0; k < order.size(); ++k)
        for (const std::uint32_t to : graph.after(order[k]))
            if (--waits[to] == 0) order.push_back(to);
    for (std::uint32_t k = 0; k < order.size(); ++k) place[order[k]] = k;

    std::vector<Graph::Edge> kept;
    std::vector<std::uint32_t> seen(n, unseen), open;
    for (std::uint32_t from = 0; from < n; ++from) {
        std::vector<std::uint32_t> next(graph.after(from).begin(), graph.after(from).end());
        std::sort(next.begin(), next.end(), [&](auto a, auto b) { return place[a] < place[b]; });
        const std::uint32_t last = next.empty() ? 0 : place[next.back()];
        for (const std::uint32_t to : next) {  // the nearest first: what it leads to needs no edge of its own
            if (seen[to] == from) continue;
            kept.push_back({from, to});
            seen[to] = from, open.push_back(to);
            while (!open.empty()) {
                const std::uint32_t node = open.back();
                open.pop_back();
                for (const std::uint32_t more : graph.after(node))
                    if (seen[more] != from && place[more] <= last) seen[more] = from, open.push_back(more);
            }
        }
    }
    return kept;
}

}  // namespace chaos
