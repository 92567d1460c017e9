// SPDX-License-Identifier: Apache-2.0
// Reachability in a graph without circles, for a few questions: labels of one walk answer nearly all of them (Yildirim,
// Chaoji, Zaki: "GRAIL", VLDB 2010), a search that they prune the rest.
#include "ordering.hpp"
#include <algorithm>

namespace chaos {

Ordering::Ordering(const Catalog& catalog, const Graph& graph)
    : graph_(graph), goes_(graph.size()), level_(graph.size()), position_(graph.size()) {
    for (std::uint32_t i = 0; i < graph.size(); ++i) {
        const Resource& resource = catalog[i];
        // Tools that take many changes at once take what goes and what comes in one transaction.
        const bool shares = resource.type->batches() && resource.type->way() == Way::opaque;
        goes_[i] = (resource.absent || resource.leaving) && !shares;
        level_[i] =
            static_cast<char>(resource.wanted ? resource.type->order(resource.wanted) : resource.type->schema().order);
    }
    sort(graph);
    for (const std::uint32_t i : sorted_)
        for (const std::uint32_t to : graph.after(i))
            if (!goes_[i]) level_[to] = std::max(level_[to], level_[i]);
}

void Ordering::sort(const Graph& graph) {
    std::vector<std::uint32_t> waiting(graph.size(), 0);
    for (std::uint32_t i = 0; i < graph.size(); ++i)
        for (const std::uint32_t to : graph.after(i)) ++waiting[to];
    sorted_.reserve(graph.size());
    for (std::uint32_t i = 0; i < graph.size(); ++i)
        if (!waiting[i]) sorted_.push_back(i);
    for (std::size_t next = 0; next < sorted_.size(); ++next) {
        const std::uint32_t i = sorted_[next];
        position_[i] = static_cast<std::uint32_t>(next);
        for (const std::uint32_t to : graph.after(i))
            if (!--waiting[to]) sorted_.push_back(to);
    }
}

bool Ordering::before(std::uint32_t first, std::uint32_t second) const {
    if (goes_[first] != goes_[second]) return goes_[first];
    if (goes_[first]) return reaches(second, first);  // what goes, goes against the edges
    return level_[first] < level_[second] || reaches(first, second);
}

void Ordering::label() const {
    struct Visit {
        std::uint32_t node, next;
    };
    const auto unseen = static_cast<std::uint32_t>(graph_.size()) + 1;
    labels_.assign(graph_.size(), {unseen, unseen, unseen});
    seen_.assign(graph_.size(), 0);
    std::vector<Visit> path;
    std::uint32_t found = 0, done = 0;
    for (const std::uint32_t root : sorted_) {
        if (labels_[root].pre != unseen) continue;
        labels_[root].pre = found++;
        path.push_back({root, 0});
        while (!path.empty()) {
            auto& [node, next] = path.back();
            const auto after = graph_.after(node);
            if (next < after.size()) {
                const std::uint32_t to = after[next++];
                if (labels_[to].pre == unseen) labels_[to].pre = found++, path.push_back({to, 0});
                continue;
            }
            Label& label = labels_[node];
            label.post = label.low = done++;
            for (const std::uint32_t to : after) label.low = std::min(label.low, labels_[to].low);
            path.pop_back();
        }
    }
}

bool Ordering::reaches(std::uint32_t from, std::uint32_t to) const {
    if (from == to || position_[from] >= position_[to]) return from == to;
    if (labels_.empty()) label();
    const auto may = [&](std::uint32_t i) {
        return position_[i] < position_[to] && labels_[i].low <= labels_[to].low && labels_[to].post < labels_[i].post;
    };
    const auto found_from = [&](std::uint32_t i) {
        return labels_[i].pre < labels_[to].pre && labels_[to].post < labels_[i].post;
    };
    if (!may(from)) return false;
    ++question_;
    std::vector<std::uint32_t> open{from};
    while (!open.empty()) {
        const std::uint32_t i = open.back();
        open.pop_back();
        if (found_from(i)) return true;
        for (const std::uint32_t next : graph_.after(i)) {
            if (next == to) return true;
            if (looks_left_ == 0) return true;
            --looks_left_;
            if (seen_[next] == question_ || !may(next)) continue;
            seen_[next] = question_;
            open.push_back(next);
        }
    }
    return false;
}

}  // namespace chaos
