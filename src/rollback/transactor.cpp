// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

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
            outcome = undo(place_, *open, "it was cut, and taken back", reach);
            if (outcome.state == RunState::stuck) return outcome;
        }
        for (const std::int64_t run : store_.unswept_runs()) {
            RunJournal journal(place_);
            StagedHost host(place_.looking, place_.root, place_.state_directory, run, journal);
            sweep(place_, host, run);
        }
        return outcome;
    }

    Outcome run(const Request& request) override { return Runner(place_, request).run(); }

    TakeBack plan_take_back(std::vector<std::int64_t> runs, Resolution resolution) const override {
        return TakingBack(place_, std::move(runs), resolution).plan();
    }
    Outcome take_back(const TakeBack& back, const std::string& who, const std::atomic<bool>* stop) override {
        Request request{back.verb, who, "", back.site, back.graph, back.observed, back.goal, back.plan};
        request.stop = stop;
        Runner runner(const_cast<Workplace&>(place_), request);
        runner.takes_back(back.runs);
        Outcome outcome = runner.run();
        outcome.conflicts.insert(outcome.conflicts.begin(), back.conflicts.begin(), back.conflicts.end());
        outcome.stayed.insert(outcome.stayed.begin(), back.stayed.begin(), back.stayed.end());
        return outcome;
    }

private:
    Store store_;
    Lock lock_;
    Workplace place_;
};

}  // namespace

}  // namespace chaos::rollback

namespace chaos {

std::unique_ptr<Transactor> Transactor::open(const Registry& registry, const Host& root_host, const std::string& root,
                                             const std::string& state_directory, Reporter& reporter) {
    return std::make_unique<rollback::StoreTransactor>(registry, root_host, root, state_directory, reporter);
}

}  // namespace chaos
