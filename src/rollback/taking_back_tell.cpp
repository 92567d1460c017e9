// SPDX-License-Identifier: Apache-2.0
// What is told of what can not go back as it should: before, what was written, now.
#include <fmt/format.h>

#include "taking_back.hpp"

namespace chaos::rollback {
namespace {

bool is_secret(const Schema& schema, const State& state, const Field& field) {
    return field.secret || (state.hidden() & hiding_bit(schema, field));
}

std::string in_words(const Schema& schema, const State& state, const Field* field) {
    if (!state) return "absent";
    if (!field) return "present";
    return is_secret(schema, state, *field) ? "a secret" : rollback::in_words(field->get(state.spec()));
}

/// A state, by what makes it another thing than `other`: `version 2.0, hold true`.
std::string beside(const Schema& schema, const State& state, const State& other) {
    std::string words;
    for (const Field& field : schema.fields)
        if (field.role == Field::Role::property && field.given(state.spec()) && field.given(other.spec()) &&
            !field.same(state.spec(), other.spec()))
            words += fmt::format("{}{} {}", words.empty() ? "" : ", ", field.name, in_words(schema, state, &field));
    return words;
}

/// What was there or what was written, and is another one by now: how it differs is told, not that both are there.
void tell_them_apart(const Schema& schema, Conflict& conflict, const State& target, const State& base,
                     const State& now) {
    const State& known = base ? base : target;
    if (!now || !known || (base && target)) return;
    std::string was = beside(schema, known, now), is = beside(schema, now, known);
    if (was.empty()) return;
    (base ? conflict.ours : conflict.before) = std::move(was);
    conflict.now = std::move(is);
}

}  // namespace

Conflict TakingBack::conflict_of(const Resource& resource, const Field* field, const State& target, const State& base,
                                 const State& now) {
    const Schema& schema = resource.type->schema();
    Conflict conflict{resource.id, field ? std::string(field->name) : "", in_words(schema, target, field),
                      in_words(schema, base, field), in_words(schema, now, field)};
    if (!field) tell_them_apart(schema, conflict, target, base, now);
    if (field && base && now && !field->given(now.spec())) conflict.now = beside(schema, now, base);
    if (const Field* pin = field ? pinned_since(schema, now, base) : nullptr)
        conflict.now += fmt::format(", {} {}", pin->name, in_words(schema, now, pin));
    if (!field || field->merge != Merge::text || !base || !now || !field->given(now.spec())) return conflict;
    for (const State* state : {&target, &base, &now})
        if (*state && is_secret(schema, *state, *field)) return conflict;
    conflict.wrote = field->get(base.spec());
    conflict.found = field->get(now.spec());
    return conflict;
}

void TakingBack::tell(Conflict conflict) {
    if (resolution_ == Resolution::theirs)
        back_.decided.push_back({Decided::How::theirs, std::move(conflict)});
    else
        back_.conflicts.push_back(std::move(conflict));
}

}  // namespace chaos::rollback
