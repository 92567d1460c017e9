// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "site.hpp"

namespace chaos::cli {

namespace {

struct GraphView {
    std::string site;
    std::vector<std::string> ids;
    struct Edge {
        std::string from, to;
        bool written;  ///< Somebody wrote it; else it follows from the resources.
    };
    std::vector<Edge> edges;
};

Json to_json(const GraphView& view) {
    Json edges = Json::list();
    for (const auto& edge : view.edges)
        edges.add(Json::record({{"from", edge.from}, {"to", edge.to}, {"written", edge.written}}));
    return Json::record({{"site", view.site}, {"resources", view.ids}, {"edges", edges}});
}

/// Graphviz. An arrow goes to what comes later; a dashed one nobody wrote.
std::string render(const GraphView& view, Style, bool) {
    std::string out = fmt::format("digraph {} {{\n    rankdir=LR;\n    node [shape=box, fontname=\"sans-serif\"];\n",
                                  json_text(view.site));
    for (const std::string& id : view.ids) out += fmt::format("    {};\n", json_text(id));
    for (const auto& edge : view.edges)
        out += fmt::format("    {} -> {}{};\n", json_text(edge.from), json_text(edge.to),
                           edge.written ? "" : " [style=dashed]");
    return out + "}\n";
}

}  // namespace

Exit graph(Context& context) {
    if (!context.options.format.empty() && context.options.format != "dot")
        throw Usage(fmt::format("--format: expected dot, found '{}'", escape(context.options.format)));
    const World world = wire(context.options);
    const View view(*world.host);
    Site site = read_manifests(context, world, view, context.options.arguments, true);
    Diagnostics problems;
    const Graph graph = order(site.catalog, site.edges, problems);
    stop_where(problems, Exit::usage);
    say(context.console, problems.remarks(), context.sources);
    GraphView shown{site.name, {}, {}};
    for (const Resource& resource : site.catalog) shown.ids.push_back(to_text(resource.id));
    std::sort(site.edges.begin(), site.edges.end());
    for (const Graph::Edge& edge : graph.edges())
        shown.edges.push_back(
            {shown.ids[edge.from], shown.ids[edge.to], std::binary_search(site.edges.begin(), site.edges.end(), edge)});
    context.console.show(shown);
    return Exit::well;
}

}  // namespace chaos::cli
