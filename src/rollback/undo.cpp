// SPDX-License-Identifier: Apache-2.0
// Taking an open run back, by its records alone (store.hpp, rule 7; the fence was waited for by who took the lock).
//
// The steps go back in the reverse of the order in which they began: a run records that order, and it followed the
// edges. Restarts have no place in it: settle() comes after the last step, when every file is back (else a service
// restarts before its file is).
#include <fmt/format.h>
#include <algorithm>
#include <chaos/passes_boots.hpp>
#include <ctime>
#include <set>

#include "effects.hpp"
#include "lock.hpp"
#include "runner.hpp"

namespace chaos::rollback {

namespace {

using Result = ChangeRecord::Result;

std::string attribute_in_words(const Value& attributes, const Field* field) {
    if (!field) return attributes.is_null() ? "absent" : "present";
    const Value* value = attributes.find(field->name);
    return field->secret ? "a secret" : value ? in_words(*value) : "nothing";
}

class Undoing {
public:
    Undoing(Workplace& place, std::int64_t run)
        : place_(place),
          run_(run),
          journal_(place),
          host_(place.looking, place.root, place.state_directory, run, journal_) {
        journal_.of(run);
        for (const ChangeRecord& change : place.store.changes(run))
            if (!change.before.is_null() || !change.after.is_null()) changes_[change.step].push_back(change);
        for (const Operation& operation : place.store.operations(run)) operations_[operation.step].push_back(operation);
    }

    Outcome undo(const std::string& why, Recovery reach) {
        outcome_.run = run_;
        const auto record = place_.store.run(run_);
        other_boot_ = host_.live() && record && record->boot != boot_id();
        if (record && record->state == RunState::undoing)  // it goes on where it was cut, or was early
            outcome_.changed = static_cast<std::size_t>(record->changes);
        set_state(RunState::undoing, why);
        const auto steps = place_.store.steps(run_);
        for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
            if (step->state == StepRecord::State::skipped || step->state == StepRecord::State::undone) continue;
            if (never_began(*step)) continue;  // and stays planned: settle() tells by it what took note of nothing
            if (reach == Recovery::early && called(*step)) break;
            try {
                take_back(*step);
            } catch (const Error& error) {
                host_.discard();
                if (may_wait(*step)) {
                    waiting_.push_back(*step);
                    continue;
                }
                outcome_.errors.push_back(error);
                if (reach != Recovery::accept) break;  // nothing is undone past what could not be: it may stand on it
                continue;
            }
            back_.push_back(step->number);
            if (called(*step)) mark_undone();  // a sync that failed ends it: not tried again, not taken for done
        }
        if (outcome_.errors.empty()) try_again();
        mark_undone();
        if (reach == Recovery::early && outcome_.errors.empty()) {
            set_state(RunState::undoing, why);
            return std::move(outcome_);  // restarts, and the word that it is undone, come with the rest
        }
        const bool back = outcome_.errors.empty() || outcome_.unsettled;
        if (back) settle(place_, host_, run_, outcome_);
        host_.sync();
        const bool over = back || reach == Recovery::accept;
        const std::string left = back ? "" : fmt::format("could not be taken back: {}", outcome_.errors.front().what());
        set_state(over ? RunState::undone : RunState::stuck, back ? why : over ? "accepted as it is; " + left : left);
        if (!over) return std::move(outcome_);
        outcome_.unsettled |= !back;
        sweep(place_, host_, run_);
        return std::move(outcome_);
    }

private:
    void set_state(RunState state, const std::string& note) {
        timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        const bool ended = state != RunState::undoing;
        journal_.batch().set_run(run_, state, note, ended ? now.tv_sec * 1'000'000'000LL + now.tv_nsec : 0,
                                 static_cast<std::int64_t>(outcome_.changed));
        journal_.flush();
        outcome_.state = state;
    }

    /// A service may need files that are not back yet. Nothing stands on whether it runs.
    bool may_wait(const StepRecord& step) const {
        const ResourceType* type = place_.registry.type(step.type);
        return type && type->overlaps({});
    }

    /// What had to wait for the rest. Where it still can not be, the host is not held up by it: it is told.
    void try_again() {
        for (auto step = waiting_.rbegin(); step != waiting_.rend(); ++step) {
            try {
                take_back(*step);
            } catch (const Error& error) {
                host_.discard();
                outcome_.unsettled = true;
                outcome_.errors.push_back(error);
            }
            back_.push_back(step->number);
        }
    }

    /// Only what is on the disk counts as undone: a power cut could take it away, and nobody would look at it again.
    /// A command is not asked twice, so that its mark waits for nothing else.
    void mark_undone() {
        host_.sync();
        for (const std::int64_t number : back_) journal_.batch().set_step(run_, number, StepRecord::State::undone);
        back_.clear();
        journal_.flush();
    }

    /// Whether it is more than names and inodes, and had begun; a kind that is not known here may be anything.
    bool called(const StepRecord& step) const {
        const ResourceType* type = place_.registry.type(step.type);
        return !type || (type->way() != Way::files && step.state != StepRecord::State::planned);
    }

    /// Files are published without a word before, calls never.
    bool never_began(const StepRecord& step) const {
        const ResourceType* type = place_.registry.type(step.type);
        return type && type->way() != Way::files && step.state == StepRecord::State::planned;
    }

    void take_back(const StepRecord& step) {
        const ResourceType* type = place_.registry.type(step.type);
        if (!type)
            throw Error(fmt::format("this program knows no kind '{}', which run {} changed", step.type, run_))
                .help("take the run back with the chaos that made it");
        if (type->way() == Way::files) return names_back(step);
        host_.step(step.number);
        call_back(*type, step);
    }

    /// What this step published, by the table of rule 7.
    void names_back(const StepRecord& step) {
        std::vector<Operation> published;
        for (const Operation& operation : operations_[step.number])
            if (!operation.effect) published.push_back(operation);
        for (const Operation& left : host_.unpublish(published)) {
            const auto [type, key] = resource_at(step, left.path);
            outcome_.conflicts.push_back({{type, key},
                                          "",
                                          "as before the run",
                                          "as the run wrote it",
                                          left.path + " was changed by somebody else"});
        }
        outcome_.changed += published.empty() ? 0 : changes_[step.number].size();
    }

    std::pair<std::string_view, std::string> resource_at(const StepRecord& step, const std::string& path) {
        for (const ChangeRecord& change : changes_[step.number])
            if (change.key == path) return {place_.registry.type(step.type)->schema().name, change.key};
        return {place_.registry.type(step.type)->schema().name, path};
    }

    void call_back(const ResourceType& type, const StepRecord& step) {
        const bool cut = step.state == StepRecord::State::begun;
        const Footprint footprint = type.footprint();
        std::optional<Effects> effects;
        if (type.way() == Way::opaque && !step.scan.empty()) {
            effects.emplace(host_, footprint, step, operations_[step.number], cut);
        }
        names_back(step);
        if (effects && !footprint.tools_first) effects->put_back(), host_.publish();
        tools_back(type, step, cut);
        host_.publish();
        for (const ChangeRecord& change : changes_[step.number])
            if (change.undo == Undo::none) outcome_.stayed.push_back({type.schema().name, change.key});
        if (effects) {
            if (footprint.tools_first) effects->put_back(), host_.publish();
            effects->tell(type.schema().name, outcome_.conflicts);
        }
    }

    /// What can be told by looking, per attribute: ours goes back, somebody's stays.
    void tools_back(const ResourceType& type, const StepRecord& step, bool cut) {
        const Schema& schema = type.schema();
        std::vector<Wish> wishes;
        States before, after;
        Diagnostics problems;
        for (const ChangeRecord& change : changes_[step.number]) {
            before.push_back(change.before.is_null() ? State() : decode(schema, change.before, problems));
            after.push_back(change.after.is_null() ? State() : decode(schema, change.after, problems));
            wishes.push_back({after.back() ? after.back() : before.back(), true});
        }
        if (!problems.ok()) throw problems.errors().front();
        const View view(host_);
        for (States* seen : {&before, &after})
            for (State& state : *seen)
                if (other_boot_) state = after_boot(type, view, state);
        States now(wishes.size());
        type.observe_all(view, wishes, now);
        std::vector<Change> going_back;
        for (std::size_t k = 0; k < now.size(); ++k) {
            const ChangeRecord& change = changes_[step.number][k];
            std::vector<const Field*> conflicts;
            // A step that was cut may have left anything: it is ours. One that ended left what it recorded.
            const State goal = cut ? as_pinned(schema, before[k], now[k], before[k], after[k])
                                   : three_way(schema, now[k], after[k], before[k], conflicts);
            for (const Field* field : conflicts)
                outcome_.conflicts.push_back({{schema.name, change.key},
                                              field ? std::string(field->name) : "",
                                              attribute_in_words(change.before, field),
                                              attribute_in_words(change.after, field),
                                              "changed by somebody else"});
            const bool is_back = same(schema, now[k], goal);
            // A package manager that was cut may say so and not be through: configuration of what is gone stays, names
            // of files are not what it has noted. Only it can tell, of what the run had made.
            if (is_back && !(cut && type.footprint().tools_first)) continue;
            const State made = is_back && after[k] ? as_pinned(schema, after[k], now[k], before[k], after[k]) : now[k];
            going_back.push_back({{schema.name, change.key}, made, goal});
            outcome_.changed += is_back ? 0U : 1U;
        }
        try {
            if (!going_back.empty()) type.undo_all(host_, going_back);
        } catch (const Error& error) {
            if (!is_given_a_secret(going_back)) throw;
            throw without_output(error);
        }
    }

    Workplace& place_;
    std::int64_t run_;
    RunJournal journal_;
    StagedHost host_;
    std::map<std::int64_t, std::vector<ChangeRecord>> changes_;
    std::map<std::int64_t, std::vector<Operation>> operations_;
    std::vector<StepRecord> waiting_;
    bool other_boot_ = false;         ///< The kernel is another one than the run's.
    std::vector<std::int64_t> back_;  ///< Steps that are taken back, and not marked so.
    Outcome outcome_;
};

}  // namespace

std::string in_words(const Value& value) {
    if (value.secret) return "a secret";
    if (value.is_null()) return "nothing";
    const Value *size = value.is_map() ? value.find("size") : nullptr, *sum = size ? value.find("digest") : nullptr;
    if (sum) return fmt::format("{} bytes, digest {}", size->text(), sum->text().substr(0, 12));  // Codec<Content>
    std::string text = value.is_text() ? value.text() : to_json(value);
    return text.size() > 80 ? fmt::format("{} bytes", text.size()) : text;
}

Outcome undo(Workplace& place, std::int64_t run, const std::string& why, Recovery reach) {
    return Undoing(place, run).undo(why, reach);
}

void settle(Workplace& place, StagedHost& host, std::int64_t run, Outcome& outcome) {
    std::map<std::int64_t, StepRecord::State> steps;
    for (const StepRecord& step : place.store.steps(run)) steps[step.number] = step.state;
    for (const ChangeRecord& change : place.store.reactions(run)) {
        const ResourceType* type = place.registry.type(change.type);
        if (!type || type->way() != Way::calls || change.before.is_null()) continue;
        if (change.result == Result::planned && steps[change.step] == StepRecord::State::planned)
            continue;  // it never took note
        try {
            Diagnostics problems;
            const ResourceId id{type->schema().name, change.key};
            const Wish wish{decode(type->schema(), change.before, problems), true};
            State now;
            const View view(host);
            type->observe_all(view, std::span(&wish, 1), std::span(&now, 1));
            if (now) {
                const Change again{id, now.with_inputs({0, 1}), now.with_inputs({0, 2})};
                type->apply_all(host, std::span(&again, 1));
                host.publish();
            }
            Store::Batch batch(place.store);
            batch.note(id, {}, {}, false);  // it has just read what is there
            batch.commit();
        } catch (const Error& error) {
            outcome.unsettled = true;
            outcome.errors.push_back(error);
        }
    }
}

void sweep(Workplace& place, StagedHost& host, std::int64_t run, Published how) try {
    how == Published::by_this_host ? host.adopt() : host.adopt(place.store.operations(run));
    host.sweep(place.store.stage_directories(run));
    std::set<const ResourceType*> called;
    for (const StepRecord& step : place.store.steps(run))
        if (step.state != StepRecord::State::planned) called.insert(place.registry.type(step.type));
    called.erase(nullptr);
    for (const ResourceType* type : called) type->sweep(host, place.store);
    Store::Batch batch(place.store);
    batch.set_swept(run);
    batch.commit();
} catch (const Error& error) {
    place.reporter.warns(error);  // the run is over all the same; the next one that changes sweeps again
}

}  // namespace chaos::rollback
