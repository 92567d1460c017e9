// SPDX-License-Identifier: Apache-2.0
// In what order it goes back, and what settles after it.
#include <algorithm>
#include <span>

#include "taking_back.hpp"

namespace chaos::rollback {

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
            for (const std::int64_t number : step.waits_for)
                for (const Part& earlier : parts(run, number))
                    for (const Part& later : parts(run, step.number))
                        if (earlier.number != later.number)
                            edges.push_back(later.removed ? Graph::Edge{later.number, earlier.number}
                                                          : Graph::Edge{earlier.number, later.number});
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
