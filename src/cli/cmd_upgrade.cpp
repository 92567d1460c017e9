// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/upgrades.hpp>
#include <map>

#include "interrupts.hpp"
#include "lasting_history.hpp"
#include "package_lists.hpp"
#include "progress.hpp"
#include "run.hpp"

namespace chaos::cli {

namespace {

using Stays = Upgrades::Stays;

/// Packages whose version a site's manifest says, with what is recorded of them.
std::map<std::string, OwnedRecord> with_a_version(const History* history) {
    std::map<std::string, OwnedRecord> found;
    if (!history) return found;
    for (const Holding& one : history->holdings()) {
        if (one.type != "package") continue;
        OwnedRecord record = history->owned(one);
        const auto says = [&](const char* what) { return record.attributes.is_map() && record.attributes.find(what); };
        if (says("version") || says("packed")) found.emplace(one.key, std::move(record));
    }
    return found;
}

Error told(const Stays& one, const std::map<std::string, OwnedRecord>& declared) {
    if (one.why == Stays::Why::held)
        return Error(fmt::format("package {} stays at {}: it is on hold", one.name, one.version))
            .help(
                fmt::format("for {}: {}", one.newer, one.reason.empty() ? "apt-mark unhold " + one.name : one.reason));
    const auto record = declared.find(one.name);
    if (one.why == Stays::Why::fixed && record != declared.end())
        return Error(fmt::format("package {} stays at {}: site '{}' says so, and would take an upgrade back", one.name,
                                 one.version, escape(record->second.site)))
            .help(fmt::format("for {}: change the version{}, and apply that", one.newer,
                              record->second.where.empty() ? "" : " at " + escape(record->second.where)));
    return Error(fmt::format("package {} stays at {}, though there is {}{}{}", one.name, one.version, one.newer,
                             one.reason.empty() ? "" : ": ", one.reason))
        .help("where others may go for it: chaos upgrade --allow-removals");
}

/// How many are passed by for reasons that need no name each.
void tell_numbers(const Upgrades& found, std::vector<Error>& remarks) {
    if (found.not_chosen)
        remarks.push_back(Error(fmt::format("of {} there are newer versions that apt's preferences leave out",
                                            count(found.not_chosen, "package")))
                              .help("apt-cache policy PACKAGE"));
    if (found.not_security)
        remarks.push_back(
            Error(fmt::format("{} could be newer, but not for security", count(found.not_security, "package")))
                .help("chaos upgrade"));
}

/// What a site protects is never removed, by nobody.
void refuse_protected(const Planned& planned, const History* history) {
    Problems problems{{}, Exit::failed};
    for (const Resource& resource : planned.site.catalog) {
        if (!history || !resource.absent) continue;
        for (const Holding& one : history->holdings())
            if (one.protect && one.type == resource.id.type && one.key == resource.id.key)
                problems.errors.push_back(
                    Error(fmt::format("{} is protected and would be removed", to_text(resource.id)))
                        .help(fmt::format("site '{}' says so: take the protection away, or upgrade without "
                                          "--allow-removals",
                                          escape(one.site))));
    }
    if (!problems.errors.empty()) throw problems;
}

struct Upgrading {
    Planned planned;
    std::vector<Stays> stays;
};

Upgrading look(Context& context, const View& view, const History* history) {
    const Options& options = context.options;
    const auto declared = with_a_version(history);
    UpgradeWish wish{options.arguments, options.security_only, options.allow_removals, {}};
    for (const auto& [name, record] : declared) wish.fixed.push_back(name);
    Upgrades found = upgrades(view, wish);
    Upgrading upgrading;
    Planned& planned = upgrading.planned;
    for (const Stays& one : found.stays) planned.remarks.push_back(told(one, declared));
    tell_numbers(found, planned.remarks);
    planned.site.owns = false;
    planned.site.catalog = std::move(found.catalog);
    planned.observed = std::move(found.observed), planned.goal = std::move(found.goal);
    planned.graph = Graph(planned.site.catalog.size(), {});
    planned.plan = chaos::plan(planned.site.catalog, planned.graph, planned.observed, planned.goal);
    Diagnostics problems;
    for (const Step& step : planned.plan) step.type->check(view, step.changes, problems);
    stop_where(problems, Exit::failed);
    planned.remarks.insert(planned.remarks.end(), problems.remarks().begin(), problems.remarks().end());
    refuse_protected(planned, history);
    upgrading.stays = std::move(found.stays);
    return upgrading;
}

/// chaos upgrade and what this command was given, but for who decides and how it is shown.
std::string words(const Options& options) {
    std::string out;
    if (options.security_only) out += " --security-only";
    if (options.allow_removals) out += " --allow-removals";
    for (const std::string& name : options.arguments) out += ' ' + quoted(name);
    return out;
}

PlanView shown(Context& context, const World& world, const Upgrading& upgrading) {
    const Planned& planned = upgrading.planned;
    PlanView view = view_of(planned.site.catalog, planned.plan, context.sources, {});
    view.title = context.options.security_only ? "security upgrades" : "upgrades";
    view.confirmation = confirmation_for(context, world, planned);
    view.stays = upgrading.stays;
    return view;
}

std::string text_of(const PlanView& view, const Console& console) {
    if (!view.changes.empty()) return render(view, console.style(), console.verbose());
    return console.style().bold(view.title) + "\nNothing to do: what may be newer is as new as it can be.\n";
}

Exit look_only(Context& context, const World& world) {
    refresh_package_lists(context, world, false);
    const auto history = look_at_history(context, world);
    const Upgrading upgrading = look(context, View(*world.host), history.get());
    PlanView view = shown(context, world, upgrading);
    const std::string root = context.options.root == "/" ? "" : " --root " + quoted(context.options.root);
    if (!view.changes.empty()) view.next = "chaos upgrade" + root + words(context.options);
    say(context.console, upgrading.planned.remarks, context.sources);
    context.console.json() ? context.console.show(view) : context.console.text(text_of(view, context.console));
    return view.changes.empty() ? Exit::well : Exit::pending;
}

}  // namespace

Exit upgrade(Context& context) {
    const Options& options = context.options;
    const World world = wire(options);
    if (options.dry_run) return look_only(context, world);
    if (!world.host->superuser())
        throw Error("upgrading needs root, and this is not root").help("sudo chaos upgrade; to look only: --dry-run");
    demand_lasting_history(options, world);
    Work work(context, world);
    recover_first(context, *work);
    refresh_package_lists(context, world, true);
    const Upgrading upgrading = look(context, View(*world.host), &work->history());
    const Planned& planned = upgrading.planned;

    RunView shown_run;
    shown_run.verb = "upgrade";
    shown_run.plan = shown(context, world, upgrading);
    say(context.console, planned.remarks, context.sources);
    context.console.text(text_of(*shown_run.plan, context.console));
    const auto number = static_cast<std::size_t>(planned.site.catalog.size());
    if (!work.agreed(*shown_run.plan, fmt::format("Upgrade: {}?", count(number, "package")))) return Exit::pending;

    const Interrupts interrupts(Interrupts::Meaning::takes_back);
    Request request{"upgrade",        who(),        words(options), planned.site, planned.graph,
                    planned.observed, planned.goal, planned.plan};
    if (!request.manifest.empty()) request.manifest.erase(0, 1);
    request.sources = &context.sources;
    request.on_failure = options.on_failure;
    request.stop = &Interrupts::flag();
    request.window_s = shown_run.plan->confirmation.seconds;
    request.connection = ssh_connection();
    shown_run.outcome = work->run(request);
    shown_run.outdated = outdated_after(world, planned.plan, *shown_run.outcome);
    return tell(context, std::move(shown_run));
}

}  // namespace chaos::cli
