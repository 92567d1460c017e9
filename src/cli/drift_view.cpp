// SPDX-License-Identifier: Apache-2.0
#include "drift_view.hpp"

#include <fmt/format.h>

namespace chaos::cli {

std::string_view to_text(Drifted::How how) {
    switch (how) {
        case Drifted::How::missing: return "missing";
        case Drifted::How::appeared: return "appeared";
        case Drifted::How::changed: return "changed";
        case Drifted::How::stale: return "stale";
    }
    return {};
}

Json to_json(const DriftView& view) {
    Json list = Json::list();
    for (const Drifted& drifted : view.drifted) {
        Json attributes = Json::list();
        for (const AttributeView& attribute : drifted.attributes) attributes.add(to_json(attribute));
        list.add(Json::record({{"id", drifted.id},
                               {"how", to_text(drifted.how)},
                               {"site", drifted.site},
                               {"run", drifted.run == 0 ? Json() : Json(drifted.run)},
                               {"audited", drifted.audited},
                               {"where", drifted.where.empty() ? Json() : Json(drifted.where)},
                               {"attributes", attributes}}));
    }
    return Json::record(
        {{"resources", view.resources}, {"drifted", list}, {"next", view.next.empty() ? Json() : Json(view.next)}});
}

std::string render(const DriftView& view, Style style, bool) {
    std::string out;
    for (const Drifted& drifted : view.drifted) {
        const std::string id = escape(drifted.id);
        const std::string by = drifted.audited    ? "only audited, by site "
                               : drifted.run == 0 ? "site "
                                                  : fmt::format("run {} of site ", drifted.run);
        const std::string made = style.dim(fmt::format("  ({}{}{})", by, escape(drifted.site),
                                                       drifted.where.empty() ? "" : ", " + escape(drifted.where)));
        switch (drifted.how) {
            case Drifted::How::missing: out += style.red("- " + id) + " is missing" + made; break;
            case Drifted::How::appeared: out += style.green("+ " + id) + " is there again" + made; break;
            case Drifted::How::changed: out += style.yellow("~ " + id) + made; break;
            case Drifted::How::stale:
                out += style.cyan("! " + id) + " wants a restart: what it watches changed" + made;
                break;
        }
        out += '\n';
        for (const AttributeView& attribute : drifted.attributes) out += render(attribute, style, 6);
    }
    out += view.drifted.empty()
               ? fmt::format("No drift: {} as recorded.\n", count(view.resources, "resource"))
               : fmt::format("\n{} of {} drifted.\n", view.drifted.size(), count(view.resources, "resource"));
    if (!view.next.empty()) out += style.dim("next: ") + view.next + '\n';
    return out;
}

}  // namespace chaos::cli
