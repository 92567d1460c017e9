// SPDX-License-Identifier: Apache-2.0
// --only and --skip: a part of a site, with what it needs; nothing is released then.
#include <fmt/format.h>
#include <algorithm>
#include <chaos/manifest.hpp>

namespace chaos {

namespace {

/// `module:web` is all that web declares, and what the modules that it uses declare.
bool of_module(std::string_view path, const Resource& resource) {
    return std::any_of(resource.modules.begin(), resource.modules.end(), [&](std::string_view module) {
        return module.starts_with(path) && (module.size() == path.size() || module[path.size()] == '/');
    });
}

bool names(const std::string& wish, const Resource& resource, const Registry& registry) {
    if (wish.starts_with("module:")) return of_module(std::string_view(wish).substr(7), resource);
    return std::find(resource.tags.begin(), resource.tags.end(), wish) != resource.tags.end() ||
           matches(wish, resource, registry);
}

std::vector<char> chosen(const Site& site, const std::vector<std::string>& wishes, const Registry& registry) {
    std::vector<char> marks(site.catalog.size(), 0);
    for (const std::string& wish : wishes) {
        bool found = false;
        for (std::size_t i = 0; i < marks.size(); ++i)
            if (names(wish, site.catalog[i], registry)) marks[i] = 1, found = true;
        if (!found)
            throw Error(fmt::format("no resource of this site has the id or tag '{}'", wish))
                .help("chaos plan -v lists ids and tags");
    }
    return marks;
}

/// What is chosen needs what comes before it: edges are walked backwards until nothing is added.
void add_needed(const Site& site, std::vector<char>& marks) {
    auto backwards = site.edges;
    for (auto& edge : backwards) std::swap(edge.from, edge.to);
    const Graph graph(site.catalog.size(), backwards);
    std::vector<std::uint32_t> open;
    for (std::uint32_t i = 0; i < marks.size(); ++i)
        if (marks[i]) open.push_back(i);
    while (!open.empty()) {
        const std::uint32_t i = open.back();
        open.pop_back();
        for (const std::uint32_t needed : graph.after(i))
            if (!marks[needed]) marks[needed] = 1, open.push_back(needed);
    }
}

void keep(Site& site, const std::vector<char>& marks) {
    constexpr std::uint32_t gone = ~0U;
    std::vector<std::uint32_t> number(marks.size(), gone);
    Catalog kept;
    std::vector<ResourceId> ids;
    for (const Resource& resource : site.catalog) ids.push_back(resource.id);
    for (std::size_t i = 0; i < marks.size(); ++i)
        if (marks[i]) number[i] = static_cast<std::uint32_t>(kept.size()), kept.push_back(std::move(site.catalog[i]));
    std::vector<Graph::Edge> edges;
    for (const auto& edge : site.edges)
        if (number[edge.from] != gone && number[edge.to] != gone) edges.push_back({number[edge.from], number[edge.to]});
    for (Resource& resource : kept) {
        std::vector<std::uint32_t> watches;
        for (const std::uint32_t i : resource.watches)
            if (number[i] != gone)
                watches.push_back(number[i]);
            else
                resource.passed_over.push_back(ids[i]);
        resource.watches = std::move(watches);
    }
    site.catalog = std::move(kept);
    site.edges = std::move(edges);
    site.graph = {};
    site.whole = false;
}

}  // namespace

void select(Site& site, const Registry& registry, const std::vector<std::string>& only,
            const std::vector<std::string>& skip) {
    if (only.empty() && skip.empty()) return;
    std::vector<char> marks(site.catalog.size(), only.empty() ? 1 : 0);
    if (!only.empty()) add_needed(site, marks = chosen(site, only, registry));
    if (!skip.empty()) {
        const auto skipped = chosen(site, skip, registry);
        for (std::size_t i = 0; i < marks.size(); ++i)
            if (skipped[i]) marks[i] = 0;
    }
    keep(site, marks);
}

}  // namespace chaos
