// SPDX-License-Identifier: Apache-2.0
#include "runner.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <ctime>

#include "effects.hpp"
#include "ownership.hpp"

namespace chaos::rollback {

namespace {

using Result = ChangeRecord::Result;

std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

std::string boot_id(const Host& host) {
    std::string text;
    host.look("/proc/sys/kernel/random/boot_id", &text);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

std::string in_words(const Field& field, const State& state) {
    return field.secret ? "a secret" : rollback::in_words(field.get(state.spec()));
}

Error not_reached(const Change& change, const Schema& schema, const State& found) {
    if (!found != !change.after)
        return Error(change.where,
                     fmt::format("{} {} after it was {}", to_text(change.id), found ? "is still there" : "is not there",
                                 change.after ? "made" : "taken away"));
    for (const Field* field : differences(schema, found, change.after))
        return Error(change.where,
                     fmt::format("{} did not become as wished: its {} is {}, and should be {}", to_text(change.id),
                                 field->name, in_words(*field, found), in_words(*field, change.after)));
    return Error(change.where, to_text(change.id) + " did not become as wished");
}

}  // namespace

State declared(const Schema& schema, const State& now, const State& wanted) {
    if (!now || !wanted) return now;
    const auto spec = schema.clone(now.spec());
    for (const Field& field : schema.fields)
        if (field.role == Field::Role::property && !field.given(wanted.spec())) field.clear(spec.get());
    take_options(schema, spec.get(), wanted.spec());
    return State(spec);
}

struct Runner::Parts {
    Parts(Workplace& workplace, const Request& asked)
        : place(workplace), request(asked), journal(workplace), plan(asked.plan), now(asked.observed) {
        outcome.state = RunState::running;
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
    std::size_t end_of_files(std::size_t from) const;
    void run_files(std::size_t from, std::size_t to);
    void run_call(std::size_t number);
    bool prepare(std::size_t number);
    void verify(std::size_t number);
    void record_done(std::size_t number);
    void put_images_back(const Step&);
    void take_call_back(Step&);
    std::vector<std::pair<std::int64_t, std::int64_t>> steps_taken_back(const Step&) const;
    bool ended_early(std::size_t number);

    // After the last one.
    void finish(RunState);
    void record_ownership();
    void record_inputs(std::uint32_t watcher, const View&);
    void take_it_back(const std::string& why);

    ChangeRecord record_of(const Step&, std::size_t number, std::size_t k, Result) const;
    const Resource& resource(const Step& step, std::size_t k) const { return request.site.catalog[step.resources[k]]; }
    bool takes_back() const { return !taken_back.empty(); }

    Workplace& place;
    const Request& request;
    RunJournal journal;
    std::optional<StagedHost> host;
    Plan plan;                 ///< With what was seen when each step began.
    States now;                ///< As far as it is known: observed, then what the steps reached.
    std::vector<char> failed;  ///< By step: it failed, or waited for one that did.
    bool called = false;       ///< A step that is not only files ran: what changed since may be its doing.
    Outcome outcome;
    std::vector<std::int64_t> taken_back;
    std::map<std::string, std::vector<std::pair<std::int64_t, std::int64_t>>> made_by;   ///< By id: run and step.
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::string>> paths_of;  ///< By run and step.
    std::map<std::string, std::pair<Image, Image>>
        images;  ///< Of the runs taken back: by path, before them all and after them all.
};

bool Runner::Parts::has_something_to_record() const {
    return !plan.empty() || takes_back() || !is_recorded(request.site, place.store);
}

void Runner::Parts::begin() {
    RunRecord record;
    record.verb = request.verb;
    record.site = request.site.name;
    record.who = request.who;
    record.manifest = request.manifest;
    record.started = now_ns();
    record.boot = boot_id(place.looking);
    auto& batch = journal.batch();
    if (!takes_back()) batch.set_site(request.site.name, request.site.origin);
    outcome.run = batch.add_run(record);
    journal.of(outcome.run);
    host.emplace(place.looking, place.root, place.state_directory, outcome.run, journal);
    record_plan();
    adopt_inputs();
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
        std::map<std::string, Digest> base;
        for (const auto& [name, value] : inputs_of(request.site.catalog, i, request.goal))
            base[name] = digest("absent"), (void)value;
        for (const auto& [name, value] : inputs_of(request.site.catalog, i, request.observed)) base[name] = value;
        for (const auto& [name, value] : known) base[name] = value;
        const Noted adopted(base.begin(), base.end());
        if (adopted != known) journal.batch().note(watcher.id, adopted, invocation, false);
    }
}

std::size_t Runner::Parts::end_of_files(std::size_t from) const {
    while (from < plan.size() && plan[from].type->way() == Way::files) ++from;
    return from;
}

/// Looks again, in a new View: what was planned for holds still, or an earlier step of this run changed it, or the run
/// ends. False where nothing is left to do.
bool Runner::Parts::prepare(std::size_t number) {
    Step& step = plan[number];
    const Schema& schema = step.type->schema();
    const View view(*host);
    const States found = look_again(request.site.catalog, step, view, takes_back());
    bool work = false;
    for (std::size_t k = 0; k < step.changes.size(); ++k) {
        Change& change = step.changes[k];
        const State fresh = found[k] ? found[k].with_inputs(change.before.inputs()) : found[k];
        if (!same(schema, fresh, change.before)) {
            if (!called)
                throw Error(change.where, fmt::format("{} changed since the plan was made", to_text(change.id)))
                    .help("run it again: the plan is made anew");
            change.before = fresh;
            if (change.after && fresh)
                change.after = overlay(schema, fresh, change.after).with_inputs(change.after.inputs());
            journal.batch().set_change(record_of(step, number, k, Result::planned));
        }
        work |= !same(schema, change.before, change.after);
    }
    if (!work) journal.batch().set_step(outcome.run, static_cast<std::int64_t>(number), StepRecord::State::skipped);
    return work;
}

void Runner::Parts::verify(std::size_t number) {
    const Step& step = plan[number];
    const View view(*host);
    const States found = look_at_result(step, view);
    for (std::size_t k = 0; k < step.changes.size(); ++k) {
        const Change& change = step.changes[k];
        if (!reaches(step.type->schema(), found[k], change.after))
            throw not_reached(change, step.type->schema(), found[k]);
        now[step.resources[k]] = change.after;
    }
}

void Runner::Parts::record_done(std::size_t number) {
    const Step& step = plan[number];
    journal.batch().set_step(outcome.run, static_cast<std::int64_t>(number), StepRecord::State::done);
    for (std::size_t k = 0; k < step.changes.size(); ++k)
        journal.batch().set_change(record_of(step, number, k, Result::done));
    outcome.changed += step.changes.size();
    if (!step.type->schema().reacts || takes_back()) return;
    const View view(*host);
    for (const std::uint32_t i : step.resources) record_inputs(i, view);
}

/// Of the runs taken back: paths of this step that are still as those runs left them go back to the byte.
void Runner::Parts::put_images_back(const Step& step) {
    for (const auto& [run, number] : steps_taken_back(step)) {
        const auto paths = paths_of.find({run, number});
        if (paths == paths_of.end()) continue;
        for (const std::string& path : paths->second) {
            const auto& [before, after] = images.at(path);
            if (host->image(path).same_as(after)) host->restore(path, before);
        }
    }
}

/// Which steps of the runs taken back made these changes, newest first.
std::vector<std::pair<std::int64_t, std::int64_t>> Runner::Parts::steps_taken_back(const Step& step) const {
    std::vector<std::pair<std::int64_t, std::int64_t>> steps;
    for (const Change& change : step.changes)
        if (const auto made = made_by.find(to_text(change.id)); made != made_by.end())
            steps.insert(steps.end(), made->second.begin(), made->second.end());
    std::sort(steps.rbegin(), steps.rend());
    steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
    return steps;
}

/// Tools take back what tools did; what those did beside it is put back before or after, as the kind says.
void Runner::Parts::take_call_back(Step& step) {
    const Footprint footprint = step.type->footprint();
    std::vector<std::unique_ptr<Effects>> effects;
    for (const auto& [run, number] : steps_taken_back(step)) {
        for (const StepRecord& record : place.store.steps(run)) {
            if (record.number != number || record.scan.empty()) continue;
            std::vector<Operation> found;
            for (const Operation& operation : place.store.operations(run))
                if (operation.effect && operation.step == number) found.push_back(operation);
            effects.push_back(std::make_unique<Effects>(*host, footprint, scan_from_text(record.scan), found, false));
        }
    }
    const auto put_back = [&] {
        for (const auto& each : effects) each->put_back(), host->publish();
    };
    put_images_back(step);
    host->publish();
    if (!footprint.tools_first) put_back();
    std::vector<Change> left;
    const View view(*host);
    const States found = look_again(request.site.catalog, step, view, true);
    for (std::size_t k = 0; k < step.changes.size(); ++k)
        if (!same(step.type->schema(), found[k], step.changes[k].after))
            left.push_back({step.changes[k].id, found[k], step.changes[k].after, step.changes[k].where});
    if (!left.empty()) step.type->undo_all(*host, left);
    host->publish();
    if (footprint.tools_first) put_back();
    for (const auto& each : effects)
        for (const std::string& path : each->left())
            outcome.conflicts.push_back({{step.type->schema().name, path},
                                         "",
                                         "as before the run",
                                         "as the run left it",
                                         "changed by somebody else"});
}

void Runner::Parts::run_files(std::size_t from, std::size_t to) {
    std::vector<std::size_t> working;
    for (std::size_t number = from; number < to; ++number) {
        if (!failed[number] && prepare(number)) working.push_back(number);
    }
    for (const std::size_t number : working) {
        const Step& step = plan[number];
        place.reporter.begins(step, number, plan.size());
        host->step(static_cast<std::int64_t>(number));
        put_images_back(step);
        if (takes_back())
            step.type->undo_all(*host, step.changes);
        else
            step.type->apply_all(*host, step.changes);
        for (const Change& change : step.changes)
            if (const auto command = takes_back() ? std::nullopt : step.type->validation(change))
                host->validate(*command, change.id.key);
    }
    host->publish();
    journal.flush();
    for (const Command& command : host->unvalidated()) {
        const Output output = host->run(command);
        if (output.status != 0) throw chaos::failed(command, output);
    }
    for (const std::size_t number : working) {
        verify(number);
        record_done(number);
        place.reporter.ends(plan[number], true);
    }
}

void Runner::Parts::run_call(std::size_t number) {
    if (!prepare(number)) return;
    Step& step = plan[number];
    const bool opaque = step.type->way() == Way::opaque;
    const auto id = static_cast<std::int64_t>(number);
    const Footprint footprint = step.type->footprint();
    Scan before;
    if (opaque) {
        std::vector<Content> contents;
        before = host->scan(footprint, &contents);
        for (const Content& content : contents)
            if (content.held()) journal.batch().put_blob(content.digest(), content.bytes());
        journal.batch().set_scan(outcome.run, id, to_text(before));
    }
    journal.batch().set_step(outcome.run, id, StepRecord::State::begun);
    journal.flush();
    place.reporter.begins(step, number, plan.size());
    called = true;
    host->step(id);
    if (takes_back())
        take_call_back(step);
    else
        step.type->apply_all(*host, step.changes);
    host->publish();
    verify(number);
    if (opaque) {
        std::vector<Content> contents;
        const Scan after = host->scan(footprint, &contents);
        std::map<Digest, const Content*> held;
        for (const Content& content : contents) held.emplace(content.digest(), &content);
        for (Operation& effect : StagedHost::changed(before, after)) {
            effect.step = id;
            effect.effect = true;
            if (const auto content = held.find(effect.after.content); content != held.end() && content->second->held())
                journal.batch().put_blob(content->first, content->second->bytes());
            journal.add(effect);
        }
    }
    record_done(number);
    journal.flush();
    place.reporter.ends(step, true);
}

/// True where this step must not run: one it waits for failed, or somebody asked to stop.
bool Runner::Parts::ended_early(std::size_t number) {
    const Step& step = plan[number];
    const auto has_failed = [&](std::uint32_t earlier) { return failed[earlier] != 0; };
    const bool waits = step.waits_for_all
                           ? std::any_of(failed.begin(), failed.begin() + static_cast<std::ptrdiff_t>(number),
                                         [](char f) { return f != 0; })
                           : std::any_of(step.waits_for.begin(), step.waits_for.end(), has_failed);
    return waits && (failed[number] = 1);
}

Outcome Runner::Parts::run() {
    if (!has_something_to_record()) return outcome.state = RunState::committed, outcome;
    begin();
    failed.assign(plan.size(), 0);
    for (std::size_t number = 0; number < plan.size();) {
        const std::size_t next = std::max(end_of_files(number), number + 1);
        try {
            if (request.stop && request.stop->load()) {
                outcome.interrupted = true;
                throw Error("the run was asked to stop");
            }
            for (std::size_t n = number; n < next; ++n) (void)ended_early(n);
            if (plan[number].type->way() == Way::files)
                run_files(number, next);
            else if (!failed[number])
                run_call(number);
        } catch (const Error& error) {
            Error shown = error;
            if (!shown.where && next == number + 1) shown.where = plan[number].changes.front().where;
            outcome.errors.push_back(shown);
            host->discard();
            for (std::size_t n = number; n < next; ++n) {
                place.reporter.ends(plan[n], false);
                failed[n] = 1;
            }
            if (outcome.interrupted || request.on_failure == OnFailure::undo)
                return take_it_back(error.what()), outcome;
            if (request.on_failure == OnFailure::stop) return finish(RunState::partial), outcome;
        }
        number = next;
    }
    return finish(outcome.errors.empty() ? RunState::committed : RunState::partial), outcome;
}

void Runner::Parts::take_it_back(const std::string& why) {
    if (!place.store.run(outcome.run)) {  // nothing was recorded, so nothing was touched
        journal.drop();
        outcome.run = 0;
        outcome.state = RunState::undone;
        outcome.changed = 0;
        return;
    }
    journal.flush();
    host.reset();
    Outcome undone = undo(place, outcome.run, why);
    outcome.state = undone.state;
    outcome.changed = undone.changed;
    outcome.conflicts = std::move(undone.conflicts);
    for (Error& error : undone.errors) outcome.errors.push_back(std::move(error));
}

void Runner::Parts::record_ownership() {
    for (std::size_t i = 0; i < request.site.catalog.size(); ++i) {
        const Resource& resource = request.site.catalog[i];
        if (resource.companion) continue;
        if (resource.leaving) {
            journal.batch().release(std::string(resource.id.type), resource.id.key, request.site.name, outcome.run);
            continue;
        }
        const Schema& schema = resource.type->schema();
        OwnedRecord record;
        record.type = resource.id.type;
        record.key = resource.id.key;
        record.site = request.site.name;
        record.attributes = encode(schema, declared(schema, now[i], resource.wanted));
        record.origin = encode(schema, declared(schema, request.observed[i], resource.wanted));
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
    const Noted today = inputs_of(request.site.catalog, i, now);
    const auto runs = watcher.type->runs_as(view, now[i]);
    const std::string current = runs ? runs->id : std::string();
    if (known != today || invocation != current) journal.batch().note(watcher.id, today, current, false);
}

void Runner::Parts::finish(RunState state) {
    host->sync();
    if (takes_back())
        journal.batch().reinstate(taken_back, outcome.run);
    else if (state == RunState::committed)
        record_ownership();
    if (state == RunState::committed && !takes_back()) {
        const View view(*host);
        for (std::uint32_t i = 0; i < request.site.catalog.size(); ++i) record_inputs(i, view);
    }
    const std::string note = outcome.errors.empty() ? std::string() : outcome.errors.front().what();
    journal.batch().set_run(outcome.run, state, note, now_ns(), static_cast<std::int64_t>(outcome.changed));
    journal.flush();
    outcome.state = state;
    if (takes_back())
        for (const std::int64_t run : taken_back) settle(place, *host, run, outcome);
    sweep(place, *host, outcome.run);
}

Runner::Runner(Workplace& place, const Request& request) : parts_(std::make_unique<Parts>(place, request)) {}
Runner::~Runner() = default;

void Runner::takes_back(const std::vector<std::int64_t>& runs) {
    parts_->taken_back = runs;
    std::sort(parts_->taken_back.begin(), parts_->taken_back.end());
    for (const std::int64_t run : parts_->taken_back) {
        for (const ChangeRecord& change : parts_->place.store.changes(run))
            parts_->made_by[change.key.empty() ? change.type : change.type + ":" + change.key].emplace_back(
                run, change.step);
        for (const Operation& operation : parts_->place.store.operations(run)) {
            if (operation.effect) continue;
            parts_->paths_of[{run, operation.step}].push_back(operation.path);
            const auto [held, first] = parts_->images.try_emplace(operation.path, operation.before, operation.after);
            if (!first) held->second.second = operation.after;
        }
    }
}

Outcome Runner::run() {
    return parts_->run();
}

}  // namespace chaos::rollback
