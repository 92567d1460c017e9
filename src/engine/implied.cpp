// SPDX-License-Identifier: Apache-2.0
// Edges that nobody wrote: from what resources give to each other and ask of each other.
#include <fmt/format.h>
#include <algorithm>
#include <chaos/provenance.hpp>
#include <unordered_map>
#include "ordering.hpp"

namespace chaos {

bool creates_once(const Resource& resource) {
    return resource.type->schema().order == Order::exec && resource.watches.empty() && !resource.absent;
}

bool is_at_a_path(Order kind) {
    return kind == Order::directory || kind == Order::file || kind == Order::unit || kind == Order::link;
}

namespace {

using Providers = std::unordered_map<std::string, std::uint32_t>;
using Role = Claim::Role;

struct Claims {
    std::vector<Claim> all;  // of one resource after the other
    std::vector<std::size_t> begin{0};
    Providers providers;
    Providers homes;     // "path:..." of what lies where a user has its home
    Providers creators;  // "path:..." of what a command creates: what lies in it comes after that
    std::unordered_multimap<std::string, std::uint32_t> parts;  // who brings a part of a name that others provide
    std::span<const Claim> of(std::uint32_t i) const {
        return std::span(all).subspan(begin[i], begin[i + 1] - begin[i]);
    }
};

Error provided_twice(const Catalog& catalog, const std::string& name, std::uint32_t first, std::uint32_t second) {
    const auto what = name.substr(name.find(':') + 1);
    if (const auto kind = name.substr(0, name.find(':')); kind == "uid" || kind == "gid")
        return Error(catalog[second].where,
                     fmt::format("{} and {} are to have one number: {} {}", to_text(catalog[first].id),
                                 to_text(catalog[second].id), kind, what))
            .note(catalog[first].where, "the other one is here")
            .help(fmt::format("give one of them another {}", kind));
    return Error(catalog[second].where,
                 fmt::format("{} and {} both make {}", to_text(catalog[first].id), to_text(catalog[second].id), what))
        .note(catalog[first].where, "the other one is here")
        .help("let one of them make it");
}

Claims collect(const Catalog& catalog, Diagnostics& problems) {
    Claims claims;
    claims.all.reserve(catalog.size() * 4);
    claims.begin.reserve(catalog.size() + 1);
    claims.providers.reserve(catalog.size());
    for (std::uint32_t i = 0; i < catalog.size(); ++i) {
        const Resource& resource = catalog[i];
        const State& state = resource.leaving && resource.recorded ? resource.recorded : resource.wanted;
        if (state) resource.type->claims(state, claims.all);
        claims.begin.push_back(claims.all.size());
        for (const Claim& claim : claims.of(i)) {
            // A home comes with what lies in it and its user goes without asking for that: it has a name of its own.
            if (claim.role == Role::brings && claim.name.starts_with("home:"))
                claims.homes.try_emplace("path:" + claim.name.substr(5), i);
            else if (claim.role == Role::brings)
                claims.parts.emplace(claim.name, i);
            if (claim.role == Role::brings && creates_once(resource) && claim.name.starts_with("path:"))
                claims.creators.try_emplace(claim.name, i);
            if (claim.role != Role::provides) continue;
            const auto [held, first] = claims.providers.try_emplace(claim.name, i);
            if (first) continue;
            // What goes makes room: a link may stand where a file is taken away.
            const auto gone = [&](std::uint32_t n) { return catalog[n].absent || catalog[n].leaving; };
            if (gone(held->second))
                held->second = i;
            else if (!gone(i))
                problems.add(provided_twice(catalog, claim.name, held->second, i));
        }
    }
    return claims;
}

/// Who provides this name; for a path, who provides it, has its home there or creates it by a command, or does so of
/// its nearest parent.
const std::uint32_t* provider(const Claims& claims, std::string name) {
    const bool path = name.starts_with("path:/");
    while (true) {
        if (const auto found = claims.providers.find(name); found != claims.providers.end()) return &found->second;
        if (!path) return nullptr;
        if (const auto found = claims.homes.find(name); found != claims.homes.end()) return &found->second;
        if (const auto found = claims.creators.find(name); found != claims.creators.end()) return &found->second;
        const auto slash = name.rfind('/');
        if (slash == std::string::npos || name.size() <= 6) return nullptr;
        name.resize(std::max<std::size_t>(slash, 6));
    }
}

bool lies_in(std::string_view path, std::string_view directory) {
    return path.starts_with("path:/") && path.size() > directory.size() && path.starts_with(directory) &&
           (directory.ends_with('/') || path[directory.size()] == '/');
}

/// Something is to be in what can hold nothing: a file, or what is to be absent. Only what both is written
/// somewhere is a mistake of the writing; what leaves or comes along is decided where it is looked at.
void refuse_place(const Catalog& catalog, const Claims& claims, const Claim& claim, std::uint32_t inside,
                  std::uint32_t by, Diagnostics& problems) {
    const auto below = [&](const Claim& own) { return own.role == Role::provides && lies_in(own.name, claim.name); };
    if (claim.role != Role::needs || std::ranges::none_of(claims.of(inside), below)) return;
    const Resource &what = catalog[inside], &holder = catalog[by];
    if (!what.where || !holder.where || what.absent || what.leaving || holder.leaving) return;
    const Order kind = holder.type->schema().order;
    const bool is_file = !holder.absent && (kind == Order::file || kind == Order::unit);
    if (!is_file && !(holder.absent && is_at_a_path(kind))) return;
    problems.add(Error(what.where, fmt::format("{} is to be in {}, and that is to be {}", to_text(what.id),
                                               to_text(holder.id), is_file ? "no directory" : "absent"))
                     .note(holder.where, to_text(holder.id) + " is here")
                     .help("take one of the two away"));
}

void refuse_circle(const Catalog& catalog, const Graph& written, Diagnostics& problems) {
    const auto circle = written.cycle();
    if (circle.empty()) return;
    constexpr std::size_t most = 20;  // more of them help nobody, and showing thousands takes seconds
    const std::size_t shown = std::min(circle.size() - 1, most);
    std::string path;
    for (std::size_t i = 0; i < shown; ++i) path += to_text(catalog[circle[i]].id) + " -> ";
    if (shown + 1 < circle.size()) path += fmt::format("... ({} more) -> ", circle.size() - 1 - shown);
    path += to_text(catalog[circle.back()].id);
    Error error(catalog[circle.front()].where, "these wait for each other: " + path);
    for (std::size_t i = 1; i < shown; ++i)
        error.notes.push_back({catalog[circle[i]].where, to_text(catalog[circle[i]].id) + " is here"});
    error.hint = "take one of the needs, before, watch or notify away";
    const auto module_of = [&](std::uint32_t i) {
        return catalog[i].modules.empty() ? std::string() : catalog[i].modules.front();
    };
    const std::string one = module_of(circle[0]), other = module_of(circle[1]);
    if (one != other)
        error.hint =
            fmt::format("{} and {} ask for different orders: take one of the needs, before, watch or notify away",
                        one.empty() ? "the site" : "module " + one, other.empty() ? "the site" : "module " + other);
    problems.add(std::move(error));
}

/// Calls act(edge, name, watches) for each edge that follows from what resources give and ask for.
template <class Act>
void follow(const Catalog& catalog, const Claims& claims, Act act) {
    for (std::uint32_t i = 0; i < catalog.size(); ++i)
        for (const Claim& claim : claims.of(i)) {
            if (claim.role != Role::needs && claim.role != Role::watches) continue;
            const bool watches = claim.role == Role::watches;
            if (watches) {
                const auto [first, last] = claims.parts.equal_range(claim.name);
                for (auto part = first; part != last; ++part) act(Graph::Edge{part->second, i}, claim, true);
            }
            const std::uint32_t* by = provider(claims, claim.name);
            if (by && *by != i) act(Graph::Edge{*by, i}, claim, watches);
        }
}

}  // namespace

std::vector<Implied> implied_edges(const Catalog& catalog) {
    Diagnostics told_when_it_was_read;
    const Claims claims = collect(catalog, told_when_it_was_read);
    std::vector<Implied> all;
    follow(catalog, claims, [&](Graph::Edge edge, const Claim& claim, bool watches) {
        all.push_back({edge, claim.name, watches});
    });
    return all;
}

Graph order(Catalog& catalog, std::span<const Graph::Edge> written, Diagnostics& problems) {
    const Claims claims = collect(catalog, problems);
    std::vector<Graph::Edge> edges(written.begin(), written.end()), implied;
    follow(catalog, claims, [&](Graph::Edge edge, const Claim& claim, bool watches) {
        refuse_place(catalog, claims, claim, edge.to, edge.from, problems);
        implied.push_back(edge);
        if (watches) catalog[edge.to].watches.push_back(edge.from);
    });
    for (Resource& resource : catalog) {
        auto& watches = resource.watches;
        std::sort(watches.begin(), watches.end());
        watches.erase(std::unique(watches.begin(), watches.end()), watches.end());
    }
    std::sort(implied.begin(), implied.end());
    implied.erase(std::unique(implied.begin(), implied.end()), implied.end());

    refuse_circle(catalog, Graph(catalog.size(), edges), problems);
    auto all = edges;
    all.insert(all.end(), implied.begin(), implied.end());
    const auto component = Graph(catalog.size(), all).components();
    for (const Graph::Edge& edge : implied) {
        if (component[edge.from] != component[edge.to])
            edges.push_back(edge);
        else
            problems.note(Error(catalog[edge.to].where,
                                fmt::format("{} would come after {} by itself, but what is written says otherwise",
                                            to_text(catalog[edge.to].id), to_text(catalog[edge.from].id))));
    }
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    return Graph(catalog.size(), edges);
}

}  // namespace chaos
