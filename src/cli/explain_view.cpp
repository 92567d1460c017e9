// SPDX-License-Identifier: Apache-2.0
// The words of explain: one chain, one table, one list after the other.
#include "explain_view.hpp"

#include <fmt/format.h>

namespace chaos::cli {

namespace {

Json to_json(const std::vector<AttributeOrigin>& rows) {
    Json list = Json::list();
    for (const AttributeOrigin& row : rows)
        list.add(Json::record({{"name", row.name},
                               {"value", or_null(row.value)},
                               {"where", or_null(row.where)},
                               {"rule", or_null(row.rule)}}));
    return list;
}

Json to_json(const std::vector<NeedView>& needs) {
    Json list = Json::list();
    for (const NeedView& need : needs)
        list.add(Json::record({{"id", need.id}, {"why", need.word}, {"where", or_null(need.where)}}));
    return list;
}

void table_of(std::string& out, const std::vector<AttributeOrigin>& rows, const char* title, Style style) {
    if (rows.empty()) return;
    std::vector<std::vector<std::string>> cells{{title, "VALUE", "FROM"}};
    for (const AttributeOrigin& row : rows) {
        std::string from = escape(row.where);
        if (!row.rule.empty()) from += (from.empty() ? "" : "  ") + escape(row.rule);
        cells.push_back({escape(row.name), escape(row.value), std::move(from)});
    }
    out += '\n' + table(cells, style);
}

void needs_of(std::string& out, const std::vector<NeedView>& needs, const char* title, Style style) {
    if (needs.empty()) return;
    out += '\n' + style.bold(title) + '\n';
    for (const NeedView& need : needs)
        out += fmt::format("  {}  {}\n", escape(need.id),
                           style.dim(escape(need.word + (need.where.empty() ? "" : ", " + need.where))));
}

}  // namespace

Json to_json(const ExplainedView& view) {
    Json chain = Json::list();
    for (const SayingView& saying : view.chain)
        chain.add(Json::record({{"where", or_null(saying.where)},
                                {"line", or_null(saying.line)},
                                {"value", or_null(saying.value)},
                                {"rule", saying.rule}}));
    return Json::record({{"topic", view.topic},
                         {"what", view.what},
                         {"site", view.site},
                         {"value", view.value},
                         {"chain", chain},
                         {"attributes", to_json(view.attributes)},
                         {"needs", to_json(view.needs)},
                         {"waiting", to_json(view.waiting)},
                         {"params", to_json(view.params)},
                         {"exports", to_json(view.exports)},
                         {"resources", view.resources},
                         {"owned", or_null(view.owned)},
                         {"reacts", view.reacts ? Json(*view.reacts) : Json()},
                         {"why", or_null(view.why)},
                         {"differ", view.differ}});
}

std::string render(const ExplainedView& view, Style style, bool) {
    std::string out = style.bold(escape(view.topic));
    if (view.value) out += " = " + escape(*view.value);
    out += '\n';
    for (std::size_t i = 0; i < view.chain.size(); ++i) {
        const SayingView& saying = view.chain[i];
        out += fmt::format("\n  {}. {}{}\n", i + 1, saying.where.empty() ? "the command line" : escape(saying.where),
                           saying.value.empty() ? "" : "  " + style.cyan(escape(saying.value)));
        if (!saying.line.empty()) out += style.dim("     | " + escape(saying.line)) + '\n';
        out += "     " + escape(saying.rule) + '\n';
    }
    table_of(out, view.params, "PARAMETER", style);
    table_of(out, view.exports, "EXPORT", style);
    table_of(out, view.attributes, "ATTRIBUTE", style);
    needs_of(out, view.needs, "waits for", style);
    needs_of(out, view.waiting, "is waited for by", style);
    if (!view.resources.empty()) out += '\n' + style.bold("declares") + '\n';
    for (const std::string& id : view.resources) out += "  " + escape(id) + '\n';
    if (!view.owned.empty()) out += '\n' + escape(view.owned) + '\n';
    if (!view.why.empty()) out += '\n' + escape(view.why) + '\n';
    for (const std::string& input : view.differ) out += "  " + style.yellow(escape(input)) + '\n';
    return out;
}

}  // namespace chaos::cli
