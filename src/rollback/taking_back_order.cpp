// SPDX-License-Identifier: Apache-2.0
// In what order it goes back, and what settles after it.
#include <algorithm>
#include <span>

#include "taking_back.hpp"

namespace chaos::rollback {

/// Each of the later ones waited for each of the earlier ones. Of many and many a few stand for the others, which are
/// made together with them: a thousand directories and a hundred thousand files would be 800 MB of edges. What lies in
/// a directory waits for that one by its path.
void TakingBack::link(const std::vector<Part>& earlier, const std::vector<Part>& later,
                      std::vector<Graph::Edge>& edges) {
    constexpr std::size_t few = 16;
    const bool all = earlier.size() <= few || later.size() <= few || earlier.size() * later.size() <= few * few * few;
    const std::size_t every = all ? 1 : std::max<std::size_t>(1, earlier.size() / few);
    const std::size_t every_later = all ? 1 : std::max<std::size_t>(1, later.size() / few);
    for (std::size_t i = 0; i < earlier.size(); ++i)
        for (std::size_t k = 0; k < later.size(); k += i % every == 0 ? 1 : every_later)
            if (const auto before = earlier[i].number, after = later[k].number; before != after)
                edges.push_back(later[k].removed ? Graph::Edge{after, before} : Graph::Edge{before, after});
}

/// As the runs recorded them: what a step waited for, it stands on. A step that took something away waited for what had
/// stood on that.
Graph TakingBack::edges() const {
    std::vector<Graph::Edge> edges;
    const auto parts = [&](std::int64_t run, std::int64_t step) {
        const auto found = in_step_.find({run, step});
        return found == in_step_.end() ? std::vector<Part>() : found->second;
    };
    for (const std::int64_t run : back_.runs)
        for (const StepRecord& step : place_.store.steps(run))
            for (const std::int64_t number : step.waits_for) link(parts(run, number), parts(run, step.number), edges);
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    // What is implied comes to it: of a wide fan no edge was recorded. Two runs may have had two orders: then that
    // alone.
    for (const std::span<const Graph::Edge> written : {std::span<const Graph::Edge>(edges), {}}) {
        Catalog catalog = back_.site.catalog;  // what it notes in there is for a run of the manifest
        for (const auto& [i, others] : rivals_) catalog[i].absent = !bases_[i];
        Diagnostics problems;
        Graph graph = order(catalog, written, problems);
        if (problems.ok()) return graph;
    }
    return {back_.site.catalog.size(), {}};
}

namespace {

/// Steps of one plan made several of each: by the number of the old one.
using Parts = std::vector<std::vector<std::uint32_t>>;

/// What a part of `step` waits for: of each step that this waited for, the parts that it stands on. All of them where
/// the graph tells only by way of others.
std::vector<std::uint32_t> waits_of(const Plan& plan, const Step& step, std::uint32_t resource, const Parts& parts,
                                    const std::set<Graph::Edge>& edges) {
    std::vector<std::uint32_t> waits;
    for (const std::uint32_t earlier : step.waits_for) {
        const std::size_t known = waits.size();
        if (parts[earlier].size() > 1)
            for (std::size_t k = 0; k < parts[earlier].size(); ++k) {
                const std::uint32_t on = plan[earlier].resources[k];
                if (edges.contains({on, resource}) || edges.contains({resource, on}))
                    waits.push_back(parts[earlier][k]);
            }
        if (waits.size() == known) waits.insert(waits.end(), parts[earlier].begin(), parts[earlier].end());
    }
    return waits;
}

}  // namespace

void TakingBack::set_apart(Transactor::TakeBack& back) {
    const auto all = back.graph.edges();
    const std::set<Graph::Edge> edges(all.begin(), all.end());
    Plan apart;
    Parts parts;
    for (const Step& step : back.plan) {
        std::vector<std::uint32_t>& here = parts.emplace_back();
        const bool together = step.type->way() != Way::files;
        for (std::size_t k = 0; k < step.resources.size(); ++k) {
            if (k == 0 || !together) {
                here.push_back(static_cast<std::uint32_t>(apart.size()));
                apart.push_back({step.type, {}, {}, {}, step.waits_for_all});
            }
            Step& part = apart.back();
            part.resources.push_back(step.resources[k]);
            part.changes.push_back(step.changes[k]);
            const auto waits = waits_of(back.plan, step, step.resources[k], parts, edges);
            part.waits_for.insert(part.waits_for.end(), waits.begin(), waits.end());
        }
    }
    for (Step& step : apart) {
        std::sort(step.waits_for.begin(), step.waits_for.end());
        step.waits_for.erase(std::unique(step.waits_for.begin(), step.waits_for.end()), step.waits_for.end());
    }
    back.plan = std::move(apart);
}

/// Services that took note of what goes back (settle() in undo.cpp), and are not in the plan for anything else.
void TakingBack::find_settling() {
    std::set<std::pair<std::string_view, std::string>> known;
    for (const Step& step : back_.plan)
        for (const Change& change : step.changes) known.emplace(change.id.type, change.id.key);
    for (const std::int64_t run : back_.runs)
        for (const ChangeRecord& change : place_.store.reactions(run)) {
            const ResourceType* type = place_.registry.type(change.type);
            if (!type || type->way() != Way::calls || change.before.is_null()) continue;
            if (known.emplace(type->schema().name, change.key).second)
                back_.settles.push_back({type->schema().name, change.key});
        }
}

}  // namespace chaos::rollback
