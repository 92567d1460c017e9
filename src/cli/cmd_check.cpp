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
    return Json::record({{"site", view.site},
                         {"resources", view.resources},
                         {"edges", view.edges},
                         {"next", view.next.empty() ? Json() : Json(view.next)}});
}

std::string render(const CheckView& view, Style style, bool verbose) {
    std::string out =
        fmt::format("{}: {} declared, nothing wrong.\n", escape(view.site), count(view.resources, "resource"));
    if (verbose) out += fmt::format("{} between them.\n", count(view.edges, "edge"));
    return view.next.empty() ? out : out + style.dim("next: ") + view.next + '\n';
}

/// One of several hosts, whose facts were recorded.
struct HostView {
    std::string file, host;
    std::optional<CheckView> site;
    Json errors = Json::list();
    std::size_t mistakes = 0;
};
struct HostsView {
    std::vector<HostView> hosts;
};

Json to_json(const HostsView& view) {
    Json hosts = Json::list();
    for (const HostView& one : view.hosts)
        hosts.add(Json::record({{"facts", one.file},
                                {"host", one.host.empty() ? Json() : Json(one.host)},
                                {"site", one.site ? Json(one.site->site) : Json()},
                                {"resources", one.site ? Json(one.site->resources) : Json()},
                                {"edges", one.site ? Json(one.site->edges) : Json()},
                                {"errors", one.errors}}));
    return Json::record({{"hosts", hosts}});
}

std::string render(const HostsView& view, Style style, bool) {
    std::string out;
    for (const HostView& one : view.hosts) {
        const std::string name = escape(one.host.empty() ? one.file : one.host);
        out += one.site ? fmt::format("{}  {}: {} declared, nothing wrong\n", style.green(name), escape(one.site->site),
                                      count(one.site->resources, "resource"))
                        : fmt::format("{}  {}\n", style.red(name), count(one.mistakes, "mistake"));
    }
    return out;
}

CheckView check_site(Context& context, const World& world) {
    const View view(world.subject());
    const Site site = read_manifests(context, world, view, manifests(context.options), nullptr, true);
    const std::string next = world.recorded ? std::string() : command_line("plan", context.options);
    return {site.name, next, site.catalog.size(), site.graph.edges().size()};
}

/// The same site for each of the hosts: what is wrong for one of them stops no other.
Exit check_each(Context& context, const std::vector<std::string>& files) {
    HostsView shown;
    bool well = true;
    for (const std::string& file : files) {
        Sources sources;
        Context own{context.options, context.console, sources};
        HostView host{file, {}, {}, Json::list(), 0};
        try {
            const World world = wire_recorded(own, file);
            host.host = name_of(*world.recorded, context.options);
            host.site = check_site(own, world);
        } catch (const Problems& problems) {
            context.console.problem(fmt::format("{}:\n", escape(host.host.empty() ? file : host.host)));
            show_problems(problems.errors, sources, context.console);
            host.errors = chaos::cli::to_json(problems.errors, sources), host.mistakes = problems.errors.size(),
            well = false;
        }
        shown.hosts.push_back(std::move(host));
    }
    context.console.show(shown);
    return well ? Exit::well : Exit::usage;
}

}  // namespace

Exit check(Context& context) {
    const auto files = recorded_files(context.options);
    if (manifests(context.options).empty()) throw Usage("chaos check needs MANIFEST...");
    if (files.size() > 1 && !context.options.host_name.empty())
        throw Usage("--host names one host, and --facts several: each file says which it is of");
    if (files.size() > 1) return check_each(context, files);
    context.console.show(check_site(context, wire(context)));
    return Exit::well;
}

}  // namespace chaos::cli
