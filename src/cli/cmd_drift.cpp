// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/fence.hpp>

#include "drift_view.hpp"
#include "settled.hpp"
#include "site.hpp"

namespace chaos::cli {

namespace {

/// What runs left, as a catalog that can be looked at: recorded[i] is what catalog[i] should be.
struct Recorded {
    Catalog catalog;
    States recorded;
    std::vector<OwnedRecord> owned;
    std::vector<Error> unknown;  ///< Kinds and attributes that this program does not know.
};

State decode_record(const OwnedRecord& record, const ResourceType& type, Recorded& all) {
    Diagnostics problems;
    State state = decode(type.schema(), record.attributes, problems);
    if (!problems.ok())
        all.unknown.push_back(Error(fmt::format("{} is not looked at: {}", to_text(RecordedId{record.type, record.key}),
                                                problems.errors()[0].what())));
    return problems.ok() ? state : State();
}

Recorded recorded_of(std::vector<OwnedRecord> owned, const Registry& registry) {
    Recorded all;
    for (OwnedRecord& record : owned) {
        const ResourceType* type = registry.type(record.type);
        if (!type) {
            all.unknown.push_back(Error(fmt::format("{} is not looked at: this program knows no such kind",
                                                    to_text(RecordedId{record.type, record.key}))));
            continue;
        }
        const Schema& schema = type->schema();
        const bool absent = record.attributes.is_null();
        Resource resource;
        resource.id = {schema.name, record.key};
        resource.type = type;
        resource.wanted = absent ? only_named(schema, record.key) : decode_record(record, *type, all);
        resource.absent = absent;
        if (!resource.wanted) continue;
        all.recorded.push_back(absent ? State() : resource.wanted);
        all.catalog.push_back(std::move(resource));
        all.owned.push_back(std::move(record));
    }
    return all;
}

/// recorded[i] against what is there; nothing where they agree in all that was declared.
std::optional<Drifted> compare(const Recorded& all, std::size_t i, const State& now) {
    const Schema& schema = all.catalog[i].type->schema();
    const State& then = all.recorded[i];
    Drifted drifted{Drifted::How::changed,
                    to_text(all.catalog[i].id),
                    all.owned[i].site,
                    all.owned[i].where,
                    all.owned[i].run,
                    {},
                    false};
    if (!then && !now) return std::nullopt;
    if (!then || !now) {
        drifted.how = now ? Drifted::How::appeared : Drifted::How::missing;
        return drifted;
    }
    const State wished = overlay(schema, now, then);
    if (wished == now) return std::nullopt;
    drifted.attributes = attributes(&schema, encode(schema, wished), encode(schema, now), {});
    return drifted.attributes.empty() ? std::nullopt : std::optional(drifted);
}

/// What is only audited belongs to nobody: only a manifest says how it should be.
void add_audited(const Planned& planned, const Sources& sources, DriftView& drift) {
    for (std::size_t i = 0; i < planned.site.catalog.size(); ++i) {
        const Resource& resource = planned.site.catalog[i];
        if (!resource.audit) continue;
        ++drift.resources;
        const State &now = planned.observed[i], wished = resource.absent ? State() : resource.wanted;
        Drifted drifted{Drifted::How::changed,
                        to_text(resource.id),
                        planned.site.name,
                        place_of(resource.where, sources),
                        0,
                        {},
                        true};
        const bool known = std::any_of(drift.drifted.begin(), drift.drifted.end(),
                                       [&](const Drifted& one) { return one.id == drifted.id; });
        if (known || (!wished && !now)) continue;
        if (!wished || !now) {
            drifted.how = now ? Drifted::How::appeared : Drifted::How::missing;
        } else {
            const Schema& schema = resource.type->schema();
            drifted.attributes =
                attributes(&schema, encode(schema, overlay(schema, now, wished)), encode(schema, now), {});
            if (drifted.attributes.empty()) continue;
        }
        drift.drifted.push_back(std::move(drifted));
    }
}

/// What owes a restart, and what is audited: only a manifest says that.
void add_what_a_site_says(Context& context, const World& world, const View& view, const History* history, Site site,
                          DriftView& drift) {
    const Planned planned = look_and_plan(context, world, view, std::move(site), history);
    add_audited(planned, context.sources, drift);
    if (!history) return;
    for (const Step& step : planned.plan)
        for (const Change& change : step.changes)
            if (change.before && change.triggered())
                drift.drifted.push_back({Drifted::How::stale,
                                         to_text(change.id),
                                         planned.site.name,
                                         place_of(change.where, context.sources),
                                         0,
                                         {},
                                         false});
}

/// Where the manifest is not named, the one that made it so; what is only audited is not mended by applying it.
std::string next_of(const Options& options, const History* history, const DriftView& drift) {
    if (!options.arguments.empty()) {
        const bool mended =
            std::any_of(drift.drifted.begin(), drift.drifted.end(), [](const Drifted& d) { return !d.audited; });
        return mended ? command_line("apply", options) : "";
    }
    const std::string origin = history ? history->site_origin(drift.drifted.front().site) : "";
    Options named = options;
    named.arguments = {origin.empty() ? "MANIFEST" : origin};
    return command_line("plan", named);
}

/// `incomplete`: not all of it was looked at, and what was not may have changed.
DriftView look_for_drift(Context& context, const World& world, const Host& eye, bool& incomplete) {
    const View view(eye);
    std::optional<Site> site;
    if (!context.options.arguments.empty()) site = read_manifests(context, world, view, context.options.arguments);
    const auto history = look_at_history(context, world);
    DriftView shown;
    if (history) {
        const Recorded all = recorded_of(history->owned(site ? site->name : ""), world.registry);
        say(context.console, all.unknown, context.sources);
        incomplete = !all.unknown.empty();
        Diagnostics problems;
        const unsigned jobs = context.options.jobs ? context.options.jobs : processors();
        const States now = observe(all.catalog, view, problems, jobs, false, forbid_writes);
        stop_where(problems, Exit::failed);
        shown.resources = all.catalog.size();
        for (std::size_t i = 0; i < all.catalog.size(); ++i)
            if (auto drifted = compare(all, i, now[i])) shown.drifted.push_back(std::move(*drifted));
    }
    if (site) add_what_a_site_says(context, world, view, history.get(), std::move(*site), shown);
    if (!shown.drifted.empty()) shown.next = next_of(context.options, history.get(), shown);
    return shown;
}

}  // namespace

Exit drift(Context& context) {
    const World world = wire(context.options);
    Settled settled(context, world);
    if (settled.says_it_again()) return Exit::well;
    bool incomplete = false;
    const DriftView shown = look_for_drift(context, world, settled.eye(), incomplete);
    context.console.show(shown);
    if (!shown.drifted.empty()) return Exit::pending;
    if (incomplete) return Exit::failed;
    settled.keep();
    return Exit::well;
}

}  // namespace chaos::cli
