// SPDX-License-Identifier: Apache-2.0
// What a step does in a run that takes earlier ones back: images go back to the byte, tools take back what tools did.
#include <fmt/format.h>

#include <algorithm>

#include "nowhere.hpp"
#include "runner_parts.hpp"

namespace chaos::rollback {

namespace {

bool same_bytes(const Image& a, const Image& b) {
    return a.kind == b.kind && a.content == b.content && a.target == b.target &&
           (a.kind == Entry::Kind::link || (a.kind == Entry::Kind::file && a.content));
}

/// The path whose bytes an operation kept aside under a longer name (NAME.bak, NAME.bak.1), in the same step; or empty.
std::string came_from(const Operation& kept, const std::map<std::string, const Operation*>& step) {
    if (kept.before || !kept.after) return {};
    std::string path = kept.path;
    for (auto dot = path.rfind('.'); dot != path.npos && dot > path.rfind('/') + 1; dot = path.rfind('.')) {
        path.resize(dot);
        const auto made_room = step.find(path);
        if (made_room != step.end() && same_bytes(made_room->second->before, kept.after)) return path;
    }
    return {};
}

}  // namespace

/// What says of a command that it was run may be gone (a path, on a disk that is not mounted): what is to be taken back
/// is what was recorded of it.
States Runner::Parts::seen_again(const Step& step, const View& view) const {
    States found = look_again(request.site.catalog, step, view, takes_back());
    for (std::size_t k = 0; takes_back() && runs_commands(*step.type) && k < found.size(); ++k)
        if (!found[k] && !step.changes[k].after) found[k] = step.changes[k].before;
    return found;
}

/// Of what comes back, what its directory has not come for: a package or a command of this run might have brought it,
/// and nothing told beforehand. It stays away, and is named. False where nothing else is left of the step.
bool Runner::Parts::leave_what_lies_nowhere(std::size_t number) {
    Step& step = plan[number];
    std::vector<Coming> coming;
    for (std::size_t k = 0; k < step.changes.size(); ++k) {
        const Change& change = step.changes[k];
        if (!change.before && change.after && comes_by_path(*step.type, change.after, change.id.key))
            coming.push_back({change.id.key, static_cast<std::uint32_t>(k)});
    }
    auto nowhere = lying_nowhere(std::move(coming), [&](const std::string& directory) {
        const auto kind = host->look(directory, nullptr, 0).kind;
        return kind == Entry::Kind::directory || kind == Entry::Kind::link;
    });
    std::sort(nowhere.rbegin(), nowhere.rend());
    for (const std::uint32_t k : nowhere) {
        const ResourceId id = step.changes[k].id;
        outcome.conflicts.push_back({id, "", "present", "absent", why_nowhere(id.key)});
        going_back.erase(to_text(id));
        leave_out(number, k);
    }
    if (!step.changes.empty()) return true;
    journal.batch().set_step(outcome.run, static_cast<std::int64_t>(number), StepRecord::State::skipped);
    return false;
}

/// Of the runs taken back: paths of this step that are still as those runs left them go back to the byte.
void Runner::Parts::put_images_back(const Step& step) {
    std::set<std::string> here;
    for (const Change& change : step.changes) here.insert(to_text(change.id));
    for (const auto& [run, number] : steps_taken_back(step)) {
        const auto paths = paths_of.find({run, number});
        if (paths == paths_of.end()) continue;
        // Newest first: a directory that went with what was in it comes before that.
        for (auto path = paths->second.rbegin(); path != paths->second.rend(); ++path) {
            const OfPath& made = made_of(*path, {run, number});
            if (stays(made) || has_a_step_of_its_own(made, here, {run, number})) continue;
            Image before = made.succession.before, after = made.succession.after;
            const Image there = host->image(*path);
            if (lacks_content(before) && lacks_content(after) && there.kind == Entry::Kind::file)
                take_content(before, there), take_content(after, there);  // whatever it is by now, it is to stay
            if (runs_commands(*step.type) && is_somebodys(*path, made.succession, there)) {
                outcome.conflicts.push_back({{step.type->schema().name, *path},
                                             "",
                                             "as before the run",
                                             "as the run left it",
                                             *path + " was changed by somebody else"});
                continue;
            }
            if (!there.same_as(after)) continue;
            if (is_last_copy(*path, {run, number}))
                place.reporter.says(
                    fmt::format("{} stays: what it keeps does not go back to {}", *path, kept_aside.at(*path)));
            else if (made.succession.came_whole && !before && there.kind == Entry::Kind::directory)
                host->remove_tree(*path);  // it goes as it came
            else
                host->restore(*path, before, made.succession.trash);
        }
    }
}

const Runner::Parts::OfPath& Runner::Parts::made_of(const std::string& path, const Made& made) const {
    const auto later = image_of.find({made, path});
    return images.at(path).at(later == image_of.end() ? 0 : later->second);
}

/// Of what a command wrote no attribute tells: what is neither as before it nor as it left it, or has come into a
/// directory that it made.
bool Runner::Parts::is_somebodys(const std::string& path, const Succession& made, const Image& there) const {
    const Image &before = made.before, &after = made.after;
    if (!there.same_as(after)) return !there.same_as(before);
    if (differ_in_time_alone(before, after))
        return there.modified != after.modified && there.modified != before.modified;
    return !before && there.kind == Entry::Kind::directory && !host->list(path).empty();
}

/// Of a resource that this run leaves as it is, though the step that changed it goes back.
bool Runner::Parts::stays(const OfPath& path) const {
    return !path.owner.empty() && !going_back.contains(path.owner);
}

/// Resources that were changed in one step may go back in several: each path does so where its own resource does.
bool Runner::Parts::has_a_step_of_its_own(const OfPath& path, const std::set<std::string>& here,
                                          const Made& made) const {
    if (path.owner.empty() || here.contains(path.owner)) return false;
    const auto steps = made_by.find(path.owner);
    return steps != made_by.end() && std::find(steps->second.begin(), steps->second.end(), made) != steps->second.end();
}

/// Somebody's bytes that a step kept aside, and that do not go back to the place they came from: that was changed
/// again since, or goes back to what was there before them.
bool Runner::Parts::is_last_copy(const std::string& path, const Made& made) const {
    const auto from = kept_aside.find(path);
    const Succession& copy = made_of(path, made).succession;
    if (from == kept_aside.end() || copy.before) return false;
    const Image here = host->image(from->second);
    if (same_bytes(here, copy.after)) return false;
    const OfPath& origin = made_of(from->second, made);
    return stays(origin) || !here.same_as(origin.succession.after) || !same_bytes(origin.succession.before, copy.after);
}

/// Which steps of the runs taken back made these changes, newest first.
std::vector<Runner::Parts::Made> Runner::Parts::steps_taken_back(const Step& step) const {
    std::vector<Made> steps;
    for (const Change& change : step.changes)
        if (const auto made = made_by.find(to_text(change.id)); made != made_by.end())
            steps.insert(steps.end(), made->second.begin(), made->second.end());
    std::sort(steps.rbegin(), steps.rend());
    steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
    return steps;
}

/// What no image put back goes back attribute by attribute; nothing is written twice, or an image's times were lost.
void Runner::Parts::undo_what_is_left(const Step& step) {
    std::vector<Change> left;
    const View view(*host);
    const States found = seen_again(step, view);
    std::optional<States> reached;
    const auto is_back = [&](std::size_t k) {
        if (step.type->way() != Way::files) return false;
        if (!reached) reached = look_at_result(step, view);
        return reaches(step.type->schema(), (*reached)[k], step.changes[k].after);
    };
    for (std::size_t k = 0; k < step.changes.size(); ++k)
        // A number for an owner may have been asked for, and a name be what goes back: as it is asked for then.
        if (!same(step.type->schema(), found[k], step.changes[k].after) && !is_back(k))
            left.push_back({step.changes[k].id, found[k], step.changes[k].after, step.changes[k].where});
    if (!left.empty()) step.type->undo_all(*host, left);
}

/// Tools take back what tools did; what those did beside it is put back before or after, as the kind says.
void Runner::Parts::take_call_back(Step& step) {
    const Footprint footprint = step.type->footprint();
    std::optional<Effects> effects;
    for (const auto& [run, number] : steps_taken_back(step)) {  // newest first
        for (const StepRecord& record : place.store.steps(run)) {
            if (record.number != number || record.scan.empty()) continue;
            if (effects)
                effects->reach_back(record, place.store.operations(run));
            else
                effects.emplace(*host, footprint, record, place.store.operations(run), false);
        }
    }
    const auto put_back = [&] {
        if (effects) effects->put_back(), host->publish();
    };
    put_images_back(step);
    host->publish();
    if (!footprint.tools_first) put_back();
    undo_what_is_left(step);
    host->publish();
    if (footprint.tools_first) put_back();
    if (effects) effects->tell(step.type->schema().name, outcome.conflicts);
}

void Runner::takes_back(const std::vector<std::int64_t>& runs) {
    parts_->taken_back = runs;
    std::sort(parts_->taken_back.begin(), parts_->taken_back.end());
    for (const Step& step : parts_->plan)
        for (const Change& change : step.changes) parts_->going_back.insert(to_text(change.id));
    std::map<std::string, std::string> named;
    for (const std::int64_t run : parts_->taken_back) parts_->take_up(run, named);
    for (auto& [path, made] : parts_->images)
        if (const auto owner = named.find(path); made.size() == 1 && owner != named.end())
            made.back().owner = owner->second;
}

/// What this run, of those that are taken back, made of which path. `named`: by path, the last resource of that name.
void Runner::Parts::take_up(std::int64_t run, std::map<std::string, std::string>& named) {
    std::map<std::pair<std::int64_t, std::string>, std::string> owners;  // by step and path
    for (const ChangeRecord& change : place.store.outlines(run)) {
        const std::string id = to_text(RecordedId{change.type, change.key});
        made_by[id].emplace_back(run, change.step);
        if (change.key.starts_with('/')) named[change.key] = owners[{change.step, change.key}] = id;
    }
    const std::vector<Operation> operations = place.store.operations(run);
    std::map<std::int64_t, std::map<std::string, const Operation*>> steps;
    for (const Operation& operation : operations)
        if (!operation.effect) steps[operation.step].emplace(operation.path, &operation);
    for (const Operation& operation : operations) {
        if (operation.effect) continue;
        const Made by{run, operation.step};
        if (const auto from = came_from(operation, steps[operation.step]); !from.empty())
            kept_aside[operation.path] = from;
        paths_of[by].push_back(operation.path);
        const auto owner = owners.find({operation.step, operation.path});
        auto& made = images[operation.path];
        const bool of_another = !made.empty() && owner != owners.end() && !made.back().owner.empty() &&
                                made.back().owner != owner->second && is_another(made.back().succession, operation);
        if (made.empty() || of_another)
            made.push_back({Succession(operation), {}});
        else
            made.back().succession.add(operation);
        if (owner != owners.end()) made.back().owner = owner->second;
        if (made.size() > 1) image_of[{by, operation.path}] = made.size() - 1;
    }
}

}  // namespace chaos::rollback
