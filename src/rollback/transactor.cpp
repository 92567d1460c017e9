// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "expiry.hpp"
#include "runner.hpp"
#include "taking_back.hpp"

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
            // Of many names the plan is a second commit: before it nothing is shown.
            const bool planned = !store_.steps(*open).empty();
            outcome =
                undo(place_, *open, planned ? "it was cut, and taken back" : "it was cut: nothing was changed", reach);
            place_.reporter.finishes(outcome);
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
            if (outcome.run != 0) place_.reporter.finishes(outcome);
            disarm_where_nothing_waits();
            return outcome;
        } catch (...) {
            disarm_where_nothing_waits();
            throw;
        }
    }

    TakeBack plan_take_back(std::vector<std::int64_t> runs, Resolution resolution) const override {
        return TakingBack(place_, std::move(runs), resolution).plan();
    }
    Outcome take_back(const TakeBack& back, const std::string& who, const std::atomic<bool>* stop) override {
        return take_back(back, who, stop, OnFailure::undo, false);
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
        Outcome outcome =
            take_back(plan_take_back({waits->run}, Resolution::none), "chaos", nullptr, OnFailure::undo, true);
        if (outcome.state == RunState::undone) {  // as much of it as can: somebody may be locked out
            TakeBack back = plan_take_back({waits->run}, Resolution::none);
            TakingBack::set_apart(back);
            outcome = take_back(back, "chaos", nullptr, OnFailure::go_on, true);
        }
        return outcome;
    }

private:
    Outcome take_back(const TakeBack& back, const std::string& who, const std::atomic<bool>* stop, OnFailure failing,
                      bool expired) {
        Request request{back.verb, who, "", back.site, back.graph, back.observed, back.goal, back.plan};
        request.stop = stop;
        request.on_failure = failing;
        Runner runner(place_, request);
        runner.takes_back(back.runs);
        const auto waited = store_.window();
        if (waited) release_reserve(place_.state_directory);
        Outcome outcome = runner.run();
        if (outcome.run != 0) place_.reporter.finishes(outcome);
        if (waited) end_window(*waited, outcome, expired);
        disarm_where_nothing_waits();
        outcome.conflicts.insert(outcome.conflicts.begin(), back.conflicts.begin(), back.conflicts.end());
        outcome.stayed.insert(outcome.stayed.begin(), back.stayed.begin(), back.stayed.end());
        note_what_stays(outcome);
        return outcome;
    }

    /// Before what stands ready for it goes, so that whoever sees that gone finds how it ended.
    void end_window(const Window& waited, const Outcome& outcome, bool expired) {
        const bool ended = outcome.state == RunState::committed || outcome.state == RunState::partial;
        if (expired ? !ended : store_.window().has_value()) return;
        Store::Batch batch(store_);
        if (expired) {
            const std::string stays = what_is_left(outcome);
            batch.close_windows({waited.run}, false);
            batch.set_note(waited.run,
                           fmt::format("taken back{}: not confirmed in {} s{}{}", stays.empty() ? "" : " in part",
                                       waited.seconds, stays.empty() ? "" : "; what stays: ", stays));
        } else {
            batch.set_note(waited.run, "taken back before it was confirmed");
        }
        batch.commit();
    }

    /// For who was not there when it was told: a window ends by itself.
    void note_what_stays(const Outcome& outcome) {
        if (outcome.run == 0 || outcome.state != RunState::committed) return;
        std::set<std::string> ids;
        for (const Conflict& conflict : outcome.conflicts) ids.insert(to_text(conflict.id));
        for (const ResourceId& id : outcome.stayed) ids.insert(to_text(id));
        if (ids.empty()) return;
        Store::Batch batch(store_);
        batch.set_note(outcome.run, fmt::format("what stays: {}", in_few_words(ids)));
        batch.commit();
    }

    static std::string in_few_words(const std::set<std::string>& ids) {
        constexpr std::size_t most = 5;
        const std::vector<std::string> told(ids.begin(), std::next(ids.begin(), std::min(most, ids.size())));
        const std::string more = ids.size() > most ? fmt::format(" and {} more", ids.size() - most) : "";
        return fmt::format("{}{}", fmt::join(told, ", "), more);
    }

    /// Of a run that ended in part: what its steps that failed were about, and those that waited for them.
    std::string what_is_left(const Outcome& outcome) const {
        std::set<std::string> ids;
        if (outcome.state != RunState::partial) return {};
        std::set<std::int64_t> left;
        for (const StepRecord& step : store_.steps(outcome.run))
            if (step.state == StepRecord::State::planned || step.state == StepRecord::State::begun)
                left.insert(step.number);
        for (const ChangeRecord& change : store_.outlines(outcome.run))
            if (left.contains(change.step)) ids.insert(to_text(RecordedId{change.type, change.key}));
        return in_few_words(ids);
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

    Store store_;
    Lock lock_;
    Workplace place_;
};

}  // namespace

}  // namespace chaos::rollback

namespace chaos {

std::unique_ptr<Transactor> Transactor::open(const Registry& registry, const Host& root_host, const std::string& root,
                                             const std::string& state_directory, Reporter& reporter) {
    using rollback::StoreTransactor;
    try {
        return std::make_unique<StoreTransactor>(registry, root_host, root, state_directory, reporter);
    } catch (const Busy&) {
        throw;
    } catch (const Error&) {  // the disk may be full while a run waits
        if (!rollback::release_reserve(state_directory)) throw;
    }
    return std::make_unique<StoreTransactor>(registry, root_host, root, state_directory, reporter);
}

}  // namespace chaos
