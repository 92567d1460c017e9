// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>

#include "effects.hpp"
#include "meanwhile.hpp"
#include "runner.hpp"
#include "succession.hpp"

namespace chaos::rollback {

std::int64_t now_ns();  ///< Nanoseconds since 1970.

/// One run. Its members stand in five files: runner.cpp (the run), runner_steps.cpp, runner_calls.cpp, runner_back.cpp
/// (taking earlier runs back), runner_record.cpp (what it writes down).
struct Runner::Parts {
    Parts(Workplace& workplace, const Request& asked)
        : place(workplace), request(asked), journal(workplace), plan(asked.plan), now(asked.observed) {
        outcome.state = RunState::running;
        journal.stops_by(asked.stop);
    }

    Outcome run();

private:
    friend class Runner;
    // Before the first step.
    bool has_something_to_record() const;
    void begin();
    void record_plan();
    void adopt_inputs();

    // The steps.
    struct Failure {
        std::size_t step;
        Error error;
    };
    using Failures = std::vector<Failure>;
    std::size_t end_of_phase(std::size_t from) const;
    Failures attempt(std::size_t from, std::size_t to);
    void run_files(std::size_t from, std::size_t to);
    void run_call(std::size_t number);
    bool waits_to_retry(std::size_t number, int tried, const Error&);
    Failures run_calls_together(std::size_t from, std::size_t to);
    bool begin_call(std::size_t number, Scan& before);
    void end_call(std::size_t number, const Scan& before);
    void record_effects(std::size_t number, const Scan& before);
    void tell(const Failures&);
    std::string unsaid(std::string text);  ///< Without the secrets of this run: a tool may quote them.
    bool judges_a_secret(const std::vector<std::size_t>& steps) const;
    bool prepare(std::size_t number);
    bool queue(std::size_t number);
    States seen_again(const Step&, const View&) const;
    void leave_out_what_vanished(std::size_t number);
    void leave_out(std::size_t number, std::size_t k);
    void verify(std::size_t number);
    void fail_if_it_changed(const std::vector<std::size_t>& steps) const;
    void record_done(std::size_t number);
    void mark_done(std::size_t number);
    /// Where one kind's was taken away and another kind's made, a path is taken back as two.
    using Made = std::pair<std::int64_t, std::int64_t>;  ///< By a run, in a step of it.
    struct OfPath {
        Succession succession;
        std::string owner;  ///< The resource that is called so; empty: none.
    };
    bool leave_what_lies_nowhere(std::size_t number);
    void put_images_back(const Step&);
    const OfPath& made_of(const std::string& path, const Made&) const;
    bool is_somebodys(const std::string& path, const Succession&, const Image& there) const;
    bool stays(const OfPath&) const;
    bool has_a_step_of_its_own(const OfPath&, const std::set<std::string>& here, const Made&) const;
    bool is_last_copy(const std::string& path, const Made&) const;
    void take_up(std::int64_t run, std::map<std::string, std::string>& named);
    void undo_what_is_left(const Step&);
    void take_call_back(Step&);
    std::vector<Made> steps_taken_back(const Step&) const;
    void fail_if_it_waited_for_one(std::size_t number);

    // After the last one.
    void finish(RunState);
    bool checks_answer();  ///< False where one does not: why is in the outcome then.
    void open_window();
    bool may_foretell(std::size_t to) const;
    void foretell_ownership(const std::vector<std::size_t>& steps);
    void record_ownership(const States& after, const States* told);
    void record_inputs(std::uint32_t watcher, const View&);
    void take_it_back(const std::string& why);

    ChangeRecord record_of(const Step&, std::size_t number, std::size_t k, ChangeRecord::Result) const;
    void record_results(std::size_t number);
    const Resource& resource(const Step& step, std::size_t k) const { return request.site.catalog[step.resources[k]]; }
    bool takes_back() const { return !taken_back.empty(); }

    Workplace& place;
    const Request& request;
    RunJournal journal;
    std::optional<StagedHost> host;
    std::optional<Meanwhile> synced;      ///< The sync of all that was shown, once nothing more will be.
    Plan plan;                            ///< With what was seen when each step began.
    States now;                           ///< As far as it is known: observed, then what the steps reached.
    std::optional<States> foretold;       ///< The open batch has what is owned by these: for good at the end alone.
    std::vector<std::size_t> done_steps;  ///< Steps that became as wished.
    std::vector<char> failed;             ///< By step: it failed, or waited for one that did.
    bool called = false;                  ///< A step that is not only files ran: what changed since may be its doing.
    Outcome outcome;
    std::optional<std::vector<std::string>> secrets;  ///< Once something failed.
    std::vector<std::int64_t> taken_back;
    std::map<std::string, std::vector<Made>> made_by;  ///< By id.
    std::map<Made, std::vector<std::string>> paths_of;
    std::set<std::string> going_back;                   ///< Ids of this plan.
    std::map<std::string, std::string> kept_aside;      ///< By path: from where its bytes came, when they made room.
    std::map<std::string, std::vector<OfPath>> images;  ///< Of the runs taken back, by path.
    std::map<std::pair<Made, std::string>, std::size_t> image_of;  ///< Which of those it is, but the first.
};

}  // namespace chaos::rollback
