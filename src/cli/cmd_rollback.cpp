// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "interrupts.hpp"
#include "run.hpp"
#include "run_names.hpp"

namespace chaos::cli {

namespace {

using Runs = std::vector<std::int64_t>;

/// What goes back. Of everything that was asked for, the first runs may be recorded no more.
struct Choice {
    Runs runs{};                   ///< Newest first.
    std::int64_t last_let_go = 0;  ///< Of those; 0 where nothing is missing.
};

constexpr std::size_t all_lines = 100'000;

Problems unclear(std::string message, std::string hint) {
    return Problems{{Error(std::move(message)).help(std::move(hint))}, Exit::usage};
}

std::string numbers(const Runs& runs) {
    std::vector<std::string> words;
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) words.push_back(std::to_string(*run));
    return fmt::format("{} {}", runs.size() == 1 ? "run" : "runs", listed(words, 20));
}

bool took(const RunRecord& run, std::int64_t other) {
    return std::find(run.takes_back.begin(), run.takes_back.end(), other) != run.takes_back.end();
}

/// The run that took it back, and was not itself taken back since; 0 where nobody did. `all`: newest first.
std::int64_t taken_back_by(const std::vector<RunRecord>& all, std::int64_t run) {
    Runs gone;
    for (const RunRecord& later : all) {
        if (!stands(later) || std::find(gone.begin(), gone.end(), later.number) != gone.end()) continue;
        if (took(later, run)) return later.number;
        gone.insert(gone.end(), later.takes_back.begin(), later.takes_back.end());
    }
    return 0;
}

/// `chaos rollback` twice shall not bring back what the first one took: nobody who types it again wants that.
Problems refuse_to_go_on(const RunRecord& last, const std::vector<RunRecord>& all) {
    std::string hint = fmt::format("chaos revert {} brings back what it took", last.number);
    for (const RunRecord& run : all)
        if (stands(run) && run.takes_back.empty() && taken_back_by(all, run.number) == 0) {
            hint += fmt::format("; chaos revert {} takes back run {} as well", run.number, run.number);
            break;
        }
    return unclear(fmt::format("the last run, {}, took back {}: which is to go back is for you to say", last.number,
                               numbers(last.takes_back)),
                   hint);
}

Problems no_such_run(std::int64_t number, const History& history) {
    const std::int64_t pruned = history.pruned();
    if (number < 1 || number > pruned) return unclear(fmt::format("there is no run {}", number), "chaos history");
    return unclear(
        fmt::format("run {} was let go of by chaos history prune: nothing of it is recorded any more", number),
        fmt::format("the oldest that can be had is what run {0} left: chaos rollback {0}", pruned));
}

/// Where a decision is said, and `last` was a rollback itself: what it left is decided, together with the runs that it
/// took back. Not where it took back what a rollback had taken: then nobody can know which is meant.
bool is_decided_later(const Options& options, const RunRecord& last, const std::vector<RunRecord>& all) {
    return options.resolution != Resolution::none && !last.takes_back.empty() &&
           std::all_of(all.begin(), all.end(), [&](const RunRecord& run) {
               return !took(last, run.number) || std::all_of(run.takes_back.begin(), run.takes_back.end(),
                                                             [&](const std::int64_t each) { return took(last, each); });
           });
}

/// Whether that run alone was taken back, with what had been done about it before.
bool took_alone(const RunRecord& by, std::int64_t number, const std::vector<RunRecord>& all) {
    return std::all_of(all.begin(), all.end(), [&](const RunRecord& run) {
        return run.number == number || !took(by, run.number) || !run.takes_back.empty();
    });
}

Runs with_what_it_took(const RunRecord& last) {
    Runs runs = last.takes_back;
    runs.push_back(last.number);
    return runs;
}

/// The last run; or all after RUN, which may be the newest of those that were let go of.
Choice chosen(const Options& options, const History& history) {
    Choice choice;
    if (options.arguments.empty()) {
        const std::vector<RunRecord> all = history.runs();
        const auto last = std::find_if(all.begin(), all.end(), stands);
        if (last == all.end()) return choice;
        if (is_decided_later(options, *last, all)) return {with_what_it_took(*last)};
        if (!last->takes_back.empty()) throw refuse_to_go_on(*last, all);
        return {{last->number}};
    }
    const std::int64_t last_to_stay = run_number(options.arguments[0]);
    if (last_to_stay != 0 && last_to_stay != history.pruned() && !history.run(last_to_stay))
        throw no_such_run(last_to_stay, history);
    for (const RunRecord& run : history.runs())
        if (run.number > last_to_stay && stands(run)) choice.runs.push_back(run.number);
    if (last_to_stay == 0) choice.last_let_go = history.pruned();
    return choice;
}

/// One run, where there is something left of it.
Choice chosen_alone(const Options& options, const History& history) {
    const std::int64_t number = run_number(options.arguments[0]);
    const auto run = history.run(number);
    if (!run) throw no_such_run(number, history);
    if (!stands(*run))
        throw unclear(fmt::format("run {} is {}: nothing of it is left to take back", number, to_text(run->state)),
                      "chaos history");
    const std::vector<RunRecord> all = history.runs();
    if (const std::int64_t by = taken_back_by(all, number)) {
        const auto taker = history.run(by);
        if (taker && took_alone(*taker, number, all) && is_decided_later(options, *taker, all))
            return {with_what_it_took(*taker)};
        throw unclear(fmt::format("run {} was taken back by run {} already", number, by),
                      fmt::format("to bring it back: chaos revert {}", by));
    }
    return {{number}};
}

std::string title_of(const Choice& choice) {
    if (choice.runs.empty()) return "no run to take back";
    if (choice.last_let_go == 0) return "taking back " + numbers(choice.runs);
    return fmt::format("taking back {}, to what run {} left: what was before that was let go of", numbers(choice.runs),
                       choice.last_let_go);
}

/// Recovers what was cut, and chooses. Beside a run that waits to be confirmed nothing else goes back, or `chaos
/// rollback` would no longer mean that one.
Choice chosen_after_recovery(Context& context, Transactor& transactor,
                             Choice (*choose)(const Options&, const History&)) {
    recover_cut(context, transactor);
    const auto waits = transactor.history().window();
    Choice choice = choose(context.options, transactor.history());
    if (!waits || context.options.dry_run ||
        std::find(choice.runs.begin(), choice.runs.end(), waits->run) != choice.runs.end())
        return choice;
    recover_first(context, transactor);  // it says what is to be decided first; or its time is over, and it went back
    return choose(context.options, transactor.history());
}

/// Of these conflicts, what stays however it is decided in this way.
std::vector<std::string> left_by(const Transactor& transactor, const Transactor::TakeBack& back, Resolution how) {
    const std::vector<Conflict> open = transactor.plan_take_back(back.runs, how).conflicts;
    std::vector<std::string> left;
    for (const Conflict& conflict : back.conflicts)
        if (std::any_of(open.begin(), open.end(), [&](const Conflict& one) { return one.id == conflict.id; }))
            if (const std::string id = to_text(conflict.id); std::find(left.begin(), left.end(), id) == left.end())
                left.push_back(id);
    return left;
}

/// The decisions that there are, each where it decides something: what is protected, has no place or no content any
/// more stays whoever wants it back.
std::string how_to_decide(const Transactor& transactor, const Transactor::TakeBack& back) {
    constexpr std::size_t named = 5, few = 2000;  // each is planned anew: of more that takes longer than it is worth
    std::set<std::string> all;
    for (const Conflict& conflict : back.conflicts) all.insert(to_text(conflict.id));
    std::string words = "decide what is named above, now or later: --theirs leaves it";
    const auto add = [&](Resolution how, std::string_view what) {
        const auto left = back.site.catalog.size() > few ? std::vector<std::string>() : left_by(transactor, back, how);
        if (left.size() == all.size()) return;
        words += what;
        if (!left.empty()) words += fmt::format(" (but not {})", listed(left, named));
    };
    add(Resolution::ours, ", --ours takes it back");
    add(Resolution::merge, ", --merge joins texts");
    return words;
}

Exit take_back(Context& context, const char* verb, Choice (*choose)(const Options&, const History&)) {
    const World world = wire(context.options);
    if (!has_history(world)) throw Error("nothing was ever applied here").help("chaos apply site.yml");
    Work work(context, world);
    const Choice choice = chosen_after_recovery(context, *work, choose);
    Transactor::TakeBack back = work->plan_take_back(choice.runs, context.options.resolution);
    back.verb = verb;

    RunView shown;
    shown.verb = verb;
    const Detail detail{context.options.dry_run ? all_lines : Detail{}.diff_lines};
    shown.plan = view_of(back.site.catalog, back.plan, context.sources, detail);
    shown.plan->title = title_of(choice);
    shown.plan->conflicts = back.conflicts;
    shown.plan->decided = back.decided;
    shown.plan->superseded = back.superseded;
    shown.plan->stayed = back.stayed;
    for (const ResourceId& id : back.settles) shown.plan->settles.push_back(to_text(id));
    if (!back.conflicts.empty() && context.options.resolution == Resolution::none)
        shown.plan->next = how_to_decide(*work, back);
    if (context.options.dry_run) {
        show(context.console, *shown.plan);
        return shown.plan->changes.empty() ? Exit::well : Exit::pending;
    }
    show_text(context.console, *shown.plan);
    if (!work.agreed(*shown.plan, fmt::format("Take back {}?", count(shown.plan->changes.size(), "change"))))
        return Exit::pending;
    if (!context.console.json()) shown.plan->forget_changes();
    shown.outcome = Outcome{};
    if (!choice.runs.empty()) {
        const Interrupts interrupts(Interrupts::Meaning::takes_back);
        shown.outcome = work->take_back(back, who(), &Interrupts::flag());
        shown.outdated = outdated_after(world, back.plan, *shown.outcome);
    }
    return tell(context, std::move(shown));
}

}  // namespace

Exit rollback(Context& context) {
    return take_back(context, "rollback", chosen);
}

Exit revert(Context& context) {
    return take_back(context, "revert", chosen_alone);
}

}  // namespace chaos::cli
