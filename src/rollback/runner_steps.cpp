// SPDX-License-Identifier: Apache-2.0
// The steps of a run: files in phases that are published together, calls by themselves.
#include <fmt/format.h>

#include <algorithm>
#include <chaos/goes_along.hpp>
#include <unordered_map>

#include "runner_parts.hpp"

namespace chaos::rollback {

using Result = ChangeRecord::Result;

constexpr std::int64_t coarseness_ns = 50'000'000;  ///< How far the clock of file times may be behind.

namespace {

std::string in_words(const Field& field, const State& state, bool hidden) {
    return field.secret || hidden ? "a secret" : rollback::in_words(field.get(state.spec()));
}

Error not_reached(const Change& change, const Schema& schema, const State& found) {
    const auto hidden = change.after.hidden() | found.hidden();
    if (!found != !change.after)
        return Error(change.where,
                     fmt::format("{} {} after it was {}", to_text(change.id), found ? "is still there" : "is not there",
                                 change.after ? "made" : "taken away"));
    for (const Field* field : differences(schema, found, change.after))
        return Error(change.where,
                     fmt::format("{} did not become as wished: its {} is {}, and should be {}", to_text(change.id),
                                 field->name, in_words(*field, found, hidden & hiding_bit(schema, *field)),
                                 in_words(*field, change.after, hidden & hiding_bit(schema, *field))));
    return Error(change.where, to_text(change.id) + " did not become as wished");
}

/// Of that only a look afterwards tells; also whether it was pinned already, where nobody wished for either.
void take_what_came_along(const Schema& schema, Change& change, const State& found) {
    if (!found || !change.after) return;
    for (const Field& field : schema.fields) {
        if (!goes_along(field) && (!field.pins || field.given(change.after.spec()))) continue;
        if (!field.given(found.spec())) continue;
        const auto spec = schema.clone(change.after.spec());
        field.copy(spec.get(), found.spec());
        change.after = State(spec, change.after.inputs()).hiding(change.after.hidden());
    }
}

/// Names of what goes in a phase, and whose kind's they were. What comes back to where another kind's goes (a file, to
/// where a directory is) waits for the next one: once that is gone it is looked at.
class Vacated {
public:
    void add(const Step& step) {
        for (const Change& change : step.changes)
            if (!change.after)
                for (std::string& name : claimed(*step.type, change.before, {Claim::Role::provides}))
                    kinds_[std::move(name)].insert(step.type);
    }
    bool is_awaited_by(const Step& step) const {
        return !kinds_.empty() && std::any_of(step.changes.begin(), step.changes.end(), [&](const Change& change) {
            if (change.before || !change.after) return false;
            const auto names = claimed(*step.type, change.after, {Claim::Role::provides});
            return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
                const auto its = kinds_.find(name);
                return its != kinds_.end() && (its->second.size() > 1 || !its->second.contains(step.type));
            });
        });
    }

private:
    std::unordered_map<std::string, std::set<const ResourceType*>> kinds_{};
};

}  // namespace

bool is_given_a_secret(std::span<const Change> changes) {
    return std::any_of(changes.begin(), changes.end(),
                       [](const Change& c) { return c.before.hidden() | c.after.hidden(); });
}

Error without_output(const Error& error) {
    const std::string text = error.what();
    constexpr std::string_view mark = " ended with status ";
    const auto at = text.find(mark);
    const auto colon = at == std::string::npos ? at : text.find(':', at);
    if (colon == std::string::npos) return error;
    return Error(error.where, text.substr(0, colon) + "; what it printed is not shown: it was given a secret")
        .help(error.hint);
}

bool Runner::Parts::judges_a_secret(const std::vector<std::size_t>& steps) const {
    const auto secret = [](const Step& step, const Change& change) {
        const Schema& schema = step.type->schema();
        return step.type->validation(change) &&
               (change.after.hidden() ||
                std::any_of(schema.fields.begin(), schema.fields.end(), [&](const Field& field) {
                    if (field.compiled_away()) return false;
                    const Value value = field.given(change.after.spec()) ? field.get(change.after.spec()) : Value();
                    return value.secret || (field.name == "secret" && value.is_text() && value.text() == "true");
                }));
    };
    return std::any_of(steps.begin(), steps.end(), [&](std::size_t number) {
        const Step& step = plan[number];
        return std::any_of(step.changes.begin(), step.changes.end(),
                           [&](const Change& change) { return change.after && secret(step, change); });
    });
}

/// Files up to the next call are shown together; calls that may overlap and do not wait for one another run together.
/// Where as much goes back as can, each step is by itself: what can not takes along only what waits for it.
std::size_t Runner::Parts::end_of_phase(std::size_t from) const {
    if (takes_back() && request.on_failure == OnFailure::go_on) return from + 1;
    std::size_t end = from;
    if (plan[from].type->way() == Way::files) {
        Vacated left;
        while (end < plan.size() && plan[end].type->way() == Way::files && !left.is_awaited_by(plan[end])) {
            if (takes_back()) left.add(plan[end]);
            ++end;
        }
        return end;
    }
    const auto joins = [&](std::size_t number) {
        const Step& step = plan[number];
        return step.type->overlaps(step.changes) && !step.waits_for_all &&
               std::none_of(step.waits_for.begin(), step.waits_for.end(), [&](std::uint32_t n) { return n >= from; });
    };
    if (takes_back() || request.jobs <= 1) return from + 1;
    while (end < plan.size() && joins(end)) ++end;
    return std::max(end, from + 1);
}

/// It was said since the plan was made that nothing of it shall change: that goes before the plan.
void refuse_where_pinned(const Schema& schema, const Change& change, const State& fresh) {
    const Field* pin = pinned_since(schema, fresh, change.before);
    if (!pin || (change.after && reaches(schema, fresh, change.after))) return;
    throw Error(change.where, fmt::format("{} is not changed: its '{}' was set since the plan was made",
                                          to_text(change.id), pin->name))
        .help(
            "run it again: the plan is made anew, and says what becomes of that; where an earlier step of the same run "
            "set it, that one has to come after (needs:)");
}

/// Looks again, in a new View: what was planned for holds still, or an earlier step of this run changed it, or the run
/// ends. False where nothing is left to do.
bool Runner::Parts::prepare(std::size_t number) {
    Step& step = plan[number];
    const Schema& schema = step.type->schema();
    const View view(*host);
    const States found = seen_again(step, view);
    bool work = false;
    for (std::size_t k = 0; k < step.changes.size(); ++k) {
        Change& change = step.changes[k];
        work |= takes_back() && same(schema, change.before, change.after);  // to the byte, where no attribute differs
        const State fresh = found[k] ? found[k].with_inputs(change.before.inputs()) : found[k];
        if (!same(schema, fresh, change.before)) {
            refuse_where_pinned(schema, change, fresh);
            // What waits for an earlier step may have become another by it: a service, when its unit came.
            if (!called && step.waits_for.empty() && !step.waits_for_all)
                throw Error(change.where, fmt::format("{} changed since the plan was made", to_text(change.id)))
                    .help("run it again: the plan is made anew");
            // What only came along is content with what made it meanwhile: a home, a directory of a package.
            const bool is_there = !change.before && fresh && resource(step, k).companion;
            change.before = fresh;
            if (is_there)
                change.after = fresh;
            else if (change.after && fresh)
                change.after = overlay(schema, fresh, change.after).with_inputs(change.after.inputs());
            journal.batch().set_change(record_of(step, number, k, Result::planned));
        }
        work |= !same(schema, change.before, change.after);
    }
    leave_out_what_vanished(number);
    if (!work) journal.batch().set_step(outcome.run, static_cast<std::int64_t>(number), StepRecord::State::skipped);
    return work;
}

/// What was to go and went by itself, as what stood on it did: no kind is asked to take away nothing.
void Runner::Parts::leave_out_what_vanished(std::size_t number) {
    Step& step = plan[number];
    for (std::size_t k = step.changes.size(); k-- > 0;) {
        if (!step.changes[k].before && !step.changes[k].after) leave_out(number, k);
    }
}

/// Of a step: what is not there, and stays so.
void Runner::Parts::leave_out(std::size_t number, std::size_t k) {
    Step& step = plan[number];
    journal.batch().set_change(record_of(step, number, k, Result::skipped));
    now[step.resources[k]] = State();
    step.changes.erase(step.changes.begin() + static_cast<std::ptrdiff_t>(k));
    step.resources.erase(step.resources.begin() + static_cast<std::ptrdiff_t>(k));
}

void Runner::Parts::verify(std::size_t number) {
    Step& step = plan[number];
    const View view(*host);
    const States found = look_at_result(step, view);
    for (std::size_t k = 0; k < step.changes.size(); ++k) {
        Change& change = step.changes[k];
        const bool told = takes_back() && runs_commands(*step.type) &&
                          (!outcome.conflicts.empty() || is_recorded(*step.type, change.after));
        if (!told && !reaches(step.type->schema(), found[k], change.after))
            throw not_reached(change, step.type->schema(), found[k]);
        take_what_came_along(step.type->schema(), change, found[k]);
        now[step.resources[k]] = change.after;
    }
}

/// What was kept of a target must be what the plan says that was there: else it would go back to neither.
void Runner::Parts::fail_if_it_changed(const std::vector<std::size_t>& steps) const {
    const View view(place.looking);
    for (const std::size_t number : steps) {
        const Step& step = plan[number];
        const States found = look_again(request.site.catalog, step, view, takes_back());
        for (std::size_t k = 0; k < step.changes.size(); ++k) {
            const Change& change = step.changes[k];
            const State fresh = found[k] ? found[k].with_inputs(change.before.inputs()) : found[k];
            if (!same(step.type->schema(), fresh, change.before))
                throw Error(change.where, fmt::format("{} changed since the plan was made", to_text(change.id)))
                    .help("run it again: the plan is made anew");
        }
    }
}

/// What the step does, to be shown with the others of its phase. False where nothing is left of it.
bool Runner::Parts::queue(std::size_t number) {
    const Step& step = plan[number];
    if (takes_back() && !leave_what_lies_nowhere(number)) return false;
    place.reporter.begins(step, number, plan.size());
    host->step(static_cast<std::int64_t>(number));
    put_images_back(step);
    if (takes_back())
        undo_what_is_left(step);
    else
        step.type->apply_all(*host, step.changes);
    for (const Change& change : step.changes)
        if (const auto command = takes_back() ? std::nullopt : step.type->validation(change))
            host->validate(*command, change.id.key);
    return true;
}

void Runner::Parts::run_files(std::size_t from, std::size_t to) {
    std::vector<std::size_t> working;
    const std::int64_t began = now_ns() - coarseness_ns;
    for (std::size_t number = from; number < to; ++number) {
        if (!failed[number] && prepare(number)) working.push_back(number);
    }
    std::erase_if(working, [this](std::size_t number) { return !queue(number); });
    try {
        const auto foretell = [&] {
            if (may_foretell(to)) foretell_ownership(working);
        };
        host->publish({[&] { fail_if_it_changed(working); }, began, foretell});
        if (!foretold) journal.flush();
        for (const Command& command : host->unvalidated()) {
            const Output output = host->run(command);
            if (output.status != 0) throw chaos::failed(command, output);
        }
    } catch (const Error& error) {
        if (!judges_a_secret(working)) throw;
        throw without_output(error);
    }
    if (to == plan.size()) synced.emplace([this] { host->sync(); });  // on its way while all of it is looked at
    for (const std::size_t number : working) {
        verify(number);
        record_done(number);
        place.reporter.ends(plan[number], true);
    }
}

/// Runs a phase, and answers which of its steps failed, and why.
Runner::Parts::Failures Runner::Parts::attempt(std::size_t from, std::size_t to) {
    for (std::size_t number = from; number < to; ++number) fail_if_it_waited_for_one(number);
    try {
        if (plan[from].type->way() != Way::files && to > from + 1) return run_calls_together(from, to);
        if (plan[from].type->way() == Way::files)
            run_files(from, to);
        else if (!failed[from])
            run_call(from);
        return {};
    } catch (const Error& error) {
        Failures failures;  // files that are shown together stay away together
        for (std::size_t number = from; number < to; ++number)
            if (!failed[number]) failures.push_back({number, error});
        return failures;
    }
}

void Runner::Parts::fail_if_it_waited_for_one(std::size_t number) {
    const Step& step = plan[number];
    const auto has_failed = [&](std::uint32_t earlier) { return failed[earlier] != 0; };
    const auto here = failed.begin() + static_cast<std::ptrdiff_t>(number);
    if (step.waits_for_all ? std::any_of(failed.begin(), here, [](char f) { return f != 0; })
                           : std::any_of(step.waits_for.begin(), step.waits_for.end(), has_failed))
        failed[number] = 1;
}

}  // namespace chaos::rollback
