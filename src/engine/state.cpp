// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <chaos/state.hpp>

#include "utf8.hpp"

namespace chaos {

namespace {

using Role = Field::Role;

bool is_compared(const Field& field) {
    return field.role == Role::property;
}

/// True where `found` already says all that `wanted` asks of this attribute.
bool satisfies(const Field& field, const void* found, const void* wanted) {
    if (field.same(found, wanted)) return true;
    if (field.merge == Merge::whole || field.merge == Merge::text || !field.given(found)) return false;
    const Value have = field.get(found), ask = field.get(wanted);
    if (field.merge == Merge::members) {
        if (!have.is_list() || !ask.is_list()) return false;
        return std::all_of(ask.list().begin(), ask.list().end(), [&](const Value& member) {
            return std::find(have.list().begin(), have.list().end(), member) != have.list().end();
        });
    }
    if (!have.is_map() || !ask.is_map()) return false;
    return std::all_of(ask.map().begin(), ask.map().end(), [&](const Value::Entry& entry) {
        const Value* held = have.find(entry.key.text());
        return held && *held == entry.value;
    });
}

/// What there is, with what is asked for laid over it: members added, keys set, all else replaced.
void lay_over(const Field& field, void* to, const void* wanted) {
    if (field.merge == Merge::whole || field.merge == Merge::text || !field.given(to)) return field.copy(to, wanted);
    Value have = field.get(to);
    const Value ask = field.get(wanted);
    if (have.is_list() && ask.is_list()) {
        auto& members = std::get<Value::List>(have.data);
        members.insert(members.end(), ask.list().begin(), ask.list().end());
    } else if (have.is_map() && ask.is_map()) {
        auto& entries = std::get<Value::Map>(have.data);
        for (const auto& entry : ask.map()) {
            const auto same_key = [&](const Value::Entry& held) { return held.key == entry.key; };
            const auto held = std::find_if(entries.begin(), entries.end(), same_key);
            if (held == entries.end())
                entries.push_back(entry);
            else
                held->value = entry.value;
        }
    } else {
        return field.copy(to, wanted);
    }
    field.set(to, have);
}

/// The option that says that a text of this kind is a secret, where a kind has one.
const Field* secret_option(const Schema& schema) {
    const Field* option = schema.find("secret");
    return option && option->role == Role::option ? option : nullptr;
}

Error unknown_attribute(const Schema& schema, const Value::Entry& entry) {
    std::vector<std::string_view> known;
    for (const Field& field : schema.fields)
        if (field.role != Role::seen) known.push_back(field.name);
    const auto near = nearest(entry.key.text(), known);
    return Error(entry.key.where, fmt::format("a {} has no attribute '{}'", schema.name, entry.key.text()))
        .help(near.empty() ? fmt::format("it has {}", fmt::join(known, ", "))
                           : fmt::format("did you mean '{}'?", near));
}

}  // namespace

std::uint64_t hiding_bit(const Schema& schema, const Field& field) {
    const auto number = static_cast<std::size_t>(&field - schema.fields.data());
    return std::uint64_t{1} << std::min<std::size_t>(number, 63);
}

State decode(const Schema& schema, const Value& written, Diagnostics& problems) {
    const auto spec = schema.make();
    std::uint64_t hidden = 0;
    if (!written.is_map()) {
        problems.add(Error(written.where, fmt::format("expected a mapping of attributes, found {}", kind_of(written))));
        return State();
    }
    for (const auto& entry : written.map()) {
        const Field* field = schema.find(entry.key.text());
        // What is only ever seen comes from a store, whose values have no place.
        if (!field || field->compiled_away() || (field->role == Role::seen && entry.key.where)) {
            problems.add(unknown_attribute(schema, entry));
            continue;
        }
        if (entry.value.is_null()) continue;
        const bool secret = holds_secret(entry.value);
        if (secret) hidden |= hiding_bit(schema, *field);
        try {
            if (field->role == Role::key && schema.clean) {
                Value clean = entry.value;
                clean.data = schema.clean(entry.value.text());
                field->set(spec.get(), clean);
            } else {
                field->set(spec.get(), entry.value);
            }
            if (const Field* option = secret && !field->secret ? secret_option(schema) : nullptr)
                option->set(spec.get(), Value("true"));
        } catch (Error& error) {
            if (secret)  // what it says may show it
                error = Error(entry.value.where,
                              fmt::format("'{}' of a {} can not be what this secret is", field->name, schema.name));
            if (!error.where) error.where = entry.value.where;
            problems.add(std::move(error));
        }
    }
    for (const Field& field : schema.fields)
        if (field.required && !written.find(field.name) && !(field.alias.size() && written.find(field.alias)))
            problems.add(Error(written.where, fmt::format("a {} needs '{}'", schema.name, field.name))
                             .help(fmt::format("add {}: {}", field.name,
                                               field.sample.empty() ? std::string_view("VALUE") : field.sample)));
    return State(spec).hiding(hidden);
}

Attributes::Attributes(const Schema& schema, const State& state) : schema_(schema), state_(state) {
    const Field* option = secret_option(schema);
    hides_ = option && option->get(state.spec()) == Value("true");
}

Value Attributes::of(const Field& field) const {
    Value value = field.get(state_.spec());
    value.secret =
        field.secret || (hides_ && field.merge == Merge::text) || (state_.hidden() & hiding_bit(schema_, field));
    return value;
}

Value encode(const Schema& schema, const State& state) {
    if (!state) return Value();
    Value::Map map;
    map.reserve(schema.fields.size());
    const Attributes attributes(schema, state);
    for (const Field& field : schema.fields)
        if (!field.compiled_away() && field.given(state.spec()))
            map.push_back({std::string(field.name), attributes.of(field)});
    return Value(std::move(map));
}

bool same(const Schema& schema, const State& a, const State& b) {
    if (!(a.inputs() == b.inputs()) || !a != !b) return false;
    if (a.spec() == b.spec()) return true;
    for (const Field& field : schema.fields) {
        if (!is_compared(field)) continue;
        if (field.given(a.spec()) != field.given(b.spec()) || !field.same(a.spec(), b.spec())) return false;
    }
    return true;
}

std::vector<const Field*> differences(const Schema& schema, const State& a, const State& b) {
    std::vector<const Field*> found;
    if (!a || !b || a.spec() == b.spec()) return found;
    for (const Field& field : schema.fields)
        if (is_compared(field) && field.given(a.spec()) && field.given(b.spec()) && !field.same(a.spec(), b.spec()))
            found.push_back(&field);
    return found;
}

State overlay(const Schema& schema, const State& observed, const State& wanted) {
    if (!observed) return State(wanted).with_inputs(observed.inputs()).hiding(observed.hidden());
    std::shared_ptr<void> laid;
    for (const Field& field : schema.fields) {
        if (!is_compared(field) || !field.given(wanted.spec()) || satisfies(field, observed.spec(), wanted.spec()))
            continue;
        if (!laid) laid = schema.clone(observed.spec()), take_options(schema, laid.get(), wanted.spec());
        lay_over(field, laid.get(), wanted.spec());
    }
    return (laid ? State(laid, observed.inputs()) : observed).hiding(observed.hidden() | wanted.hidden());
}

void take_options(const Schema& schema, void* to, const void* from) {
    for (const Field& field : schema.fields)
        if (field.role == Role::key || field.role == Role::option) field.copy(to, from);
}

Digest digest(const Schema& schema, const State& state) {
    Hasher hasher;
    if (!state) return hasher.add("absent").finish();
    for (const Field& field : schema.fields) {
        if (!is_compared(field) || !field.given(state.spec())) continue;
        const std::string text = to_json(field.get(state.spec()));
        hasher.add(field.name).add(fmt::format("\n{}\n", text.size())).add(text);
    }
    return hasher.finish();
}

}  // namespace chaos
