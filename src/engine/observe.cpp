// SPDX-License-Identifier: Apache-2.0
// From what is wished and what is there to what shall be.
#include <fmt/format.h>
#include <algorithm>
#include <chaos/plan.hpp>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include "ordering.hpp"

namespace chaos {

namespace {

/// Numbers of resources by kind, in the order of the catalog: each kind is asked in bulk.
std::map<const ResourceType*, std::vector<std::uint32_t>> by_kind(const Catalog& catalog) {
    std::map<const ResourceType*, std::vector<std::uint32_t>> kinds;
    for (std::uint32_t i = 0; i < catalog.size(); ++i) kinds[catalog[i].type].push_back(i);
    return kinds;
}

/// A part of one kind: what one thread looks at by one call.
struct Job {
    const ResourceType* type;
    std::span<const std::uint32_t> numbers;
};

Error at_resource(Error error, const Resource& resource) {
    if (!error.where) error.where = resource.where;
    return error;
}

/// A leaving resource is looked at by what was recorded of it: that is what may go back.
Wish wish_for(const Resource& resource, bool whole) {
    const bool goes = resource.absent || resource.leaving;
    return {resource.leaving && resource.recorded ? resource.recorded : resource.wanted, whole || goes};
}

void look(const Catalog& catalog, const View& view, const Job& job, bool whole, States& found, Diagnostics& problems,
          std::mutex& hold) {
    std::vector<Wish> wishes;
    wishes.reserve(job.numbers.size());
    for (const std::uint32_t i : job.numbers) wishes.push_back(wish_for(catalog[i], whole));
    States answers(wishes.size());
    try {
        job.type->observe_all(view, wishes, answers);
    } catch (const Error&) {
        for (std::size_t k = 0; k < wishes.size(); ++k) {
            answers[k] = State();
            try {
                job.type->observe_all(view, std::span(&wishes[k], 1), std::span(&answers[k], 1));
            } catch (const Error& error) {
                const Resource& resource = catalog[job.numbers[k]];
                if (resource.companion && resource.leaving) continue;  // something else by now: nothing of ours to take
                std::lock_guard guard(hold);
                problems.add(at_resource(error, catalog[job.numbers[k]]));
            }
        }
    }
    for (std::size_t k = 0; k < answers.size(); ++k)
        found[job.numbers[k]] = answers[k].hiding(wishes[k].wanted.hidden());
}

}  // namespace

State standing(const Resource& resource) {
    if (resource.once.empty()) return resource.wanted;
    const auto spec = resource.type->schema().clone(resource.wanted.spec());
    for (const Field* field : resource.once) {
        field->clear(spec.get());
        if (field->given(spec.get())) field->copy(spec.get(), resource.wanted.spec());  // one that can not be left out
    }
    return State(spec, resource.wanted.inputs());
}

States observe(const Catalog& catalog, const View& view, Diagnostics& problems, unsigned jobs, bool whole,
               bool (*fence)()) {
    States found(catalog.size());
    const auto kinds = by_kind(catalog);
    std::vector<Job> work;
    constexpr std::size_t worth_a_thread = 512;
    for (const auto& [type, numbers] : kinds) {
        const std::size_t parts = jobs > 1 && numbers.size() >= worth_a_thread ? jobs : 1;
        const std::size_t each = (numbers.size() + parts - 1) / parts;
        for (std::size_t at = 0; at < numbers.size(); at += each)
            work.push_back({type, std::span(numbers).subspan(at, std::min(each, numbers.size() - at))});
    }
    std::mutex hold;
    std::size_t next = 0;
    const auto labour = [&] {
        if (fence) fence();
        while (true) {
            std::size_t mine;
            {
                std::lock_guard guard(hold);
                if ((mine = next++) >= work.size()) return;
            }
            look(catalog, view, work[mine], whole, found, problems, hold);
        }
    };
    if (work.empty()) return found;
    if (jobs <= 1 && !fence) return labour(), found;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::min<std::size_t>(std::max(jobs, 1U), work.size()); ++i) threads.emplace_back(labour);
    threads.clear();  // joins
    return found;
}

/// What stands where a secret is to stand is one, too.
static States looked(const ResourceType& type, const View& view, const std::vector<Wish>& wishes) {
    States found(wishes.size());
    type.observe_all(view, wishes, found);
    for (std::size_t k = 0; k < wishes.size(); ++k) found[k] = found[k].hiding(wishes[k].wanted.hidden());
    return found;
}

States look_again(const Catalog& catalog, const Step& step, const View& view, bool whole) {
    std::vector<Wish> wishes;
    for (const std::uint32_t i : step.resources) wishes.push_back(wish_for(catalog[i], whole));
    return looked(*step.type, view, wishes);
}

States look_at_result(const Step& step, const View& view) {
    std::vector<Wish> wishes;
    for (const Change& change : step.changes)
        wishes.push_back({change.after ? change.after : change.before, !change.after});
    return looked(*step.type, view, wishes);
}

State only_named(const Schema& schema, const std::string& key) {
    auto spec = schema.make();
    if (const Field* field = schema.key()) field->set(spec.get(), key);
    return State(std::move(spec));
}

bool reaches(const Schema& schema, const State& found, const State& after) {
    if (!found || !after) return !found == !after;
    return std::all_of(schema.fields.begin(), schema.fields.end(), [&](const Field& field) {
        if (field.role != Field::Role::property || !field.given(after.spec())) return true;
        return field.given(found.spec()) && field.same(found.spec(), after.spec());
    });
}

namespace {

/// Members that nobody listed go, where the list is all there shall be.
State exactly(const Resource& resource, const State& goal) {
    const Schema& schema = resource.type->schema();
    std::shared_ptr<void> laid;
    for (const Field* field : resource.exact) {
        if (!field->given(resource.wanted.spec()) || field->same(goal.spec(), resource.wanted.spec())) continue;
        if (!laid) laid = schema.clone(goal.spec()), take_options(schema, laid.get(), resource.wanted.spec());
        field->copy(laid.get(), resource.wanted.spec());
    }
    return laid ? State(laid, goal.inputs()).hiding(goal.hidden()) : goal;
}

/// What is only audited stays as it is; how it differs is told, but for what may be secret.
void tell_audited(const Resource& resource, const State& observed, State& goal, Diagnostics& problems) {
    const Schema& schema = resource.type->schema();
    if (same(schema, observed, goal)) return;
    std::string how;
    if (!goal || !observed) how = goal ? "is not there" : "is there, and should not be";
    for (const Field* field : differences(schema, observed, goal))
        how += fmt::format("{}'{}'", how.empty() ? "differs in " : ", ", field->name);
    if (how.empty()) how = "differs";
    problems.note(Error(resource.where, fmt::format("{} {}: it is only audited", to_text(resource.id), how))
                      .help("take audit: true away to have it mended"));
    goal = observed;
}

/// What is wished, laid over what is there; what is given only once stays as it is where something is there.
State laid_over(const Resource& resource, const State& observed) {
    const Schema& schema = resource.type->schema();
    State goal = overlay(schema, observed, resource.wanted);
    if (!observed || resource.once.empty()) return goal;
    std::shared_ptr<void> laid;
    for (const Field* field : resource.once) {
        if (field->same(goal.spec(), observed.spec())) continue;
        if (!laid) laid = schema.clone(goal.spec());
        field->copy(laid.get(), observed.spec());
    }
    return laid ? State(laid, goal.inputs()).hiding(goal.hidden()) : goal;
}

State goal_of(const Resource& resource, const State& observed, Diagnostics& problems) {
    const Schema& schema = resource.type->schema();
    if (!resource.leaving) return resource.absent ? State() : exactly(resource, laid_over(resource, observed));
    std::vector<const Field*> conflicts;
    const State target = resource.absent ? State() : resource.wanted;
    State goal = three_way(schema, observed, resource.recorded, target, conflicts);
    if (!target && goal && resource.type->is_as_absent(observed)) return target;
    const Field* pin = conflicts.empty() ? nullptr : pinned_since(schema, observed, resource.recorded);
    if (pin) conflicts = {pin};
    for (const Field* field : conflicts)
        problems.note(Error(resource.where,
                            fmt::format("{} left the manifest, but {} was changed since by somebody else: it stays",
                                        to_text(resource.id), field ? fmt::format("'{}'", field->name) : "it")));
    return goal;
}

}  // namespace

namespace {

/// What leaves and would take somebody's things along stays; what is declared absent is its kind's to refuse.
void keep_what_is_in_use(const Catalog& catalog, const View& view, const States& observed, States& goal,
                         Diagnostics& problems) {
    if (std::none_of(catalog.begin(), catalog.end(), [](const Resource& resource) { return resource.leaving; })) return;
    States decided = goal;
    for (const std::uint32_t i : keep_occupied(catalog, view, observed, decided)) {
        if (!catalog[i].leaving) continue;
        goal[i] = observed[i];
        if (catalog[i].companion) continue;  // it only came along, and others use it by now
        problems.note(Error(catalog[i].where,
                            fmt::format("{} left the manifest, but there is something in it, or needs it: it stays",
                                        to_text(catalog[i].id))));
    }
}

}  // namespace

namespace {

/// Paths that somebody else makes in the place of a directory: a link, a home together with its user, what a command
/// creates.
std::unordered_set<std::string> paths_to_come(const Catalog& catalog, const States& observed, const States& goal) {
    std::unordered_set<std::string> paths;
    std::vector<Claim> claims;
    for (std::size_t i = 0; i < catalog.size(); ++i) {
        if (observed[i] || !goal[i]) continue;
        claims.clear();
        catalog[i].type->claims(goal[i], claims);
        for (const Claim& claim : claims)
            if ((claim.role == Claim::Role::brings && (claim.name.starts_with("home:") || creates_once(catalog[i]))) ||
                (claim.role == Claim::Role::provides && claim.name.starts_with("path:")))
                paths.insert(claim.name.substr(5));
    }
    return paths;
}

/// What is declared, is as it was wished, and would change or go for the sake of another: that is for the manifest to
/// say, which is about both.
void refuse_against_declared(const Resource& cause, const Resource& declared, const Change& change,
                             Diagnostics& problems) {
    if (!change.after)
        return problems.add(Error(cause.where, fmt::format("{} would remove {}, which is declared as well",
                                                           to_text(cause.id), to_text(declared.id)))
                                .help("leave one of the two out"));
    std::string otherwise;
    for (const Field* field : differences(declared.type->schema(), change.before, change.after))
        if (field->role == Field::Role::property)
            if (const Value value = field->get(change.after.spec()); value.is_text())
                otherwise += fmt::format("{}{}: \"{}\"", otherwise.empty() ? "" : ", ", field->name, value.text());
    problems.add(Error(cause.where, fmt::format("{} needs another {} than is there, and that is declared as well",
                                                to_text(cause.id), to_text(declared.id)))
                     .help(fmt::format("say so of {}: {}", to_text(declared.id), otherwise)));
}

/// What comes along joins the catalog, unless it is declared, came along with another one, or comes as a home.
void adopt(Catalog& catalog, States& observed, States& goal, std::vector<Companion> companions, Diagnostics& problems) {
    if (companions.empty()) return;
    const auto paths = paths_to_come(catalog, observed, goal);
    std::unordered_map<std::string, std::size_t> known;
    const std::size_t declared = catalog.size();
    for (std::size_t i = 0; i < declared; ++i) known.emplace(to_text(catalog[i].id), i);
    for (auto& [change, because, type] : companions) {
        if (change.id.type == "directory" && paths.contains(change.id.key)) continue;
        if (const auto [found, fresh] = known.emplace(to_text(change.id), catalog.size()); !fresh) {
            const std::size_t i = found->second;
            if (i < declared && catalog[i].leaving && change.before &&
                same(catalog[i].type->schema(), observed[i], goal[i])) {  // it stays, since others need it: as they do
                observed[i] = change.before, goal[i] = change.after;
                continue;
            }
            if (i < declared && !catalog[i].leaving && !catalog[i].absent && change.before &&
                same(catalog[i].type->schema(), observed[i], goal[i]))
                refuse_against_declared(catalog[because], catalog[i], change, problems);
            continue;
        }
        Resource resource;
        resource.id = change.id;
        resource.type = type;
        resource.wanted = change.after ? change.after : change.before;
        resource.absent = !change.after;
        resource.companion = true;
        resource.because = static_cast<std::uint32_t>(because);
        resource.where = catalog[because].where;
        catalog.push_back(std::move(resource));
        observed.push_back(change.before);
        goal.push_back(change.after);
    }
}

}  // namespace

States resolve(Catalog& catalog, const View& view, States& observed, Diagnostics& problems) {
    States goal(catalog.size());
    for (std::size_t i = 0; i < catalog.size(); ++i) {
        goal[i] = goal_of(catalog[i], observed[i], problems);
        if (catalog[i].audit) tell_audited(catalog[i], observed[i], goal[i], problems);
    }
    keep_what_is_in_use(catalog, view, observed, goal, problems);
    for (std::size_t i = 0; i < catalog.size(); ++i)
        if (goal[i] && catalog[i].type->order(goal[i]) == Order::repository &&
            !same(catalog[i].type->schema(), observed[i], goal[i]))
            view.expect_more();
    std::vector<Companion> come;  // `because` by number in the catalog
    for (const auto& [type, numbers] : by_kind(catalog)) {
        std::vector<Change> changes;
        std::vector<std::uint32_t> changing;
        for (const std::uint32_t i : numbers)
            if (!same(type->schema(), observed[i], goal[i]))
                changes.push_back({catalog[i].id, observed[i], goal[i], catalog[i].where}), changing.push_back(i);
        if (changes.empty()) continue;
        std::vector<Companion> companions;
        try {
            companions = type->resolve(view, changes, problems);
        } catch (const Error& error) {
            problems.add(at_resource(error, catalog[changing.front()]));
        }
        for (std::size_t k = 0; k < changing.size(); ++k)
            goal[changing[k]] = changes[k].after.hiding(goal[changing[k]].hidden());
        for (Companion& one : companions)
            come.push_back({std::move(one.change), changing[one.because], one.type ? one.type : type});
    }
    adopt(catalog, observed, goal, std::move(come), problems);
    return goal;
}

}  // namespace chaos
