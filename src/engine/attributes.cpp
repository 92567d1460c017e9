// SPDX-License-Identifier: Apache-2.0
// Names of attributes: aliases under their own name, what is unknown explained.
#include <fmt/format.h>
#include <algorithm>
#include "declaration.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

/// Whether `name+` means something: of lists, of what becomes one, and of mappings.
bool takes_more(const Field& field) {
    if (field.role != Field::Role::property && field.role != Field::Role::option) return true;
    const bool one = field.merge == Merge::whole || field.merge == Merge::text;
    return !one || field.json.find("array") != std::string_view::npos ||
           field.json.find("object") != std::string_view::npos;
}

}  // namespace

void Sections::clean_names(const ResourceType& type, Value::Map& body) {
    const Schema& schema = type.schema();
    const Value::Entry* before = nullptr;
    const auto is_wrong = [&](Value::Entry& entry) {
        std::string_view name = entry.key.text();
        const bool adds = name.size() > 1 && name.ends_with('+');
        if (adds) name.remove_suffix(1);
        const Field* field = schema.find(name);
        const Word* meta = field ? nullptr : find_meta(name);
        const auto* last = std::exchange(before, &entry);
        if (field && field->role != Field::Role::seen && field->role != Field::Role::key) {
            if (field->name != name) entry.key.data = std::string(field->name) + (adds ? "+" : "");
        } else if (field && field->role == Field::Role::key && !schema.key()) {
            return false;
        } else if (too_many(problems_)) {
            return true;
        } else if (!meta || !meta->understood) {
            problems_.add(meta ? Error(entry.key.where,
                                       fmt::format("'{}' is not understood by chaos " CHAOS_VERSION " yet", name))
                               : unknown_attribute(schema, entry, last));
            return true;
        }
        if (adds && field && !takes_more(*field)) {
            problems_.add(Error(entry.key.where,
                                fmt::format("'{}' of {} is one value: nothing can be added to it", name, schema.name))
                              .help(fmt::format("write {}: VALUE, all of it", name)));
            return true;
        }
        if (entry.value.is_null() && entry.value.blank) {
            problems_.add(Error(entry.key.where, fmt::format("'{}' has no value", name))
                              .help("remove the line, or write null to take an inherited value away"));
            return true;
        }
        return false;
    };
    std::vector<bool> wrong;
    wrong.reserve(body.size());
    bool any = false;
    for (auto& entry : body) wrong.push_back(is_wrong(entry)), any |= wrong.back();
    if (any) {
        Value::Map kept;
        for (std::size_t i = 0; i < body.size(); ++i)
            if (!wrong[i]) kept.push_back(std::move(body[i]));
        body = std::move(kept);
    }
    std::vector<std::string_view> said;
    said.reserve(body.size());
    for (const auto& entry : body) said.push_back(said_by(schema, entry.key.text()));
    for (std::size_t i = 0; i < body.size(); ++i)
        for (std::size_t j = i + 1; j < body.size(); ++j) {
            if (said[i] != said[j] || body[i].value.is_null() || body[j].value.is_null()) continue;
            const std::string &first = body[i].key.text(), &second = body[j].key.text();
            problems_.add(Error(body[j].key.where, first == second
                                                       ? fmt::format("'{}' is here twice", first)
                                                       : fmt::format("'{}' and '{}' say the same thing", first, second))
                              .note(body[i].key.where, "the other one is here")
                              .help("remove one of them"));
        }
}

Error Sections::unknown_attribute(const Schema& schema, const Value::Entry& entry, const Value::Entry* before) const {
    const std::string& name = entry.key.text();
    Error error(entry.key.where, fmt::format("'{}' is no attribute of {}", name, schema.name));
    if (entry.value.is_null() && entry.value.blank && before && before->value.is_text() &&
        before->key.where.line == entry.key.where.line)
        return std::move(error).help(fmt::format("a comma ends a value between {{ }}: quote it, {}: \"{},{}\"",
                                                 before->key.text(), before->value.text(), name));
    if (name == "state" && entry.value.is_text() && (entry.value.text() == "absent" || entry.value.text() == "removed"))
        return std::move(error).help("write absent: true");
    if (name == "state" && schema.find("running") && entry.value.is_text())
        return std::move(error).help(entry.value.text() == "stopped" ? "write running: false" : "write running: true");
    if (const auto answer = foreign_attribute(name); !answer.empty()) return std::move(error).help(std::string(answer));
    std::vector<std::string_view> known;
    std::string list;
    for (const Field& field : schema.fields) {
        if (field.role == Field::Role::seen) continue;
        known.push_back(field.name);
        list += (list.empty() ? "" : ", ") + std::string(field.name);
        if (!field.alias.empty()) known.push_back(field.alias);
    }
    for (const Word& meta : meta_attributes()) known.push_back(meta.name);
    const auto near = nearest(name, known);
    return std::move(error).help(near.empty() ? fmt::format("it has {}", list)
                                              : fmt::format("did you mean '{}'?", near));
}

}  // namespace chaos
