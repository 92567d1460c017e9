// SPDX-License-Identifier: Apache-2.0
// What goes back, attribute by attribute.
#include "taking_back.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/passes_boots.hpp>
#include <chaos/successive.hpp>
#include <utility>

namespace chaos::rollback {
namespace {

/// A run records the attributes that its manifest gave: what another one of them gave comes to it. Not what is in
/// `known`: that is of an older run.
void fill(Value& attributes, const Value& from, const Value& known) {
    if (!attributes.is_map() || !from.is_map()) return;
    Value::Map all = attributes.map();
    for (const auto& entry : from.map())
        if (!attributes.find(entry.key.text()) && !(known.is_map() && known.find(entry.key.text())))
            all.push_back(entry);
    if (all.size() != attributes.map().size()) attributes = Value(std::move(all));
}

bool stands(const std::optional<RunRecord>& run) {
    return run && (run->state == RunState::committed || run->state == RunState::partial);
}

Deciding deciding(Resolution resolution) {
    return resolution == Resolution::ours    ? Deciding::ours
           : resolution == Resolution::merge ? Deciding::merge
                                             : Deciding::leave;
}

}  // namespace

TakingBack::TakingBack(const Workplace& place, std::vector<std::int64_t> runs, Resolution resolution)
    : place_(place), resolution_(resolution) {
    std::sort(runs.begin(), runs.end());
    back_.runs = std::move(runs);
}

Transactor::TakeBack TakingBack::plan() && {
    gather();
    for (Span& span : spans_) add(std::exchange(span, {}));
    std::vector<Span>().swap(spans_);
    if (!problems_.ok()) throw problems_.errors().front();
    find_rivals();
    back_.graph = edges();
    const View view(place_.looking);
    look(view);
    gather_paths();
    know_owners(view);
    stand_by_what_was_run();
    decide(view);
    leave_what_is_lost(view);
    leave_what_is_taken(view);
    tell_of_trees(view);
    keep_what_is_occupied(view);
    leave_what_has_no_place(view);
    back_.plan = chaos::plan(back_.site.catalog, back_.graph, back_.observed, back_.goal);
    restore_unseen();
    find_settling();
    return std::move(back_);
}

void TakingBack::gather() {
    changed_later_ = place_.store.done_beside(back_.runs);
    std::map<std::pair<std::string, std::string>, std::size_t> number_of;
    for (const std::int64_t run : back_.runs) {
        const auto record = place_.store.run(run);
        if (!record) throw Error(fmt::format("there is no run {}", run)).help("chaos history");
        if (!stands(record)) continue;
        back_.site.name = record->site;
        for (const ChangeRecord& change : place_.store.changes(run)) {
            const ResourceType* type = place_.registry.type(change.type);
            if (type && change.result == ChangeRecord::Result::kept)
                tell({.id = {type->schema().name, change.key},
                      .before = "lost: the store was damaged",
                      .ours = "something",
                      .now = "as it is",
                      .lost = true});
            if (change.result != ChangeRecord::Result::done) continue;
            if (!type)
                throw Error(fmt::format("this program knows no kind '{}', which run {} changed", change.type, run));
            const auto [held, first] = number_of.try_emplace({change.type, change.key}, spans_.size());
            if (first) spans_.push_back({type, change.key, change.before, {}, {}, 0, {}});
            Span& span = spans_[held->second];
            if (first)
                span.base = change.after;
            else
                follow(span, change);
            span.last_run = run;
            span.steps.push_back({run, change.step, change.after.is_null()});
        }
    }
}

/// One more change of the same. What somebody made again after these runs had taken it away is another one: that goes
/// back to what it was made as, and what had been there before it is told.
void TakingBack::follow(Span& span, const ChangeRecord& change) {
    const auto was_there = [&] {
        const Schema& schema = span.type->schema();
        return !change.before.is_null() && !span.type->is_as_absent(decode(schema, change.before, problems_));
    };
    const bool another = span.base.is_null() && was_there();
    if (another && resolution_ != Resolution::ours) {
        if (span.lost.is_null()) span.lost = span.target;
        span.target = change.before;
    } else {
        fill(span.target, change.before, span.base);
    }
    span.base = made_after(span.type->schema(), span.base, change.before, change.after);
}

void TakingBack::add(const Span& span) {
    const Schema& schema = span.type->schema();
    const ResourceId id{schema.name, span.key};
    const State base = span.base.is_null() ? State() : decode(schema, span.base, problems_);
    State target = span.target.is_null() ? State() : decode(schema, span.target, problems_);
    const std::size_t told = back_.superseded.size();
    if ((!base && !target) || leave_to_later_runs(span, base, target)) return;
    if (base && !target && is_protected(id)) return tell({id, "", "absent", "present", "it is protected"});
    if (span.type->undo_of({id, target, base}) == Undo::none) return back_.stayed.push_back(id);
    const auto number = static_cast<std::uint32_t>(back_.site.catalog.size());
    for (const auto& [run, step, removed] : span.steps) in_step_[{run, step}].push_back({number, removed});
    Resource resource;
    resource.id = id;
    resource.type = span.type;
    resource.wanted = base ? base : target;
    back_.site.catalog.push_back(std::move(resource));
    superseded_.push_back(back_.superseded.size() != told);
    bases_.push_back(base);
    targets_.push_back(target);
    lost_.push_back(span.lost.is_null() ? State() : decode(schema, span.lost, problems_));
    first_runs_.push_back(span.steps.front().run);
    last_runs_.push_back(span.last_run);
}

/// The last change of it by a run that is later, stays, and is not taken back here.
std::optional<ChangeRecord> TakingBack::changed_again(const ResourceId& id, std::int64_t after) const {
    if (!changed_later_.contains({std::string(id.type), id.key})) return std::nullopt;
    for (const ChangeRecord& change : place_.store.changes_of(id)) {  // newest first
        if (change.run <= after) break;
        const bool taken = std::binary_search(back_.runs.begin(), back_.runs.end(), change.run);
        if (!taken && change.result == ChangeRecord::Result::done && stands(place_.store.run(change.run)))
            return change;
    }
    return std::nullopt;
}

/// Attributes that a later run changed again are as they are to stay: taken out of `target`. True where that is all of
/// it. A later run and one that took it back come to nothing together: what counts is where they left it.
bool TakingBack::leave_to_later_runs(const Span& span, const State& base, State& target) {
    const Schema& schema = span.type->schema();
    const ResourceId id{schema.name, span.key};
    const auto later = changed_again(id, span.last_run);
    if (!later) return false;
    const State left = later->after.is_null() ? State() : decode(schema, later->after, problems_);
    if (!problems_.ok()) return false;
    const bool is_there = static_cast<bool>(left);
    if (is_there != static_cast<bool>(base) || (base && !target && !differences(schema, left, base).empty())) {
        back_.superseded.push_back({id, "", later->run});
        return true;
    }
    if (!base || !target) return false;
    std::shared_ptr<void> rest;
    for (const Field& field : schema.fields) {
        if (field.role != Field::Role::property || !field.given(base.spec()) || !field.given(target.spec()) ||
            !field.given(left.spec()))
            continue;
        const bool by_parts = field.merge == Merge::members || field.merge == Merge::keys ||
                              (field.merge == Merge::text && resolution_ == Resolution::merge);
        if (by_parts || field.same(base.spec(), target.spec()) || field.same(left.spec(), base.spec())) continue;
        if (!rest) rest = schema.clone(target.spec());
        field.copy(rest.get(), base.spec());
        back_.superseded.push_back({id, std::string(field.name), later->run});
    }
    if (!rest) return false;
    for (const Field& field : schema.fields)  // of the whole, which does not go back
        if (field.role == Field::Role::seen) field.clear(rest.get());
    target = State(rest, target.inputs()).hiding(target.hidden());
    return false;
}

/// What somebody put into the way of one must not hold up the others: it stays, and is named.
void TakingBack::look(const View& view) {
    const Catalog& catalog = back_.site.catalog;
    hidden_.assign(catalog.size(), std::nullopt);
    back_.observed = observe(catalog, view, problems_, 1, true);
    for (std::size_t i = 0; !problems_.ok() && i < catalog.size(); ++i) {
        Diagnostics problems;
        const Catalog one{catalog[i]};
        States found = observe(one, view, problems, 1, true);
        if (!problems.ok()) hidden_[i] = problems.errors().front();
        back_.observed[i] = problems.ok() ? found.front() : bases_[i];
    }
    give_places_to_who_is_there();
    for (std::size_t i = 0; i < catalog.size(); ++i)
        if (hidden_[i]) tell({catalog[i].id, "", "as before the run", "as the run left it", hidden_[i]->what()});
}

/// What an earlier boot's kernel had is no more: not what was there before the runs, nor what they made of it.
void TakingBack::let_boots_pass(const View& view, std::size_t i) {
    if (!place_.looking.live()) return;
    const auto passed = [&](State& state, std::int64_t run) {
        if (!state || !ended_with_its_boot(run)) return;
        state = after_boot(*back_.site.catalog[i].type, view, state);
    };
    passed(targets_[i], first_runs_[i]);
    passed(bases_[i], last_runs_[i]);
}

bool TakingBack::ended_with_its_boot(std::int64_t run) {
    const auto [known, first] = ended_.try_emplace(run, false);
    if (first)
        if (const auto record = place_.store.run(run)) known->second = record->boot != boot_;
    return known->second;
}

void TakingBack::decide(const View& view) {
    for (std::size_t i = 0; i < back_.site.catalog.size(); ++i) {
        const Resource& resource = back_.site.catalog[i];
        const Schema& schema = resource.type->schema();
        const State& now = back_.observed[i];
        if (hidden_[i]) {
            back_.goal.push_back(now);
            continue;
        }
        std::vector<const Field*> open, left;
        let_boots_pass(view, i);
        if (!now && bases_[i] && resource.type->is_as_absent(bases_[i])) bases_[i] = State();
        State goal = three_way(schema, now, bases_[i], targets_[i], open);
        if (!open.empty() && deciding(resolution_) != Deciding::leave)
            goal = three_way(schema, now, bases_[i], targets_[i], left, deciding(resolution_));
        else
            left = open;
        if (lost_[i] && goal && !differences(schema, goal, lost_[i]).empty())
            tell({resource.id, "", "present", "absent", "somebody made another one since"});
        back_.goal.push_back(std::move(goal));
        for (const Field* field : open) {
            Conflict conflict = conflict_of(resource, field, targets_[i], bases_[i], now);
            if (std::find(left.begin(), left.end(), field) != left.end())
                tell(std::move(conflict));
            else
                back_.decided.push_back({resolution_ == Resolution::merge ? Decided::How::merged : Decided::How::ours,
                                         std::move(conflict)});
        }
    }
}

bool TakingBack::is_protected(const ResourceId& id) {
    if (!protected_) {
        protected_.emplace();
        for (const Holding& one : place_.store.holdings())
            if (one.protect) protected_->insert({one.type, one.key});
    }
    return protected_->contains({std::string(id.type), id.key});
}

}  // namespace chaos::rollback
