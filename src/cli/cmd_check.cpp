// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "site.hpp"

namespace chaos::cli {

namespace {

struct CheckView {
    std::string site, next;
    std::size_t resources = 0, edges = 0;
};

Json to_json(const CheckView& view) {
    return Json::record(
        {{"site", view.site}, {"resources", view.resources}, {"edges", view.edges}, {"next", view.next}});
}

std::string render(const CheckView& view, Style style, bool verbose) {
    std::string out =
        fmt::format("{}: {} declared, nothing wrong.\n", escape(view.site), count(view.resources, "resource"));
    if (verbose) out += fmt::format("{} between them.\n", count(view.edges, "edge"));
    return out + style.dim("next: ") + view.next + '\n';
}

}  // namespace

Exit check(Context& context) {
    const World world = wire(context.options);
    const View view(*world.host);
    Site site = read_manifests(context, world, view, context.options.arguments, true);
    Diagnostics problems;
    const Graph graph = order(site.catalog, site.edges, problems);
    stop_where(problems, Exit::usage);
    say(context.console, problems.remarks(), context.sources);
    context.console.show(
        CheckView{site.name, command_line("plan", context.options), site.catalog.size(), graph.edges().size()});
    return Exit::well;
}

}  // namespace chaos::cli
