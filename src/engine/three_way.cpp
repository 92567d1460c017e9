// SPDX-License-Identifier: Apache-2.0
// What goes back, when it is ours, and what stays, because it is somebody's by now (store.md C8).
#include <algorithm>
#include <chaos/goes_along.hpp>
#include <chaos/lines.hpp>
#include <chaos/plan.hpp>
#include <chaos/successive.hpp>

namespace chaos {

namespace {

using Role = Field::Role;

bool both_give(const Field& field, const void* a, const void* b) {
    return field.given(a) && field.given(b);
}

bool holds(const Value::List& list, const Value& member) {
    return std::find(list.begin(), list.end(), member) != list.end();
}

/// now, without what base has beyond target, and with what target has beyond base.
Value merge_members(const Value& now, const Value& base, const Value& target) {
    Value::List merged;
    for (const Value& member : now.list())
        if (!holds(base.list(), member) || holds(target.list(), member)) merged.push_back(member);
    for (const Value& member : target.list())
        if (!holds(base.list(), member) && !holds(merged, member)) merged.push_back(member);
    return Value(std::move(merged));
}

bool says_the_same(const Value* a, const Value* b) {
    return !a == !b && (!a || *a == *b);
}

/// Key by key; false where a key that should go back is somebody's by now.
bool merge_keys(const Value& now, const Value& base, const Value& target, Value& merged, Deciding deciding) {
    Value::Map map;
    bool clean = true;
    const auto decide = [&](const Value& key, const Value* have) {
        const Value *before = base.find(key.text()), *goal = target.find(key.text());
        const bool changed = !says_the_same(before, goal);
        const bool there = says_the_same(have, goal);
        const bool ours = deciding == Deciding::ours || says_the_same(have, before);
        if (changed && !ours && !there) clean = false;
        const Value* keep = changed && ours ? goal : have;
        if (keep) map.push_back({key, *keep});
    };
    for (const auto& entry : now.map()) decide(entry.key, &entry.value);
    for (const auto& entry : target.map())
        if (!now.find(entry.key.text())) decide(entry.key, nullptr);
    merged = Value(std::move(map));
    return clean;
}

/// A text without the lines that base has beyond target, where nobody changed those since. What is too large to be held
/// is a digest here, and no text.
bool merge_text(const Field& field, void* goal, const void* now, const void* base, const void* target) {
    const Value have = field.get(now), before = field.get(base), wish = field.get(target);
    if (!have.is_text() || !before.is_text() || !wish.is_text()) return false;
    const auto merged = merge_lines(before.text(), have.text(), wish.text());
    if (!merged) return false;
    Value text(*merged);
    text.secret = have.secret || before.secret || wish.secret;
    return field.set(goal, text), true;
}

/// Sets one attribute of `goal` (which says what there is now); false where it is a conflict.
bool take_back(const Field& field, void* goal, const void* now, const void* base, const void* target,
               Deciding deciding) {
    if (field.same(now, base)) return field.copy(goal, target), true;
    if (field.same(now, target)) return true;
    const bool whole = field.merge != Merge::members && field.merge != Merge::keys;
    if (whole && deciding == Deciding::ours) return field.copy(goal, target), true;
    if (whole)
        return deciding == Deciding::merge && field.merge == Merge::text && merge_text(field, goal, now, base, target);
    const Value have = field.get(now), before = field.get(base), wish = field.get(target);
    if (field.merge == Merge::members && have.is_list() && before.is_list() && wish.is_list())
        return field.set(goal, merge_members(have, before, wish)), true;
    Value merged;
    if (!have.is_map() || !before.is_map() || !wish.is_map())
        return deciding == Deciding::ours && (field.copy(goal, target), true);
    const bool clean = merge_keys(have, before, wish, merged, deciding);
    return field.set(goal, merged), clean;
}

/// What became other along with a property: name by name, as far as it is known what was ours. Else it is left to
/// itself.
void go_along(const Field& field, void* goal, bool all_of_it, const void* now, const void* base, const void* target) {
    Value merged;
    if (!all_of_it || !field.given(now) || !both_give(field, base, target)) return field.clear(goal);
    merge_keys(field.get(now), field.get(base), field.get(target), merged, Deciding::leave);
    field.set(goal, merged);
}

/// True where `now` still says all that `base` says: it is as we left it.
bool untouched(const Schema& schema, const void* now, const void* base) {
    return std::all_of(schema.fields.begin(), schema.fields.end(), [&](const Field& field) {
        return field.role != Role::property || !both_give(field, now, base) || field.same(now, base);
    });
}

/// Another thing than we left is there now, and has no such attribute (a link where we wrote a file): it stays, unless
/// ours goes over it whole.
bool take_over(const Schema& schema, void* goal, const void* target, Deciding deciding) {
    if (deciding != Deciding::ours) return false;
    for (const Field& field : schema.fields)
        if (field.role == Role::property && field.given(target)) field.copy(goal, target);
    return true;
}

/// In the order in which kinds list them: a list that says the same is to be the same.
Value members_after(const Value& made, const Value& before, const Value& after) {
    const Value merged = merge_members(made, before, after);
    Value::List ordered;
    for (const Value& member : after.list())
        if (holds(merged.list(), member)) ordered.push_back(member);
    for (const Value& member : merged.list())
        if (!holds(ordered, member)) ordered.push_back(member);
    return Value(std::move(ordered));
}

/// One attribute that all three of them give. As the kind compares and copies it: what is written in words of another
/// attribute says the same in other words where that is another one.
void fold(const Field& field, void* all, const void* made, const void* before, const void* after) {
    if (field.same(made, before)) return;
    const Value ours = field.get(made), found = field.get(before), left = field.get(after);
    Value merged;
    if (field.merge == Merge::members && ours.is_list() && found.is_list() && left.is_list()) {
        field.set(all, members_after(ours, found, left));
    } else if (field.merge == Merge::keys && ours.is_map() && found.is_map() && left.is_map()) {
        merge_keys(ours, found, left, merged, Deciding::ours);
        field.set(all, merged);
    } else if (field.same(before, after)) {
        field.copy(all, made);
    }
}

}  // namespace

Value made_after(const Schema& schema, const Value& made, const Value& before, const Value& after) {
    if (!made.is_map() || !after.is_map()) return after;
    Diagnostics problems;
    const State ours = decode(schema, made, problems), left = decode(schema, after, problems);
    const State found = before.is_map() ? decode(schema, before, problems) : State();
    if (!problems.ok()) throw problems.errors().front();
    const auto all = schema.clone(left.spec());
    for (const Field& field : schema.fields) {
        if (field.compiled_away() || !field.given(ours.spec())) continue;
        if (!field.given(left.spec()))
            field.copy(all.get(), ours.spec());
        else if (field.role == Role::property && found && field.given(found.spec()))
            fold(field, all.get(), ours.spec(), found.spec(), left.spec());
    }
    return encode(schema, State(all).hiding(ours.hidden() | left.hidden()));
}

const Field* pinned_since(const Schema& schema, const State& now, const State& base) {
    if (!now || !base) return nullptr;
    for (const Field& field : schema.fields)
        if (field.pins && both_give(field, now.spec(), base.spec()) && !field.same(now.spec(), base.spec()) &&
            field.get(now.spec()) == Value("true"))
            return &field;
    return nullptr;
}

State as_pinned(const Schema& schema, const State& goal, const State& now, const State& base, const State& made) {
    const Field* pin = goal ? pinned_since(schema, now, base) : nullptr;
    if (!pin || (made && pin->given(made.spec()) && pin->same(made.spec(), now.spec()))) return goal;
    const auto spec = schema.clone(goal.spec());
    pin->copy(spec.get(), now.spec());
    return State(spec, goal.inputs()).hiding(goal.hidden());
}

State three_way(const Schema& schema, const State& now, const State& base, const State& target,
                std::vector<const Field*>& conflicts, Deciding deciding) {
    const auto existence_conflict = [&] {
        return deciding == Deciding::ours ? target : (conflicts.push_back(nullptr), now);
    };
    if (!base && !target) return now;
    if (!base) {  // we took it away: it comes back where there is nothing
        if (!now) return target;
        return untouched(schema, now.spec(), target.spec()) ? now : existence_conflict();
    }
    if (!target) {  // we made it: it goes where it is as we made it
        if (!now) return State();
        return untouched(schema, now.spec(), base.spec()) ? State() : existence_conflict();
    }
    if (!now) return existence_conflict();
    std::shared_ptr<void> goal;
    const std::size_t conflicts_before = conflicts.size();
    const bool stays = deciding != Deciding::ours && pinned_since(schema, now, base);
    for (const Field& field : schema.fields) {
        if (field.role != Role::property || !both_give(field, base.spec(), target.spec()) ||
            field.same(base.spec(), target.spec()))
            continue;
        const bool has_it = field.given(now.spec());
        if (has_it ? field.same(now.spec(), target.spec()) : untouched(schema, now.spec(), base.spec())) continue;
        if (stays) {
            conflicts.push_back(&field);
            continue;
        }
        if (!goal) goal = schema.clone(now.spec()), take_options(schema, goal.get(), base.spec());
        if (has_it ? !take_back(field, goal.get(), now.spec(), base.spec(), target.spec(), deciding)
                   : !take_over(schema, goal.get(), target.spec(), deciding))
            conflicts.push_back(&field);
    }
    const auto hidden = now.hidden() | base.hidden() | target.hidden();
    if (!goal) return now.hiding(hidden);
    // What only our own making gave it (the content of a file where there was a link) is unknown again.
    for (const Field& field : schema.fields)
        if (field.role == Role::property && field.given(base.spec()) && !field.given(target.spec()) &&
            field.given(now.spec()) && field.same(now.spec(), base.spec()))
            field.clear(goal.get());
    // What was seen beside the properties goes with them, where they all go back.
    const bool all_of_it = conflicts.size() == conflicts_before;
    for (const Field& field : schema.fields) {
        if (field.role != Role::seen) continue;
        if (goes_along(field))
            go_along(field, goal.get(), all_of_it, now.spec(), base.spec(), target.spec());
        else if (all_of_it && field.given(target.spec()))
            field.copy(goal.get(), target.spec());
    }
    // What was a secret is one again.
    if (const Field* secret = schema.find("secret"); secret && secret->role == Role::option)
        if (const Value yes("true"); secret->get(target.spec()) == yes) secret->set(goal.get(), yes);
    return State(goal, now.inputs()).hiding(hidden);
}

}  // namespace chaos
