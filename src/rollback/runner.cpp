// SPDX-License-Identifier: Apache-2.0
#include "runner.hpp"

#include <fmt/format.h>

#include <ctime>

#include "checks.hpp"
#include "expiry.hpp"
#include "runner_parts.hpp"

namespace chaos::rollback {

std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

namespace {

/// Of many changes, the one that an error names; none where that can not be told.
Place blamed(const Step& step, const Error& error) {
    if (step.changes.size() == 1) return step.changes.front().where;
    const std::string_view text = error.what();
    const Change* found = nullptr;
    for (const Change& change : step.changes)
        if (text.find(change.id.key) != std::string_view::npos &&
            (!found || change.id.key.size() > found->id.key.size()))
            found = &change;
    return found ? found->where : Place{};
}

/// What no message may have in it: texts of secrets, and lines of contents that hold some. The longest first.
std::vector<std::string> secrets_of(const Site& site) {
    constexpr std::size_t told_from_words = 6;
    std::vector<std::string> all = site.secrets;
    for (const Resource& resource : site.catalog) {
        const Value said = encode(resource.type->schema(), resource.wanted);
        if (!said.is_map()) continue;
        for (const auto& [name, value] : said.map())
            if (value.secret && value.is_text()) all.push_back(value.text());
    }
    for (std::size_t i = all.size(); i-- > 0;)
        for (std::string_view rest = all[i]; !rest.empty();) {
            const auto line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            if (line.size() >= told_from_words && line.size() < all[i].size()) all.emplace_back(line);
        }
    std::erase_if(all, [](const std::string& text) { return text.size() < 3; });
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    return all;
}

/// What a plan is about: its first resources by name, the others by number.
std::string in_few_words(const Plan& plan) {
    constexpr std::size_t named = 2;
    std::string words;
    std::size_t all = 0;
    for (const Step& step : plan)
        for (const Change& change : step.changes)
            if (all++ < named) words += (words.empty() ? "" : ", ") + to_text(change.id);
    return all > named ? words + " and " + std::to_string(all - named) + " more" : words;
}

/// Where the rest goes back.
std::string stays_because(const Step& step, const std::string& why) {
    return fmt::format("{} can not go back, and stays: {}", in_few_words({step}), why);
}

}  // namespace

std::string Runner::Parts::unsaid(std::string text) {
    if (!secrets) secrets = secrets_of(request.site);
    for (const std::string& secret : *secrets)
        for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
            text.replace(at, secret.size(), "(a secret)");
    return text;
}

void Runner::Parts::begin() {
    RunRecord record;
    record.verb = request.verb;
    record.site = request.site.name;
    record.who = request.who;
    record.manifest = request.manifest;
    record.started = now_ns();
    record.boot = boot_id();
    record.revision = request.revision, record.author = request.author, record.message = request.message;
    record.about = in_few_words(plan);
    record.takes_back = taken_back;
    auto& batch = journal.batch();
    if (!takes_back() && request.site.owns) batch.set_site(request.site.name, request.site.origin);
    outcome.run = batch.add_run(record);
    journal.of(outcome.run);
    if (request.window_s != 0) open_window();
    host.emplace(place.looking, place.root, place.state_directory, outcome.run, journal);
    journal.later([this] { record_plan(); });
    adopt_inputs();
    record.number = outcome.run;
    place.reporter.starts(record);
}

Outcome Runner::Parts::run() {
    if (!has_something_to_record()) return outcome.state = RunState::committed, outcome;
    begin();
    failed.assign(plan.size(), 0);
    for (std::size_t from = 0, to = 0; from < plan.size(); from = to) {
        to = end_of_phase(from);
        Failures failures;
        if (request.stop && request.stop->load()) {
            outcome.interrupted = true;
            failures.push_back({from, Error("the run was asked to stop")});
        } else {
            failures = attempt(from, to);
        }
        if (failures.empty()) continue;
        host->discard();
        tell(failures);
        if (outcome.interrupted || request.on_failure == OnFailure::undo)
            return take_it_back(outcome.errors.front().what()), outcome;
        if (request.on_failure == OnFailure::stop) return finish(RunState::partial), outcome;
    }
    if (!outcome.errors.empty()) return finish(RunState::partial), outcome;
    if (checks_answer()) return finish(RunState::committed), outcome;
    if (!outcome.interrupted && request.on_failure != OnFailure::undo) return finish(RunState::partial), outcome;
    return take_it_back(outcome.errors.front().what()), outcome;
}

bool Runner::Parts::checks_answer() {
    if (takes_back() || plan.empty() || request.site.checks.empty()) return true;
    journal.flush();
    try {
        for (const Check& check : request.site.checks) ask(check, *host, place.reporter, request.stop);
        return true;
    } catch (const Error& error) {
        outcome.interrupted = request.stop && request.stop->load();
        Error safe(error.where, unsaid(error.what()));
        safe.hint = error.hint;
        outcome.errors.push_back(outcome.interrupted ? Error("the run was asked to stop") : std::move(safe));
        return false;
    }
}

/// From now on, or from the end of the run on, once there is one.
void Runner::Parts::open_window() {
    Window window;
    window.run = outcome.run;
    window.seconds = request.window_s;
    window.connection = request.connection;
    window = window_from_now(std::move(window), request.window_s * 1'000'000'000);
    journal.batch().set_window(window);
    outcome.window = std::move(window);
}

/// One error may be that of many steps: it is told once, and at a place where it belongs to one.
void Runner::Parts::tell(const Failures& failures) {
    for (const auto& [number, error] : failures) {
        failed[number] = 1;
        place.reporter.ends(plan[number], false);
        const bool by_name = takes_back() && request.on_failure == OnFailure::go_on;
        Error safe(error.where, by_name ? stays_because(plan[number], unsaid(error.what())) : unsaid(error.what()));
        const bool told = !outcome.errors.empty() && std::string_view(outcome.errors.back().what()) == safe.what();
        if (told) continue;
        safe.hint = unsaid(error.hint), safe.notes = error.notes;
        outcome.errors.push_back(std::move(safe));
        const bool alone = failures.size() == 1 || plan[number].type->way() != Way::files;
        Error& shown = outcome.errors.back();
        if (!shown.where && alone && !outcome.interrupted) shown.where = blamed(plan[number], shown);
    }
}

void Runner::Parts::take_it_back(const std::string& why) {
    outcome.window.reset();
    if (!place.store.run(outcome.run)) {  // nothing was recorded, so nothing was touched
        journal.drop();
        outcome.run = 0;
        outcome.state = RunState::undone;
        outcome.changed = 0;
        return;
    }
    if (foretold) {  // dropped with what else is in the batch: what became of the steps is written again
        journal.drop();
        for (const std::size_t number : done_steps) mark_done(number);
    }
    journal.flush();
    synced.reset();
    host.reset();
    Outcome undone = undo(place, outcome.run, why);
    outcome.state = undone.state;
    outcome.changed = undone.changed;
    outcome.conflicts = std::move(undone.conflicts);
    outcome.stayed = std::move(undone.stayed);
    outcome.unsettled = undone.unsettled;
    for (Error& error : undone.errors) {
        Error safe(error.where, unsaid(error.what()));
        safe.hint = unsaid(error.hint), safe.notes = std::move(error.notes);
        outcome.errors.push_back(std::move(safe));
    }
}

void Runner::Parts::finish(RunState state) {
    // The disk takes its time, and what is to be written down meanwhile is durable only after it: with the flush.
    if (!synced) synced.emplace([this] { host->sync(); });
    if (takes_back() || state == RunState::committed) record_ownership(now, foretold ? &*foretold : nullptr);
    if (state == RunState::committed && !takes_back()) {
        const View view(*host);
        for (std::uint32_t i = 0; i < request.site.catalog.size(); ++i) record_inputs(i, view);
    }
    const std::string note = outcome.errors.empty() ? std::string() : outcome.errors.front().what();
    journal.batch().set_run(outcome.run, state, note, now_ns(), static_cast<std::int64_t>(outcome.changed));
    journal.batch().close_windows(taken_back, false);
    if (request.window_s != 0 && outcome.changed != 0)
        open_window();
    else
        journal.batch().close_windows({outcome.run}, false), outcome.window.reset();
    synced->join();
    journal.flush();
    outcome.state = state;
    if (takes_back())
        for (const std::int64_t run : taken_back) settle(place, *host, run, outcome);
    const Meanwhile tidied([this] { place.store.tidy(); });  // done by then, and not when the program ends
    sweep(place, *host, outcome.run, Published::by_this_host);
}

Runner::Runner(Workplace& place, const Request& request) : parts_(std::make_unique<Parts>(place, request)) {}
Runner::~Runner() = default;

Outcome Runner::run() {
    return parts_->run();
}

}  // namespace chaos::rollback
