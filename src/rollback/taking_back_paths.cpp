// SPDX-License-Identifier: Apache-2.0
// What the runs made of paths: whether what was there is still to be had, and what no attribute tells.
#include <fmt/format.h>

#include <unordered_map>

#include "state_directory.hpp"
#include "taking_back.hpp"

namespace chaos::rollback {
namespace {

/// In what no attribute says: a capability, a label, the time of a content.
bool differs_unseen(const Image& before, const Image& after) {
    if (!before || before.kind != after.kind) return false;
    return before.extended != after.extended || before.mode != after.mode || before.uid != after.uid ||
           before.gid != after.gid || (before.kind != Entry::Kind::directory && before.modified != after.modified);
}

/// A file that is there, and has another content than its name says.
bool is_damaged(const std::string& path, const Digest& wanted) try {
    const auto found = digest_of_file(path);
    return found && *found != wanted;
} catch (const Error&) {
    return true;
}

}  // namespace

/// What these runs made of each path, and which resource it is of. Where one kind's was taken away and another kind's
/// made, those are two.
void TakingBack::gather_paths() {
    std::map<std::string, std::size_t> newest;
    std::map<const std::vector<Part>*, std::unordered_map<std::string_view, std::uint32_t>> called;
    const auto owner_of = [&](const std::vector<Part>& parts, const std::string& path) -> std::optional<std::uint32_t> {
        if (parts.size() == 1) return parts.front().number;
        auto& numbers = called[&parts];
        if (numbers.empty())
            for (const Part& part : parts) numbers.emplace(back_.site.catalog[part.number].id.key, part.number);
        const auto found = numbers.find(path);
        return found == numbers.end() ? std::nullopt : std::optional(found->second);
    };
    for (const std::int64_t run : back_.runs)
        for (const Operation& operation : place_.store.operations(run)) {
            const auto parts = in_step_.find({run, operation.step});
            if (operation.effect || parts == in_step_.end()) continue;
            const auto owner = owner_of(parts->second, operation.path);
            const auto [held, first] = newest.try_emplace(operation.path, paths_.size());
            OfPath* so_far = first ? nullptr : &paths_[held->second];
            if (!so_far ||
                (owner && so_far->owner && *owner != *so_far->owner && is_another(so_far->made, operation))) {
                held->second = paths_.size();
                paths_.push_back({operation.path, Succession(operation), owner});
                continue;
            }
            so_far->made.add(operation);
            if (owner) so_far->owner = owner;
        }
}

/// What belongs to the number that the runs gave it is as they left it, also where nobody is called as it was then.
void TakingBack::know_owners(const View& view) {
    for (const OfPath& of : paths_) {
        if (!of.owner || !of.made.after || !back_.observed[*of.owner] || !bases_[*of.owner]) continue;
        const Schema& schema = back_.site.catalog[*of.owner].type->schema();
        const State& now = back_.observed[*of.owner];
        State &base = bases_[*of.owner], &target = targets_[*of.owner];
        const Entry entry = view->look(of.path);
        for (const Field& field : schema.fields) {
            const bool user = field.person == Field::Person::user, group = field.person == Field::Person::group;
            const bool by_number =
                (user && entry.uid == of.made.after.uid) || (group && entry.gid == of.made.after.gid);
            if (!by_number || field.role != Field::Role::property || !field.given(base.spec()) ||
                !field.given(now.spec()) || field.same(base.spec(), now.spec()))
                continue;
            const bool went_on = target && field.given(target.spec()) && field.same(target.spec(), base.spec());
            for (State* state : {went_on ? &target : nullptr, &base}) {
                if (!state) continue;
                const auto spec = schema.clone(state->spec());
                field.copy(spec.get(), now.spec());
                *state = State(spec, state->inputs()).hiding(state->hidden());
            }
        }
    }
}

/// Why a path can not go back to what it was, whoever took that away; empty where it can.
std::string TakingBack::lost_of(const Succession& made, const View& view) const {
    if (!made.trash.empty() && !made.after && !view->look(made.trash)) return made.trash + " is not there any more";
    if (!made.before.content || made.before.content == made.after.content) return "";
    if (!place_.store.has_blob(made.before.content)) return "its content is in the store no more";
    if (made.before.size <= Content::in_memory) return "";  // it is no file of objects/
    const std::string object = fmt::format("{}/objects/{}", place_.state_directory, hex(made.before.content));
    return is_damaged(object, made.before.content) ? object + " is not what was written" : "";
}

/// One that can not go back must not hold up the others: it stays, and is named.
void TakingBack::leave_what_is_lost(const View& view) {
    for (const OfPath& of : paths_) {
        if (!of.owner) continue;
        const Resource& resource = back_.site.catalog[*of.owner];
        const State& now = back_.observed[*of.owner];
        State& goal = back_.goal[*of.owner];
        const bool goes_back = goal && (!now || !same(resource.type->schema(), now, goal));
        const std::string why = goes_back ? lost_of(of.made, view) : "";
        if (why.empty()) continue;
        goal = now;
        Conflict lost{resource.id, "", "what was there", now ? "something else" : "absent", why};
        lost.lost = true;
        tell(std::move(lost));
    }
}

/// A tree goes back to where nothing is. Where somebody made its directory again, what was in it stays in the trash:
/// no attribute tells of that.
void TakingBack::tell_of_trees(const View& view) {
    for (const OfPath& of : paths_) {
        if (of.made.trash.empty() || of.made.after || !of.owner || !back_.observed[*of.owner]) continue;
        const std::string& trash = of.made.trash;
        if (view->look(trash).kind != Entry::Kind::directory || view->list(trash).empty()) continue;
        const ResourceId& id = back_.site.catalog[*of.owner].id;
        std::erase_if(back_.conflicts, [&](const Conflict& told) { return told.id == id && told.attribute.empty(); });
        tell({id, "", "with what was in it", "absent", "made again; what was in it lies in " + trash});
    }
}

/// What these runs changed and gave back themselves, attribute by attribute, is in no plan: but its file is a new one.
/// That goes back to the byte as well, after all else.
void TakingBack::restore_unseen() {
    std::map<const ResourceType*, std::set<std::uint32_t>> found;
    for (const OfPath& of : paths_) {
        if (!of.owner) continue;
        const std::uint32_t number = *of.owner;
        const Resource& resource = back_.site.catalog[number];
        const Image &before = of.made.before, &after = of.made.after;
        const State& now = back_.observed[number];
        // A command that ran because of what it watches changed no attribute: what it wrote is all there is of it.
        const bool ran = runs_commands(*resource.type);
        if ((resource.type->way() != Way::files && !ran) || hidden_[number] || superseded_[number] || !now) continue;
        const auto is_there = [&](const State& state) { return reaches(resource.type->schema(), now, state); };
        const bool wrote = ran ? differ(before, after) : differs_unseen(before, after);
        if (wrote && is_there(bases_[number]) && is_there(targets_[number])) found[resource.type].insert(number);
    }
    for (const auto& [type, numbers] : found) {
        Step step;
        step.type = type;
        for (const std::uint32_t number : numbers) {
            step.resources.push_back(number);
            step.changes.push_back({back_.site.catalog[number].id, back_.observed[number], back_.observed[number], {}});
        }
        back_.plan.push_back(std::move(step));
    }
}

}  // namespace chaos::rollback
