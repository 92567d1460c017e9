// SPDX-License-Identifier: Apache-2.0
// Who owns what, from run to run: own, release, reinstate.
//
// A row of `states` lives from the run that made it true to the run that ended it; `origins` likewise (origins.hpp). No
// row is ever changed to say something else of a run that is over: what lives again is written again, from then on.
#include <array>
#include <map>

#include "id_view.hpp"
#include "lines_of_life.hpp"
#include "origins.hpp"

namespace chaos::rollback {
namespace {

// Ends what lives of a line and lets `row` live again from `by` on.
void turn(Database& database, std::int64_t living, std::int64_t row, std::int64_t by) {
    if (living) database.change("UPDATE states SET to_run = ? WHERE id = ?", {by, living});
    if (row)
        database.change(
            "INSERT INTO states(type, key, site, attributes, keep, protect, place, from_run) "
            "SELECT type, key, site, attributes, keep, protect, place, ? FROM states WHERE id = ?",
            {by, row});
}

void reinstate_states(Database& database, const std::vector<std::int64_t>& taken_back, std::int64_t by) {
    std::map<std::array<std::string, 3>, Line> lines;
    for (const std::int64_t run : taken_back)
        for (auto row = database.ask("SELECT type, key, site FROM states WHERE from_run = ?1 "
                                     "UNION SELECT type, key, site FROM states WHERE to_run = ?1",
                                     {run});
             row.next();)
            lines[{std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))}];
    for (auto& [name, line] : lines) {
        for (auto row = database.ask("SELECT id, from_run, to_run FROM states WHERE type = ? AND key = ? AND site = ? "
                                     "ORDER BY from_run, id",
                                     {name[0], name[1], name[2]});
             row.next();)
            line.push_back({row.integer(0), row.integer(1), row.integer(2)});
        const auto living = living_row(line), wanted = row_before(line, taken_back);
        if (living != wanted) turn(database, living, wanted, by);
    }
}

bool is_owned(Database& database, const std::string& type, const std::string& key) {
    return database.ask("SELECT 1 FROM states WHERE type = ? AND key = ? AND to_run IS NULL", {type, key}).next();
}

/// Of a resource with other names than these there is no row that lives: it need not be asked for.
bool is_new(Store::Handle& handle, const OwnedRecord& it) {
    if (!handle.owned) {
        handle.owned.emplace();
        for (auto row = handle.database->ask("SELECT type, key FROM states WHERE to_run IS NULL "
                                             "UNION ALL SELECT type, key FROM origins WHERE to_run IS NULL");
             row.next();)
            handle.owned->insert(IdHash()({row.text(0), row.text(1)}));
    }
    return handle.owned->insert(IdHash()({it.type, it.key})).second;
}

void insert_state(Database& database, const OwnedRecord& it, const std::string& attributes) {
    database.change(
        "INSERT INTO states(type, key, site, attributes, keep, protect, place, from_run) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        {it.type, it.key, it.site, attributes, it.keep, it.protect, it.where, it.run});
}

}  // namespace

void Store::Batch::own(const OwnedRecord& it) {
    Handle& handle = *store_.handle_;
    Database& database = *handle.database;
    const auto attributes = to_stored(it.attributes, handle);
    if (is_new(handle, it)) {
        insert_state(database, it, attributes);
        return remember_origin(handle, it, Owned::newly);
    }
    std::int64_t living = 0, from = 0;
    bool same = false, moved = false;
    if (auto row = database.ask("SELECT id, from_run, attributes = ?4 AND keep = ?5 AND protect = ?6, place <> ?7 "
                                "FROM states WHERE type = ?1 AND key = ?2 AND site = ?3 AND to_run IS NULL",
                                {it.type, it.key, it.site, attributes, it.keep, it.protect, it.where});
        row.next())
        living = row.integer(0), from = row.integer(1), same = row.integer(2) != 0, moved = row.integer(3) != 0;
    if (same && moved) {
        database.change("UPDATE states SET place = ? WHERE id = ?", {it.where, living});
    } else if (living && !same && from == it.run) {
        database.change("UPDATE states SET attributes = ?, keep = ?, protect = ?, place = ? WHERE id = ?",
                        {attributes, it.keep, it.protect, it.where, living});
    } else if (!same) {
        if (living) database.change("UPDATE states SET to_run = ? WHERE id = ?", {it.run, living});
        insert_state(database, it, attributes);
    }
    remember_origin(handle, it, Owned::before);
}

void Store::Batch::release(const std::string& type, const std::string& key, const std::string& site, std::int64_t run) {
    Database& database = *store_.handle_->database;
    database.change("UPDATE states SET to_run = ? WHERE type = ? AND key = ? AND site = ? AND to_run IS NULL",
                    {run, type, key, site});
    if (!is_owned(database, type, key)) end_origin(database, type, key, run);
}

void Store::Batch::reinstate(const std::vector<std::int64_t>& taken_back, std::int64_t by) {
    Database& database = *store_.handle_->database;
    reinstate_states(database, taken_back, by);
    reinstate_origins(database, taken_back, by);
}

}  // namespace chaos::rollback
