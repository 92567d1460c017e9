// SPDX-License-Identifier: Apache-2.0
#include "graph_view.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/process.hpp>
#include <cstdlib>
#include <map>

#include "problems.hpp"

namespace chaos::cli {

namespace {

/// What a kind is painted with: one light colour for each of its places in the order.
std::string_view colour_of(Order order) {
    switch (order) {
        case Order::repository:
        case Order::package: return "#dbe9ff";
        case Order::group:
        case Order::user: return "#fde2c8";
        case Order::mount:
        case Order::directory:
        case Order::file:
        case Order::link: return "#e6f4d7";
        case Order::setting: return "#fff6c2";
        case Order::unit:
        case Order::service: return "#f3d9f0";
        default: return "#e4e4e4";
    }
}

/// The edges with who says them; a written one says more than what follows by itself.
std::vector<GraphView::Edge> edges_of(const Site& site, const Provenance& provenance, bool all) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, GraphView::Edge> known;
    for (const auto& link : provenance.links)
        known.try_emplace({link.from, link.to}, GraphView::Edge{link.from, link.to, std::string(link.word), ""});
    for (const Implied& implied : implied_edges(site.catalog))
        known.try_emplace({implied.edge.from, implied.edge.to},
                          GraphView::Edge{implied.edge.from, implied.edge.to, "", implied.name});
    std::vector<GraphView::Edge> edges;
    for (const Graph::Edge& edge : all ? site.graph.edges() : reduced(site.graph))
        if (const auto found = known.find({edge.from, edge.to}); found != known.end()) edges.push_back(found->second);
    return edges;
}

/// Numbers of nodes by the module that declares them; those of the site first.
std::map<std::string, std::vector<std::uint32_t>> by_module(const GraphView& view) {
    std::map<std::string, std::vector<std::uint32_t>> groups;
    for (std::uint32_t i = 0; i < view.nodes.size(); ++i) groups[view.nodes[i].module].push_back(i);
    return groups;
}

std::string label_of(const GraphView::Edge& edge) {
    return edge.written() ? edge.word : edge.reason;
}

}  // namespace

GraphView view_of(const Site& site, const Provenance& provenance, const Sources& sources, bool all) {
    GraphView view{site.name, {}, edges_of(site, provenance, all)};
    for (const Resource& resource : site.catalog)
        view.nodes.push_back({to_text(resource.id), std::string(resource.id.type),
                              resource.modules.empty() ? "" : resource.modules.front(),
                              place_of(resource.where, sources), resource.type->order(resource.wanted),
                              resource.absent});
    return view;
}

Json to_json(const GraphView& view) {
    Json nodes = Json::list(), edges = Json::list();
    for (const auto& node : view.nodes)
        nodes.add(Json::record({{"id", node.id},
                                {"module", node.module.empty() ? Json() : Json(node.module)},
                                {"where", node.where.empty() ? Json() : Json(node.where)},
                                {"absent", node.absent}}));
    for (const auto& edge : view.edges)
        edges.add(Json::record({{"from", view.nodes[edge.from].id},
                                {"to", view.nodes[edge.to].id},
                                {"written", edge.written()},
                                {"reason", label_of(edge)}}));
    return Json::record({{"site", view.site}, {"resources", nodes}, {"edges", edges}});
}

std::string to_dot(const GraphView& view) {
    std::string out = fmt::format(
        "digraph {0} {{\n    label={0};\n    labelloc=t;\n    rankdir=LR;\n"
        "    node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=11];\n"
        "    edge [color=\"#555555\"];\n",
        json_text(view.site));
    const auto node = [&](std::uint32_t i, const char* indent) {
        const auto& one = view.nodes[i];
        out += fmt::format("{}{} [fillcolor=\"{}\", tooltip={}{}];\n", indent, json_text(one.id), colour_of(one.order),
                           json_text(one.where), one.absent ? ", style=\"rounded,dashed\"" : "");
    };
    std::size_t number = 0;
    for (const auto& [module, nodes] : by_module(view)) {
        if (!module.empty())
            out += fmt::format("    subgraph cluster_{} {{\n        label={};\n        color=\"#aaaaaa\";\n", number++,
                               json_text("module " + module));
        for (const std::uint32_t i : nodes) node(i, module.empty() ? "    " : "        ");
        if (!module.empty()) out += "    }\n";
    }
    for (const auto& edge : view.edges)
        out += fmt::format("    {} -> {} [{}edgetooltip={}];\n", json_text(view.nodes[edge.from].id),
                           json_text(view.nodes[edge.to].id), edge.written() ? "" : "style=dashed, ",
                           json_text(label_of(edge)));
    return out + "}\n";
}

std::string to_mermaid(const GraphView& view) {
    const auto text = [](std::string_view words) {
        std::string out;
        for (const char c : escape(words))
            out += c == '"' ? "#quot;" : c == '#' ? "#35;" : c == '<' ? "#lt;" : c == '>' ? "#gt;" : std::string(1, c);
        return out;
    };
    std::string out = fmt::format("---\ntitle: {}\n---\nflowchart LR\n", json_text(view.site));
    std::map<std::string_view, std::string> colours;
    std::size_t number = 0;
    for (const auto& [module, nodes] : by_module(view)) {
        if (!module.empty()) out += fmt::format("    subgraph m{}[\"module {}\"]\n", number++, text(module));
        for (const std::uint32_t i : nodes) {
            out += fmt::format("    {}n{}[\"{}\"]\n", module.empty() ? "" : "    ", i, text(view.nodes[i].id));
            auto& all = colours[colour_of(view.nodes[i].order)];
            all += fmt::format("{}n{}", all.empty() ? "" : ",", i);
        }
        if (!module.empty()) out += "    end\n";
    }
    for (const auto& edge : view.edges)
        out += edge.written() ? fmt::format("    n{} --> n{}\n", edge.from, edge.to)
                              : fmt::format("    n{} -. \"{}\" .-> n{}\n", edge.from, text(edge.reason), edge.to);
    for (std::size_t c = 0; const auto& [colour, nodes] : colours) {
        out += fmt::format("    classDef c{0} fill:{1},stroke:#777\n    class {2} c{0}\n", c, colour, nodes);
        ++c;
    }
    return out;
}

namespace {

/// A file without a name for as long as it is open.
class Scratch {
public:
    Scratch() : descriptor_(::open("/tmp", O_TMPFILE | O_RDWR, 0600)) {
        if (descriptor_ < 0) throw Error("no temporary file can be made in /tmp");
    }
    ~Scratch() { ::close(descriptor_); }
    Scratch(const Scratch&) = delete;

    std::string path() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), descriptor_); }
    std::string text() const {
        std::string all;
        char block[65536];
        for (ssize_t got; (got = ::pread(descriptor_, block, sizeof block, static_cast<off_t>(all.size()))) > 0;)
            all.append(block, static_cast<std::size_t>(got));
        return all;
    }

private:
    int descriptor_;
};

}  // namespace

std::string to_svg(const GraphView& view) {
    const Scratch drawn;
    chaos::Command command{{"dot", "-Tsvg", "-o", drawn.path()}};
    command.input = to_dot(view);
    Output output;
    try {
        Child child(command);
        child.release();
        output = child.wait();
    } catch (const Error& error) {
        throw Error(fmt::format("svg is drawn by Graphviz, and it can not be run: {}", error.what()))
            .help("apt-get install graphviz; or chaos graph --format dot, and draw it elsewhere");
    }
    if (output.status != 0) throw failed(command, output);
    return drawn.text();
}

}  // namespace chaos::cli
