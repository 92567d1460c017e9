// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <set>

#include "expiry.hpp"
#include "runner.hpp"

namespace chaos::rollback {

namespace {

class StoreTransactor final : public Transactor {
public:
    StoreTransactor(const Registry& registry, const Host& looking, const std::string& root,
                    const std::string& state_directory, Reporter& reporter)
        : store_(state_directory, Store::Access::change),
          lock_(state_directory, reporter),
          place_{registry, looking, root, state_directory, store_, lock_, reporter} {}

    const History& history() const override { return store_; }

    Outcome recover(Recovery reach) override {
        Outcome outcome;
        if (const auto open = store_.open_run()) {
            place_.reporter.says(fmt::format("run {} was cut: taking it back", *open));
            outcome = undo(place_, *open, "it was cut, and taken back", reach);
            if (outcome.state == RunState::stuck) return outcome;
        }
        for (const std::int64_t run : store_.unswept_runs()) {
            RunJournal journal(place_);
            StagedHost host(place_.looking, place_.root, place_.state_directory, run, journal);
            sweep(place_, host, run);
        }
        disarm_where_nothing_waits();
        return outcome;
    }

    Outcome run(const Request& request) override {
        if (const auto waits = store_.window()) throw Busy(to_text(*waits));
        Request asked = request;
        if (asked.plan.empty()) asked.window_s = 0;
        if (asked.window_s != 0) arm(place_.looking, place_.state_directory, asked.window_s, place_.reporter);
        try {
            Outcome outcome = Runner(place_, asked).run();
            disarm_where_nothing_waits();
            return outcome;
        } catch (...) {
            disarm_where_nothing_waits();
            throw;
        }
    }

    TakeBack plan_take_back(std::vector<std::int64_t> runs) const override;
    Outcome take_back(const TakeBack& back, const std::string& who, const std::atomic<bool>* stop) override {
        return take_back(back, who, stop, OnFailure::undo);
    }

    void confirm(const std::string& who) override {
        const auto waits = store_.window();
        if (!waits) throw Error("no run waits to be confirmed").help("chaos history");
        {
            Store::Batch batch(store_);
            batch.close_windows({waits->run}, true);
            batch.set_note(waits->run, fmt::format("confirmed by {}", who));
            batch.commit();
        }
        disarm_where_nothing_waits();
    }

    Outcome expire() override {
        const auto waits = store_.window();
        if (!waits || waits->left_ns() > 0) return {};
        place_.reporter.says(
            fmt::format("run {} was not confirmed in {} s: taking it back", waits->run, waits->seconds));
        Outcome outcome = take_back(plan_take_back({waits->run}), "chaos", nullptr, OnFailure::undo);
        if (outcome.state == RunState::undone)  // as much of it as can: somebody may be locked out
            outcome = take_back(plan_take_back({waits->run}), "chaos", nullptr, OnFailure::go_on);
        if (outcome.state != RunState::committed && outcome.state != RunState::partial) return outcome;
        {
            Store::Batch batch(store_);
            batch.close_windows({waits->run}, false);
            batch.set_note(waits->run, fmt::format("taken back: not confirmed in {} s", waits->seconds));
            batch.commit();
        }
        disarm_where_nothing_waits();
        return outcome;
    }

private:
    Outcome take_back(const TakeBack& back, const std::string& who, const std::atomic<bool>* stop, OnFailure failing) {
        Request request{"rollback", who, "", back.site, back.graph, back.observed, back.goal, back.plan};
        request.stop = stop;
        request.on_failure = failing;
        Runner runner(place_, request);
        runner.takes_back(back.runs);
        const auto waited = store_.window();
        Outcome outcome = runner.run();
        if (waited && !store_.window()) {
            Store::Batch batch(store_);
            batch.set_note(waited->run, "taken back before it was confirmed");
            batch.commit();
        }
        disarm_where_nothing_waits();
        outcome.conflicts.insert(outcome.conflicts.begin(), back.conflicts.begin(), back.conflicts.end());
        outcome.stayed.insert(outcome.stayed.begin(), back.stayed.begin(), back.stayed.end());
        return outcome;
    }

    /// What stands ready for a run that is over is litter: it finds nothing, but the next one needs its place.
    void disarm_where_nothing_waits() {
        if (store_.window() || !is_armed(place_.state_directory)) return;
        try {
            disarm(place_.looking, place_.state_directory);
        } catch (const Error& error) {
            place_.reporter.warns(error);
        }
    }

    bool is_protected(const ResourceId&) const;
    std::vector<ResourceId> settling(const TakeBack&) const;

    Store store_;
    Lock lock_;
    Workplace place_;
};

/// One resource over the runs that are taken back: before the first of them, and after the last.
struct Span {
    const ResourceType* type = nullptr;
    std::string key;
    Value target, base;
    std::int64_t last_run = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> steps;  // run, step
};

std::string in_words(const Schema& schema, const State& state, const Field* field) {
    if (!state) return "absent";
    if (!field) return "present";
    return field->secret || (state.hidden() & hiding_bit(schema, *field))
               ? "a secret"
               : rollback::in_words(field->get(state.spec()));
}

/// What somebody put into the way of one must not hold up the others: it stays, and is named.
std::vector<char> look_one_by_one(Transactor::TakeBack& back, const View& view, const std::vector<State>& bases) {
    std::vector<char> hidden(back.site.catalog.size(), 0);
    for (std::size_t i = 0; i < back.site.catalog.size(); ++i) {
        Diagnostics problems;
        const Catalog one{back.site.catalog[i]};
        States found = observe(one, view, problems, 1, true);
        if (problems.ok()) {
            back.observed[i] = found.front();
            continue;
        }
        hidden[i] = 1;
        back.observed[i] = bases[i];
        back.conflicts.push_back(
            {back.site.catalog[i].id, "", "as before the run", "as the run left it", problems.errors().front().what()});
    }
    return hidden;
}

}  // namespace

bool StoreTransactor::is_protected(const ResourceId& id) const {
    const auto& held = store_.holdings();
    return std::any_of(held.begin(), held.end(),
                       [&](const Holding& one) { return one.protect && one.type == id.type && one.key == id.key; });
}

/// Services that took note of what goes back (settle() in undo.cpp), and are not in the plan for anything else.
std::vector<ResourceId> StoreTransactor::settling(const TakeBack& back) const {
    std::set<std::pair<std::string_view, std::string>> known;
    for (const Step& step : back.plan)
        for (const Change& change : step.changes) known.emplace(change.id.type, change.id.key);
    std::vector<ResourceId> ids;
    for (const std::int64_t run : back.runs)
        for (const ChangeRecord& change : store_.changes(run)) {
            const ResourceType* type = place_.registry.type(change.type);
            if (!change.triggered || !type || type->way() != Way::calls || change.before.is_null()) continue;
            if (known.emplace(type->schema().name, change.key).second) ids.push_back({type->schema().name, change.key});
        }
    return ids;
}

Transactor::TakeBack StoreTransactor::plan_take_back(std::vector<std::int64_t> runs) const {
    TakeBack back;
    std::sort(runs.begin(), runs.end());
    back.runs = runs;
    std::vector<Span> spans;
    std::map<std::pair<std::string, std::string>, std::size_t> number_of;
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::uint32_t>> in_step;
    for (const std::int64_t run : runs) {
        const auto record = store_.run(run);
        if (!record) throw Error(fmt::format("there is no run {}", run)).help("chaos history");
        if (record->state != RunState::committed && record->state != RunState::partial) continue;
        back.site.name = record->site;
        for (const ChangeRecord& change : store_.changes(run)) {
            if (change.result != ChangeRecord::Result::done) continue;
            const ResourceType* type = place_.registry.type(change.type);
            if (!type)
                throw Error(fmt::format("this program knows no kind '{}', which run {} changed", change.type, run));
            const auto [held, first] = number_of.try_emplace({change.type, change.key}, spans.size());
            if (first) spans.push_back({type, change.key, change.before, {}, 0, {}});
            Span& span = spans[held->second];
            span.base = change.after;
            span.last_run = run;
            span.steps.emplace_back(run, change.step);
        }
    }
    const std::set<std::int64_t> taken(runs.begin(), runs.end());
    std::vector<State> bases, targets;
    Diagnostics problems;
    for (const Span& span : spans) {
        const Schema& schema = span.type->schema();
        const ResourceId id{schema.name, span.key};
        const auto later = store_.changes_of(id);  // newest first
        const auto outside = std::find_if(later.begin(), later.end(), [&](const ChangeRecord& change) {
            const auto run = store_.run(change.run);
            return change.run > span.last_run && !taken.contains(change.run) &&
                   change.result == ChangeRecord::Result::done && run &&
                   (run->state == RunState::committed || run->state == RunState::partial);
        });
        if (outside != later.end()) {
            place_.reporter.says(fmt::format("{} was changed again by run {}: it stays", to_text(id), outside->run));
            continue;
        }
        const State base = span.base.is_null() ? State() : decode(schema, span.base, problems);
        const State target = span.target.is_null() ? State() : decode(schema, span.target, problems);
        if (!base && !target) continue;
        if (base && !target && is_protected(id)) {
            back.conflicts.push_back({id, "", "absent", "present", "it is protected"});
            continue;
        }
        if (span.type->undo_of({id, target, base}) == Undo::none) {
            back.stayed.push_back(id);
            continue;
        }
        const auto number = static_cast<std::uint32_t>(back.site.catalog.size());
        for (const auto& step : span.steps) in_step[step].push_back(number);
        Resource resource;
        resource.id = id;
        resource.type = span.type;
        resource.wanted = base ? base : target;
        back.site.catalog.push_back(std::move(resource));
        bases.push_back(base);
        targets.push_back(target);
    }
    if (!problems.ok()) throw problems.errors().front();
    std::vector<Graph::Edge> edges;
    for (const std::int64_t run : runs)
        for (const StepRecord& step : store_.steps(run))
            for (const std::int64_t earlier : step.waits_for)
                for (const std::uint32_t from : in_step[{run, earlier}])
                    for (const std::uint32_t to : in_step[{run, step.number}])
                        if (from != to) edges.push_back({from, to});
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    back.graph = Graph(back.site.catalog.size(), edges);
    if (!back.graph.cycle().empty())
        back.graph = Graph(back.site.catalog.size(), {});  // two runs, two orders: the natural one
    const View view(place_.looking);
    back.observed = observe(back.site.catalog, view, problems, 1, true);
    std::vector<char> hidden(back.site.catalog.size(), 0);
    if (!problems.ok()) hidden = look_one_by_one(back, view, bases);
    for (std::size_t i = 0; i < back.site.catalog.size(); ++i) {
        const Resource& resource = back.site.catalog[i];
        const Schema& schema = resource.type->schema();
        std::vector<const Field*> conflicts;
        if (hidden[i]) {
            back.goal.push_back(back.observed[i]);
            continue;
        }
        back.goal.push_back(three_way(schema, back.observed[i], bases[i], targets[i], conflicts));
        for (const Field* field : conflicts)
            back.conflicts.push_back({resource.id, field ? std::string(field->name) : "",
                                      in_words(resource.type->schema(), targets[i], field),
                                      in_words(resource.type->schema(), bases[i], field),
                                      in_words(resource.type->schema(), back.observed[i], field)});
    }
    for (const std::uint32_t i : keep_occupied(back.site.catalog, view, back.observed, back.goal))
        back.conflicts.push_back(
            {back.site.catalog[i].id, "", "absent", "present", "there is something in it, or needs it"});
    back.plan = plan(back.site.catalog, back.graph, back.observed, back.goal);
    back.settles = settling(back);
    return back;
}

}  // namespace chaos::rollback

namespace chaos {

std::unique_ptr<Transactor> Transactor::open(const Registry& registry, const Host& root_host, const std::string& root,
                                             const std::string& state_directory, Reporter& reporter) {
    return std::make_unique<rollback::StoreTransactor>(registry, root_host, root, state_directory, reporter);
}

}  // namespace chaos
