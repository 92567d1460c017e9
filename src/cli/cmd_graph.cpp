// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "graph_view.hpp"
#include "site.hpp"

namespace chaos::cli {

Exit graph(Context& context) {
    const std::string& format = context.options.format;
    if (!format.empty() && format != "dot" && format != "svg" && format != "mermaid")
        throw Usage(fmt::format("--format: expected dot, svg or mermaid, found '{}'", escape(format)));
    const World world = wire(context);
    const View view(world.subject());
    Provenance provenance;
    const Site site = read_manifests(context, world, view, manifests(context.options), &provenance, true);
    const GraphView shown = view_of(site, provenance, context.sources, context.options.all_edges);
    if (context.console.json())
        context.console.result(to_json(shown).text() + '\n');
    else
        context.console.result(format == "svg"       ? to_svg(shown)
                               : format == "mermaid" ? to_mermaid(shown)
                                                     : to_dot(shown));
    return Exit::well;
}

}  // namespace chaos::cli
