// SPDX-License-Identifier: Apache-2.0
// What a run writes down: its plan before anything is touched, what it owns and what was taken note of after it.
#include <fmt/format.h>

#include <chaos/of_its_run.hpp>

#include "ownership.hpp"
#include "runner_parts.hpp"

namespace chaos::rollback {

using Result = ChangeRecord::Result;

State declared(const Schema& schema, const State& now, const State& wanted) {
    if (!now || !wanted) return now;
    const auto spec = schema.clone(now.spec());
    for (const Field& field : schema.fields)
        if (is_of_its_run(field) || (field.role == Field::Role::property && !field.given(wanted.spec())))
            field.clear(spec.get());
    take_options(schema, spec.get(), wanted.spec());
    return State(spec).hiding(now.hidden() | wanted.hidden());
}

ChangeRecord Runner::Parts::record_of(const Step& step, std::size_t number, std::size_t k, Result result) const {
    const Change& change = step.changes[k];
    const Schema& schema = step.type->schema();
    ChangeRecord record;
    record.run = outcome.run;
    record.step = static_cast<std::int64_t>(number);
    record.type = change.id.type;
    record.key = change.id.key;
    record.before = encode(schema, change.before);
    record.after = encode(schema, change.after);
    record.triggered = change.before && change.triggered();
    record.undo = step.type->undo_of(change);
    record.result = result;
    if (request.sources && change.where)
        record.where =
            fmt::format("{}:{}:{}", (*request.sources)[change.where].name, change.where.line, change.where.column);
    return record;
}

/// What was before and after it was written down with the plan: again only where it became another.
void Runner::Parts::record_results(std::size_t number) {
    const std::vector<Change>&planned = request.plan[number].changes, &done = plan[number].changes;
    const auto as_planned = [&](std::size_t k) {
        return planned[k].before == done[k].before && planned[k].after == done[k].after;
    };
    if (planned.size() == done.size()) journal.batch().set_results(outcome.run, static_cast<std::int64_t>(number));
    for (std::size_t k = 0; k < done.size(); ++k)
        if (planned.size() != done.size() || !as_planned(k))
            journal.batch().set_change(record_of(plan[number], number, k, Result::done));
}

void Runner::Parts::mark_done(std::size_t number) {
    journal.batch().set_step(outcome.run, static_cast<std::int64_t>(number), StepRecord::State::done);
    record_results(number);
}

void Runner::Parts::record_done(std::size_t number) {
    const Step& step = plan[number];
    mark_done(number);
    done_steps.push_back(number);
    outcome.changed += step.changes.size();
    if (!step.type->schema().reacts || takes_back()) return;
    const View view(*host);
    for (const std::uint32_t i : step.resources) record_inputs(i, view);
}

void Runner::Parts::record_plan() {
    for (std::size_t number = 0; number < plan.size(); ++number) {
        const Step& step = plan[number];
        StepRecord record;
        record.run = outcome.run;
        record.number = static_cast<std::int64_t>(number);
        record.type = step.type->schema().name;
        record.waits_for.assign(step.waits_for.begin(), step.waits_for.end());
        journal.batch().add_step(record);
        for (std::size_t k = 0; k < step.changes.size(); ++k)
            journal.batch().add_change(record_of(step, number, k, Result::planned));
    }
}

/// What watches takes note of what is there before anything changes: else a crash before its restart would lose it.
void Runner::Parts::adopt_inputs() {
    for (std::uint32_t i = 0; i < request.site.catalog.size(); ++i) {
        const Resource& watcher = request.site.catalog[i];
        if (!watcher.type->schema().reacts || watcher.watches.empty() || !request.goal[i]) continue;
        std::string invocation;
        const Noted known = place.store.noted(watcher.id, &invocation);
        if (known.empty() && watcher.type->told_by_notes(watcher.wanted)) continue;
        std::map<std::string, Digest> base;
        for (const auto& [name, value] : inputs_of(request.site.catalog, i, request.goal))
            base[name] = digest("absent"), (void)value;
        for (const auto& [name, value] : inputs_of(request.site.catalog, i, request.observed)) base[name] = value;
        for (const auto& [name, value] : known) base[name] = value;
        const Noted adopted(base.begin(), base.end());
        if (adopted != known) journal.batch().note(watcher.id, adopted, invocation, false);
    }
}

bool Runner::Parts::has_something_to_record() const {
    return !plan.empty() || takes_back() || !is_recorded(request.site, request.observed, place.store);
}

/// Nothing comes after these steps but the end of the run, or its being taken back as a whole. Of more the batch would
/// not fit into the cache of the store (Database::allow_changes), and reach the disk before its time.
bool Runner::Parts::may_foretell(std::size_t to) const {
    constexpr std::size_t most = 10'000;
    const bool checked = !takes_back() && !request.site.checks.empty();
    return to == plan.size() && request.on_failure == OnFailure::undo && !checked &&
           request.site.catalog.size() <= most;
}

/// What will be owned once these steps have reached what they are for: written while the disk takes its time.
void Runner::Parts::foretell_ownership(const std::vector<std::size_t>& steps) {
    foretold = now;
    for (const std::size_t number : steps)
        for (std::size_t k = 0; k < plan[number].changes.size(); ++k)
            (*foretold)[plan[number].resources[k]] = plan[number].changes[k].after;
    record_ownership(*foretold, nullptr);
}

/// What is owned by now, or again; but for what was told already, and came so.
void Runner::Parts::record_ownership(const States& after, const States* told) {
    if (takes_back()) {
        if (!told) journal.batch().reinstate(taken_back, outcome.run);
        return;
    }
    if (!request.site.owns) return;
    for (std::size_t i = 0; i < request.site.catalog.size(); ++i) {
        const Resource& resource = request.site.catalog[i];
        if (resource.companion || resource.exclusive || (told && (*told)[i] == after[i])) continue;
        if (resource.leaving) {
            journal.batch().release(std::string(resource.id.type), resource.id.key, request.site.name, outcome.run);
            continue;
        }
        const Schema& schema = resource.type->schema();
        const State wish = standing(resource);
        OwnedRecord record;
        record.type = resource.id.type;
        record.key = resource.id.key;
        record.site = request.site.name;
        record.attributes = encode(schema, declared(schema, after[i], wish));
        record.origin = encode(schema, declared(schema, request.observed[i], wish));
        record.keep = resource.keep;
        record.protect = resource.protect;
        record.run = outcome.run;
        if (request.sources && resource.where)
            record.where = fmt::format("{}:{}:{}", (*request.sources)[resource.where].name, resource.where.line,
                                       resource.where.column);
        journal.batch().own(record);
    }
}

/// What it listens to, as it took note of it by now.
void Runner::Parts::record_inputs(std::uint32_t i, const View& view) {
    const Resource& watcher = request.site.catalog[i];
    if (!watcher.type->schema().reacts || watcher.watches.empty() || !now[i]) return;
    std::string invocation;
    const Noted known = place.store.noted(watcher.id, &invocation);
    const Noted today = noted_after(request.site.catalog, i, now, known);
    const auto runs = watcher.type->runs_as(view, now[i]);
    const std::string current = runs ? runs->id : std::string();
    if (known != today || invocation != current) journal.batch().note(watcher.id, today, current, false);
}

}  // namespace chaos::rollback
