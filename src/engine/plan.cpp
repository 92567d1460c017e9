// SPDX-License-Identifier: Apache-2.0
// Steps from one state to another: pure, and linear but for two heaps.
#include <algorithm>
#include <chaos/plan.hpp>
#include <queue>

namespace chaos {

namespace {

enum class Part : char { none, goes, makes };

/// Where a resource stands among those that are ready: by kind, then as written; what goes, the other way round.
struct Ready {
    int rank;
    std::int64_t place;
    std::uint32_t number;
    bool operator<(const Ready& other) const {  // std::priority_queue gives the greatest first
        return rank != other.rank ? rank > other.rank : place > other.place;
    }
};

class Planner {
public:
    Planner(const Catalog& catalog, const Graph& graph, const States& from, const States& to)
        : catalog_(catalog),
          graph_(graph),
          from_(from),
          to_(to),
          part_(catalog.size(), Part::none),
          step_of_(catalog.size()) {}

    Plan plan() {
        bool any = false;
        for (std::uint32_t i = 0; i < catalog_.size(); ++i) any |= (part_[i] = part_of(i)) != Part::none;
        if (!any) return {};
        let_go_first();
        arrange(Part::goes, reversed());
        arrange(Part::makes, graph_);
        return std::move(plan_);
    }

private:
    Part part_of(std::uint32_t i) const {
        if (same(catalog_[i].type->schema(), from_[i], to_[i])) return Part::none;
        const ResourceType& type = *catalog_[i].type;
        // Tools that take many changes at once take what goes and what comes in one transaction.
        const bool shares = type.batches() && type.way() == Way::opaque;
        return to_[i] || shares ? Part::makes : Part::goes;
    }

    /// It only hears that something changed, and becomes nothing else.
    bool only_reacts(std::uint32_t i) const {
        return same(catalog_[i].type->schema(), from_[i].with_inputs(to_[i].inputs()), to_[i]);
    }

    /// What stands on something that goes must let go of it before: a service is stopped before its unit is taken away.
    /// What stays as it is and hears of it does so afterwards: it would read once more what is about to go.
    void let_go_first() {
        for (std::uint32_t i = 0; i < graph_.size(); ++i) {
            if (part_[i] != Part::goes) continue;
            for (const std::uint32_t on : graph_.after(i))
                if (part_[on] == Part::makes && from_[on] && to_[on] && !only_reacts(on)) part_[on] = Part::goes;
        }
    }

    Graph reversed() const {
        auto edges = graph_.edges();
        for (auto& edge : edges) std::swap(edge.from, edge.to);
        return Graph(graph_.size(), edges);
    }

    Ready ready(std::uint32_t i, Part part) const {
        const State& state = to_[i] ? to_[i] : from_[i];
        const int rank = static_cast<int>(state ? catalog_[i].type->order(state) : catalog_[i].type->schema().order);
        return part == Part::goes ? Ready{-rank, -static_cast<std::int64_t>(i), i} : Ready{rank, i, i};
    }

    /// Kahn's algorithm over all resources (an unchanged one passes on what it waited for), the earliest of those ready
    /// first.
    void arrange(Part part, const Graph& graph) {
        std::vector<std::uint32_t> waiting(graph.size(), 0);
        for (std::uint32_t i = 0; i < graph.size(); ++i)
            for (const std::uint32_t to : graph.after(i)) ++waiting[to];
        std::priority_queue<Ready> queue;
        for (std::uint32_t i = 0; i < graph.size(); ++i)
            if (!waiting[i]) queue.push(ready(i, part));
        inherited_.assign(graph.size(), {});
        std::vector<std::uint32_t> together;
        const auto release = [&](std::uint32_t i) {
            for (const std::uint32_t to : graph.after(i)) {
                pass_on(i, to, part);
                if (!--waiting[to]) queue.push(ready(to, part));
            }
        };
        while (!queue.empty()) {
            const std::uint32_t first = queue.top().number;
            queue.pop();
            if (part_[first] != part) {
                release(first);
                continue;
            }
            together.assign(1, first);
            if (catalog_[first].type->batches()) gather(queue, together, part);
            add_step(together);
            for (const std::uint32_t i : together) release(i);
        }
    }

    /// All that are ready and of the kind of the first: one call of apply. The others go back into the queue.
    void gather(std::priority_queue<Ready>& queue, std::vector<std::uint32_t>& together, Part part) const {
        const ResourceType* type = catalog_[together.front()].type;
        const int rank = ready(together.front(), part).rank;
        std::vector<Ready> others;
        while (!queue.empty() && queue.top().rank == rank) {
            const Ready next = queue.top();
            queue.pop();
            if (catalog_[next.number].type == type && part_[next.number] == part)
                together.push_back(next.number);
            else
                others.push_back(next);
        }
        for (const Ready& other : others) queue.push(other);
    }

    void add_step(const std::vector<std::uint32_t>& together) {
        Step step;
        step.type = catalog_[together.front()].type;
        step.resources = together;
        const auto number = static_cast<std::uint32_t>(plan_.size());
        for (const std::uint32_t i : together) {
            step.changes.push_back({catalog_[i].id, from_[i], to_[i], catalog_[i].where});
            step.waits_for.insert(step.waits_for.end(), inherited_[i].steps.begin(), inherited_[i].steps.end());
            step.waits_for_all |= inherited_[i].too_many;
            step_of_[i] = number;
        }
        std::sort(step.waits_for.begin(), step.waits_for.end());
        step.waits_for.erase(std::unique(step.waits_for.begin(), step.waits_for.end()), step.waits_for.end());
        if (step.waits_for_all) step.waits_for.clear();
        plan_.push_back(std::move(step));
    }

    /// Steps that a resource waits for. A fan through an unchanged one could make their number quadratic: then it waits
    /// for all before it.
    struct Waits {
        std::vector<std::uint32_t> steps;
        bool too_many = false;
    };
    static constexpr std::size_t worth_naming = 64;

    void pass_on(std::uint32_t from, std::uint32_t to, Part part) {
        Waits& waits = inherited_[to];
        if (waits.too_many) return;
        if (part_[from] == part) {
            if (waits.steps.empty() || waits.steps.back() != step_of_[from]) waits.steps.push_back(step_of_[from]);
        } else {
            waits.steps.insert(waits.steps.end(), inherited_[from].steps.begin(), inherited_[from].steps.end());
            waits.too_many = inherited_[from].too_many;
        }
        if (waits.steps.size() > worth_naming) {
            std::sort(waits.steps.begin(), waits.steps.end());
            waits.steps.erase(std::unique(waits.steps.begin(), waits.steps.end()), waits.steps.end());
        }
        if (waits.steps.size() > worth_naming || waits.too_many) waits = {{}, true};
    }

    const Catalog& catalog_;
    const Graph& graph_;
    const States &from_, &to_;
    std::vector<Part> part_;
    std::vector<std::uint32_t> step_of_;
    std::vector<Waits> inherited_;
    Plan plan_;
};

}  // namespace

Plan plan(const Catalog& catalog, const Graph& graph, const States& from, const States& to) {
    return Planner(catalog, graph, from, to).plan();
}

}  // namespace chaos
