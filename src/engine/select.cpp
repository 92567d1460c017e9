// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <chaos/manifest.hpp>
#include <map>
#include "utf8.hpp"

namespace chaos {

namespace {

/// Which resources each of the names means: a tag, an id or a pattern.
std::vector<bool> named(const Site& site, const std::vector<std::string>& names) {
    Registry registry;
    for (const Resource& resource : site.catalog)
        if (std::find(registry.types.begin(), registry.types.end(), resource.type) == registry.types.end())
            registry.types.push_back(resource.type);
    std::vector<bool> chosen(site.catalog.size());
    for (const std::string& name : names) {
        bool fits = false;
        for (std::size_t i = 0; i < site.catalog.size(); ++i) {
            const Resource& resource = site.catalog[i];
            const bool has_tag = std::find(resource.tags.begin(), resource.tags.end(), name) != resource.tags.end();
            if (has_tag || matches(name, resource.id, registry)) chosen[i] = fits = true;
        }
        if (fits) continue;
        std::vector<std::string> known;
        for (const Resource& resource : site.catalog) {
            known.push_back(to_text(resource.id));
            known.insert(known.end(), resource.tags.begin(), resource.tags.end());
        }
        const auto near = nearest(name, known);
        throw Error(fmt::format("nothing of this site has the tag or id '{}'", printable(name)))
            .help(near.empty() ? "chaos plan lists the ids" : fmt::format("did you mean '{}'?", near));
    }
    return chosen;
}

}  // namespace

void select(Site& site, const std::vector<std::string>& only, const std::vector<std::string>& skip) {
    if (only.empty() && skip.empty()) return;
    const auto size = site.catalog.size();
    std::vector<bool> stays(size, true);
    if (!only.empty()) {
        stays = named(site, only);
        // What they need comes along. Edges are sorted by neither end, so those that lead to a resource are gathered.
        std::vector<std::vector<std::uint32_t>> needs(size);
        for (const auto& edge : site.edges) needs[edge.to].push_back(edge.from);
        std::vector<std::uint32_t> open;
        for (std::uint32_t i = 0; i < size; ++i)
            if (stays[i]) open.push_back(i);
        while (!open.empty()) {
            const auto one = open.back();
            open.pop_back();
            for (const auto other : needs[one])
                if (!stays[other]) stays[other] = true, open.push_back(other);
        }
    }
    if (!skip.empty()) {
        const auto left_out = named(site, skip);
        for (std::size_t i = 0; i < size; ++i)
            if (left_out[i]) stays[i] = false;
    }
    std::vector<std::uint32_t> number(size);
    Catalog kept;
    for (std::size_t i = 0; i < size; ++i) {
        number[i] = static_cast<std::uint32_t>(kept.size());
        if (stays[i]) kept.push_back(std::move(site.catalog[i]));
    }
    site.whole = site.whole && kept.size() == size;
    // What is watched and left out is not forgotten in silence: who listens to it keeps what it took note of.
    for (Resource& resource : kept) {
        std::erase_if(resource.watches, [&](std::uint32_t watched) { return !stays[watched]; });
        for (auto& watched : resource.watches) watched = number[watched];
    }
    std::erase_if(site.edges, [&](const Graph::Edge& edge) { return !stays[edge.from] || !stays[edge.to]; });
    for (auto& edge : site.edges) edge = {number[edge.from], number[edge.to]};
    site.catalog = std::move(kept);
}

}  // namespace chaos
