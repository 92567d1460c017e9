// SPDX-License-Identifier: Apache-2.0
// Attributes that stand for a resource of another kind: `authorized_keys: [KEY]` on a user is `authorized_keys:USER`.
#include <fmt/format.h>
#include <algorithm>
#include "provenance.hpp"

namespace chaos {

namespace {

/// What is said of a resource as a whole holds for what it gives as well.
constexpr std::string_view shared_with_given[] = {"tags", "keep", "protect", "audit", "name_on"};

bool is_false(const Value& value) {
    if (!value.is_text()) return false;
    try {
        return !Codec<bool>::decode(value);
    } catch (const Error&) {
        return false;
    }
}

/// Takes a name out of `exact: [...]`; its place, or nothing where it is not in it.
std::optional<Place> taken_from_exact(Declaration& entry, const Field& field) {
    const auto names_it = [&](const Value& item) {
        return item.is_text() && (item.text() == field.name || (!field.alias.empty() && item.text() == field.alias));
    };
    const auto exact =
        std::find_if(entry.body.begin(), entry.body.end(), [](const auto& e) { return e.key.text() == "exact"; });
    if (exact == entry.body.end()) return std::nullopt;
    if (names_it(exact->value)) {
        const Place where = exact->value.where;
        return entry.body.erase(exact), where;
    }
    if (!exact->value.is_list()) return std::nullopt;
    auto& items = std::get<Value::List>(exact->value.data);
    const auto item = std::find_if(items.begin(), items.end(), names_it);
    if (item == items.end()) return std::nullopt;
    const Place where = item->where;
    items.erase(item);
    if (items.empty()) entry.body.erase(exact);
    return where;
}

Declaration beside(const Declaration& giver, const ResourceType& type) {
    Declaration given{.type = &type,
                      .key = giver.key,
                      .where = giver.where,
                      .layer = giver.layer,
                      .part = giver.part,
                      .absent = giver.absent};
    given.by_site = giver.by_site, given.modules = giver.modules;
    if (type.schema().clean) given.key = type.schema().clean(giver.key);
    return given;
}

}  // namespace

void Sections::switch_off(const Declaration& entry, const Value::Map& body, Place when) {
    layers_.switched_off(entry.id(), when);
    for (const auto& attribute : body)
        if (const Field* field = entry.type->schema().find(attribute.key.text()); field && !field->stands_for.empty())
            if (const ResourceType* type = registry_.type(field->stands_for))
                layers_.switched_off(beside(entry, *type).id(), when);
}

void Sections::lay(Declaration entry) {
    std::vector<const Field*> giving;
    for (const Field& field : entry.type->schema().fields)
        if (field.role == Field::Role::resource) giving.push_back(&field);
    if (giving.empty()) return layers_.lay(std::move(entry));
    Declaration rest = entry;
    for (const Field* field : giving) {
        rest.remove(field->name), rest.remove(std::string(field->name) + "+");
        taken_from_exact(rest, *field);
        std::erase_if(rest.said, [&](const Saying& saying) { return saying.what == field->name; });
    }
    layers_.lay(std::move(rest));
    for (const Field* field : giving) {
        try {
            lay_given(*field, entry);
        } catch (Error& error) {
            if (!error.where) error.where = entry.where;
            problems_.add(std::move(error));
        }
    }
}

void Sections::lay_given(const Field& field, Declaration& giver) {
    const ResourceType* type = registry_.type(field.stands_for);
    if (!type) throw Error(fmt::format("'{}' is not understood by chaos " CHAOS_VERSION " yet", field.name));
    Declaration given = beside(giver, *type);
    const auto exact = taken_from_exact(giver, field);
    const auto said = std::find_if(giver.body.begin(), giver.body.end(), [&](const auto& e) {
        return e.key.text() == field.name || e.key.text() == std::string(field.name) + "+";
    });
    if (giver.absent || (said == giver.body.end() && !exact)) {
        if (giver.absent && layers_.tells()) given.said = sayings_of(given, {}, note_on_place());
        if (giver.absent) layers_.lay_absent(std::move(given));
        return;
    }
    const std::string main(type->schema().main);
    if (said != giver.body.end()) {
        given.where = said->key.where;
        if (said->value.is_null()) return layers_.drop(given.id(), Saying::How::removes, said->key.where);
        const bool adds = said->key.text().ends_with('+');
        if (!adds && is_false(said->value))
            given.absent = true;
        else
            given.body = attributes(*type, Value(giver.key, said->key.where), std::move(said->value));
        clean_names(*type, given.body);
        for (auto& [key, value] : given.body)
            if (adds && key.text() == main) key.data = main + "+";
    }
    // How one brings it about may be what the other is: where a home is.
    for (const auto& [key, value] : giver.body) {
        const Field* option = type->schema().find(key.text());
        if (option && option->role == Field::Role::option && !given.find(option->name) && !given.absent)
            given.body.push_back({key, value});
    }
    if (exact) given.body.push_back({Value(std::string("exact"), *exact), Value(main, *exact)});
    for (const auto name : shared_with_given)
        if (const Value* shared = giver.find(name); shared && !given.find(name))
            given.body.push_back({Value(std::string(name), giver.where), *shared});
    if (layers_.tells()) given.said = sayings_of(given, {}, note_on_place());
    layers_.lay(std::move(given));
}

}  // namespace chaos
