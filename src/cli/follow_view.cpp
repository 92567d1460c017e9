// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "follow.hpp"

namespace chaos::cli {

namespace {

std::string_view word_for(gitops::Decision::Act act) {
    using Act = gitops::Decision::Act;
    switch (act) {
        case Act::wait: return "wait";
        case Act::ask: return "ask";
        case Act::nothing: return "nothing";
        case Act::apply: return "apply";
        case Act::heal: return "heal";
        case Act::look: return "look";
        case Act::tell: return "tell";
        case Act::stay: return "stay";
    }
    return "";
}

}  // namespace

Json to_json(const FollowView& view) {
    Json errors = Json::list();
    for (const Error& error : view.errors) errors.add(error.what());
    return Json::record(
        {{"url", view.settings.url},
         {"ref", or_null(view.settings.ref)},
         {"decision", word_for(view.decision.act)},
         {"why", or_null(view.decision.why)},
         {"seen", or_null(view.memory.seen)},
         {"commit", or_null(view.memory.good)},
         {"subject", or_null(view.memory.good_subject)},
         {"author", or_null(view.memory.good_author)},
         {"signer", or_null(view.signer)},
         {"drifted", view.memory.drifted},
         {"run", view.run && view.run->outcome ? to_json(*view.run) : Json()},
         {"errors", errors},
         {"next", view.exit == Exit::well ? Json() : Json(view.once ? view.again : "chaos gitops status")}});
}

std::string render(const FollowView& view, Style style, bool verbose) {
    using Act = gitops::Decision::Act;
    std::string out;
    if (view.run && view.run->outcome) out += render(*view.run, style, verbose);
    const Act act = view.decision.act;
    const bool applied = (act == Act::apply || act == Act::heal) && view.exit != Exit::failed;
    if (applied && !view.memory.good.empty())
        out += fmt::format("This host is at {} of {}: {} ({}){}\n", style.bold(view.memory.good.substr(0, 12)),
                           escape(view.settings.url), escape(view.memory.good_subject), escape(view.memory.good_author),
                           view.signer.empty() ? "" : fmt::format(", signed by {}", escape(view.signer)));
    else if (!applied && act != Act::apply && !view.decision.why.empty())
        out += fmt::format("{}.\n", escape(view.decision.why));
    if (act == Act::look)
        out += view.memory.drifted
                   ? style.yellow(
                         fmt::format("{} drifted.\n", count(static_cast<std::size_t>(view.memory.drifted), "resource")))
                   : std::string("Nothing has drifted.\n");
    if (act == Act::tell) out += style.dim("next: ") + "chaos gitops diff, then chaos gitops reconcile\n";
    if (!view.errors.empty() && act == Act::apply)
        out += fmt::format("{} is not tried again{}: {}\n", view.decision.commit.substr(0, 12),
                           view.once ? " by itself" : " until the branch moves, or", escape(view.again));
    return out;
}

}  // namespace chaos::cli
