// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/provenance.hpp>

#include "json.hpp"

namespace chaos::cli {

/// What comes before what, ready to be drawn.
struct GraphView {
    struct Node {
        std::string id, kind, module, where;
        Order order = Order::setting;
        bool absent = false;
    };
    struct Edge {
        std::uint32_t from, to;
        std::string word, reason;  ///< needs, before, watch or notify; else what it follows from: `path:/etc/nginx`.
        bool written() const { return !word.empty(); }
    };
    std::string site;
    std::vector<Node> nodes;
    std::vector<Edge> edges;
};

/// `all`: also edges that follow from others.
GraphView view_of(const Site&, const Provenance&, const Sources&, bool all);

Json to_json(const GraphView&);
std::string to_dot(const GraphView&);
std::string to_mermaid(const GraphView&);

/// As Graphviz draws it. Throws Error where there is no Graphviz.
std::string to_svg(const GraphView&);

}  // namespace chaos::cli
