// SPDX-License-Identifier: Apache-2.0
#include "origins.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "lines_of_life.hpp"

namespace chaos::rollback {
namespace {

constexpr std::string_view whether = "";  ///< The attribute that says whether there was anything; first of its row.

Value said_of(std::string_view stored) {
    Value all = from_json(stored);
    if (!all.is_map()) throw Error("what was there before is not recorded as a mapping");
    return all;
}

/// Of a row, these attributes alone.
std::string part_of(std::string_view stored, const std::set<std::string>& names) {
    Value all = said_of(stored);
    std::erase_if(std::get<Value::Map>(all.data),
                  [&](const Value::Entry& entry) { return !names.contains(entry.key.text()); });
    return to_json(all);
}

/// One resource's rows, with the names in each.
struct Origin {
    struct Part {
        Row row;
        std::string stored;
        std::set<std::string> names;
    };
    std::vector<Part> parts;

    Line line_of(const std::string& name) const {
        Line line;
        for (const Part& part : parts)
            if (part.names.contains(name)) line.push_back(part.row);
        return line;
    }
};

Origin origin_in(Database& database, const std::string& type, const std::string& key) {
    Origin origin;
    for (auto row = database.ask("SELECT id, from_run, to_run, attributes FROM origins WHERE type = ? AND key = ? "
                                 "ORDER BY from_run, id",
                                 {type, key});
         row.next();) {
        Origin::Part& part =
            origin.parts.emplace_back(Origin::Part{{row.integer(0), row.integer(1), row.integer(2)}, "", {}});
        part.stored = row.text(3);
        for (Names names(part.stored); names.next();) part.names.emplace(names.name());
    }
    return origin;
}

/// Who owns a resource, since when.
class Owners {
public:
    Owners(Database& database, const std::string& type, const std::string& key) {
        for (auto row =
                 database.ask("SELECT from_run FROM states WHERE type = ? AND key = ? AND to_run IS NULL", {type, key});
             row.next();)
            since_.push_back(row.integer(0));
    }
    bool any() const { return !since_.empty(); }
    /// Another run than `by` made somebody its owner at `run` or after it.
    bool since(std::int64_t run, std::int64_t by) const {
        return std::any_of(since_.begin(), since_.end(), [&](std::int64_t from) { return from >= run && from != by; });
    }

private:
    std::vector<std::int64_t> since_;
};

void insert(Database& database, const std::string& type, const std::string& key, std::string_view stored,
            std::int64_t from) {
    database.change("INSERT INTO origins(type, key, attributes, from_run) VALUES(?, ?, ?, ?)",
                    {type, key, stored, from});
}

void reinstate_origin(Database& database, const std::string& type, const std::string& key,
                      const std::vector<std::int64_t>& taken_back, std::int64_t by) {
    const Origin origin = origin_in(database, type, key);
    const Owners owners(database, type, key);
    std::map<std::int64_t, std::set<std::string>> ends, revives;  // by row
    std::set<std::string> names;
    for (const Origin::Part& part : origin.parts) names.insert(part.names.begin(), part.names.end());
    for (const std::string& name : names) {
        const Line line = origin.line_of(name);
        const std::int64_t living = living_row(line), wanted = row_before(line, taken_back);
        if (living == wanted) continue;
        if (!wanted) {
            // Another site may have come to own it since, and will need it when it lets go.
            const auto began = std::find_if(line.begin(), line.end(), [&](const Row& row) { return row.id == living; });
            if (owners.since(began->from, by)) continue;
        } else if (!owners.any()) {
            continue;
        }
        if (living) ends[living].insert(name);
        if (wanted) revives[wanted].insert(name);
    }
    for (const Origin::Part& part : origin.parts) {
        if (const auto ending = ends.find(part.row.id); ending != ends.end()) {
            database.change("UPDATE origins SET to_run = ? WHERE id = ?", {by, part.row.id});
            if (ending->second != part.names) {
                std::set<std::string> stay;
                std::set_difference(part.names.begin(), part.names.end(), ending->second.begin(), ending->second.end(),
                                    std::inserter(stay, stay.end()));
                database.change("UPDATE origins SET attributes = ? WHERE id = ?",
                                {part_of(part.stored, ending->second), part.row.id});
                insert(database, type, key, part_of(part.stored, stay), part.row.from);
            }
        }
        if (const auto living = revives.find(part.row.id); living != revives.end())
            insert(database, type, key,
                   living->second == part.names ? part.stored : part_of(part.stored, living->second), by);
    }
}

}  // namespace

void remember_origin(Store::Handle& handle, const OwnedRecord& it, Owned owned) {
    Database& database = *handle.database;
    // It is said once, per attribute; of what was not there at all there is nothing more to say.
    std::set<std::string, std::less<>> known;
    bool was_there = !it.origin.is_null();
    if (owned == Owned::before)
        for (auto row = database.ask("SELECT attributes FROM origins WHERE type = ? AND key = ? AND to_run IS NULL",
                                     {it.type, it.key});
             row.next();) {
            const auto stored = row.text(0);
            for (Names names(stored); names.next();) known.emplace(names.name());
            if (stored.starts_with(R"({"":null)")) was_there = false;
        }
    Value::Map fresh;
    if (!known.contains(whether)) {
        fresh.push_back({Value(std::string(whether)), Value()});
        if (was_there) fresh.back().value = Value(std::string("true"));
    }
    if (was_there && !it.origin.is_null())
        for (const auto& entry : it.origin.map())
            if (!known.contains(entry.key.text())) fresh.push_back(entry);
    if (!fresh.empty()) insert(database, it.type, it.key, to_stored(Value(std::move(fresh)), handle), it.run);
}

void end_origin(Database& database, const std::string& type, const std::string& key, std::int64_t run) {
    database.change("UPDATE origins SET to_run = ? WHERE type = ? AND key = ? AND to_run IS NULL", {run, type, key});
}

void reinstate_origins(Database& database, const std::vector<std::int64_t>& taken_back, std::int64_t by) {
    std::set<std::pair<std::string, std::string>> touched;
    for (const std::int64_t run : taken_back)
        for (auto row = database.ask("SELECT type, key FROM origins WHERE from_run = ?1 UNION "
                                     "SELECT type, key FROM origins WHERE to_run = ?1",
                                     {run});
             row.next();)
            touched.emplace(row.text(0), row.text(1));
    for (const auto& [type, key] : touched) reinstate_origin(database, type, key, taken_back, by);
    // One that is owned again although a later run, of another site, let go of it last: its origin was closed then.
    database.change(
        "INSERT INTO origins(type, key, attributes, from_run) "
        "SELECT o.type, o.key, o.attributes, ?1 FROM origins o JOIN (SELECT DISTINCT type, key FROM states "
        "WHERE from_run = ?1 AND to_run IS NULL) s ON s.type = o.type AND s.key = o.key "
        "WHERE o.to_run = (SELECT max(to_run) FROM origins x WHERE x.type = o.type AND x.key = o.key) "
        "AND NOT EXISTS (SELECT 1 FROM origins x WHERE x.type = o.type AND x.key = o.key AND x.to_run IS NULL AND "
        "substr(x.attributes, 1, 4) = '{\"\":')",
        {by});
}

Value origin_of(Database& database, const BlobSource& blobs, const std::string& type, const std::string& key) {
    Value::Map attributes;
    for (auto row = database.ask("SELECT attributes FROM origins WHERE type = ? AND key = ? AND to_run IS NULL "
                                 "ORDER BY id",
                                 {type, key});
         row.next();) {
        Value all = from_stored(row.text(0), blobs);
        if (!all.is_map()) continue;
        for (auto& entry : std::get<Value::Map>(all.data)) {
            if (!entry.key.text().empty())
                attributes.push_back(std::move(entry));
            else if (entry.value.is_null())
                return {};
        }
    }
    return Value(std::move(attributes));
}

}  // namespace chaos::rollback
