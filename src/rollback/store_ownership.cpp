// SPDX-License-Identifier: Apache-2.0
// Who owns what, from run to run: own, release, reinstate.
//
// A row of `states` lives from the run that made it true to the run that ended it; `origins` likewise, per attribute.
// No row is ever changed to say something else of a run that is over: what lives again is written again, from then on.
#include <algorithm>
#include <map>

#include "store_handle.hpp"

namespace chaos::rollback {
namespace {

bool holds(const std::vector<std::int64_t>& runs, std::int64_t run) {
    return std::find(runs.begin(), runs.end(), run) != runs.end();
}

// One line of life: the rows of one resource of one site, or of one attribute's origin, oldest first.
struct Row {
    std::int64_t id, from, to;  // to 0: lives
};

// What of a line lives once these runs are taken back: walked back from its newest turn as long as that is one of
// theirs. A turn of any other run ends it: what came later stands. 0: nothing lives.
std::int64_t row_before(const std::vector<Row>& line, const std::vector<std::int64_t>& taken_back) {
    const auto living_at = [&](std::int64_t moment) -> std::int64_t {  // just before that run
        for (const Row& row : line)
            if (row.from < moment && (row.to == 0 || row.to >= moment)) return row.id;
        return 0;
    };
    std::vector<std::int64_t> turns;
    for (const Row& row : line) {
        turns.push_back(row.from);
        if (row.to) turns.push_back(row.to);
    }
    std::sort(turns.begin(), turns.end(), std::greater<>());
    std::int64_t lives = living_at(INT64_MAX);
    for (const std::int64_t turn : turns) {
        if (!holds(taken_back, turn)) break;
        lives = living_at(turn);
    }
    return lives;
}

std::int64_t living_row(const std::vector<Row>& line) {
    const auto it = std::find_if(line.begin(), line.end(), [](const Row& row) { return row.to == 0; });
    return it == line.end() ? 0 : it->id;
}

using Name = std::vector<std::string>;

// Ends what lives of a line and lets `row` live again from `by` on.
void turn(Database& database, bool states, std::int64_t living, std::int64_t row, std::int64_t by) {
    if (living)
        database.change(
            states ? "UPDATE states SET to_run = ? WHERE id = ?" : "UPDATE origins SET to_run = ? WHERE id = ?",
            {by, living});
    if (!row) return;
    database.change(states ? "INSERT INTO states(type, key, site, attributes, keep, protect, place, from_run) "
                             "SELECT type, key, site, attributes, keep, protect, place, ? FROM states WHERE id = ?"
                           : "INSERT INTO origins(type, key, attribute, value, from_run) "
                             "SELECT type, key, attribute, value, ? FROM origins WHERE id = ?",
                    {by, row});
}

void reinstate_states(Database& database, const std::vector<std::int64_t>& taken_back, std::int64_t by) {
    std::map<Name, std::vector<Row>> lines;
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
        if (living != wanted) turn(database, true, living, wanted, by);
    }
}

bool is_owned(Database& database, const Name& name) {
    return database.ask("SELECT 1 FROM states WHERE type = ? AND key = ? AND to_run IS NULL", {name[0], name[1]})
        .next();
}

/// What of a resource's origin outlives its first turn: asked once, not for each attribute.
class Owned {
public:
    explicit Owned(Database& database) : database_(database) {}

    bool now(const Name& name) { return latest(name) > 0; }
    /// Another run than `by` made somebody its owner at `run` or after it.
    bool since(const Name& name, std::int64_t run, std::int64_t by) {
        if (latest(name) < run) return false;
        return database_
            .ask(
                "SELECT 1 FROM states WHERE type = ? AND key = ? AND to_run IS NULL AND from_run >= ? AND "
                "from_run <> ?",
                {name[0], name[1], run, by})
            .next();
    }

private:
    /// The run that last made somebody own it who still does; 0: nobody does.
    std::int64_t latest(const Name& name) {
        if (known_.size() == 2 && known_[0] == name[0] && known_[1] == name[1]) return latest_;
        known_ = {name[0], name[1]};
        auto row = database_.ask("SELECT max(from_run) FROM states WHERE type = ? AND key = ? AND to_run IS NULL",
                                 {name[0], name[1]});
        latest_ = row.next() && !row.null(0) ? row.integer(0) : 0;
        return latest_;
    }

    Database& database_;
    Name known_;
    std::int64_t latest_ = 0;
};

// An origin is needed as long as somebody owns the resource, and by nobody else: so it follows the states.
void reinstate_origins(Database& database, const std::vector<std::int64_t>& taken_back, std::int64_t by) {
    std::map<Name, std::vector<Row>> lines;
    for (const std::int64_t run : taken_back)
        for (auto row = database.ask("SELECT o.type, o.key, o.attribute, o.id, o.from_run, o.to_run FROM "
                                     "(SELECT type, key, attribute FROM origins WHERE from_run = ?1 "
                                     "UNION SELECT type, key, attribute FROM origins WHERE to_run = ?1) "
                                     "JOIN origins o USING(type, key, attribute)",
                                     {run});
             row.next();)
            lines[{std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))}].push_back(
                {row.integer(3), row.integer(4), row.integer(5)});
    Owned owned(database);
    for (auto& [name, line] : lines) {
        const auto by_age = [](const Row& a, const Row& b) {
            return std::pair(a.from, a.id) < std::pair(b.from, b.id);
        };
        const auto same = [](const Row& a, const Row& b) { return a.id == b.id; };
        std::sort(line.begin(), line.end(), by_age);
        line.erase(std::unique(line.begin(), line.end(), same), line.end());  // of more runs than one
        const auto living = living_row(line), wanted = row_before(line, taken_back);
        if (living == wanted) continue;
        if (!wanted) {
            // Another site may have come to own it since, and will need it when it lets go.
            const auto began = std::find_if(line.begin(), line.end(), [&](const Row& row) { return row.id == living; });
            if (owned.since(name, began->from, by)) continue;
        } else if (!owned.now(name)) {
            continue;
        }
        turn(database, false, living, wanted, by);
    }
    // One that is owned again although a later run, of another site, let go of it last: its origin was closed then.
    database.change(
        "INSERT INTO origins(type, key, attribute, value, from_run) "
        "SELECT o.type, o.key, o.attribute, o.value, ?1 FROM origins o JOIN (SELECT DISTINCT type, key FROM states "
        "WHERE from_run = ?1 AND to_run IS NULL) s ON s.type = o.type AND s.key = o.key "
        "WHERE o.to_run = (SELECT max(to_run) FROM origins x WHERE x.type = o.type AND x.key = o.key) "
        "AND NOT EXISTS (SELECT 1 FROM origins x WHERE x.type = o.type AND x.key = o.key AND x.attribute = '' "
        "AND x.to_run IS NULL)",
        {by});
}

}  // namespace

void Store::Batch::own(const OwnedRecord& it) {
    Handle& handle = *store_.handle_;
    Database& database = *handle.database;
    const auto attributes = to_stored(it.attributes, handle);

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
        database.change(
            "INSERT INTO states(type, key, site, attributes, keep, protect, place, from_run) "
            "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            {it.type, it.key, it.site, attributes, it.keep, it.protect, it.where, it.run});
    }

    // What was there before is said once, per attribute; of what was not there at all there is nothing more to say.
    std::optional<bool> was_there;
    if (auto row = database.ask("SELECT value <> 'null' FROM origins WHERE type = ? AND key = ? AND attribute = '' AND "
                                "to_run IS NULL",
                                {it.type, it.key});
        row.next())
        was_there = row.integer(0) != 0;
    const auto remember = [&](std::string_view attribute, std::string_view value) {
        database.change(
            "INSERT INTO origins(type, key, attribute, value, from_run) VALUES(?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            {it.type, it.key, attribute, value, it.run});
    };
    if (!was_there) remember("", it.origin.is_null() ? "null" : "\"true\"");
    if (!it.origin.is_null() && was_there.value_or(true))
        for (const auto& [name, value] : it.origin.map()) remember(name.text(), to_stored(value, handle));
}

void Store::Batch::release(const std::string& type, const std::string& key, const std::string& site, std::int64_t run) {
    Database& database = *store_.handle_->database;
    database.change("UPDATE states SET to_run = ? WHERE type = ? AND key = ? AND site = ? AND to_run IS NULL",
                    {run, type, key, site});
    if (!is_owned(database, {type, key}))
        database.change("UPDATE origins SET to_run = ? WHERE type = ? AND key = ? AND to_run IS NULL",
                        {run, type, key});
}

void Store::Batch::reinstate(const std::vector<std::int64_t>& taken_back, std::int64_t by) {
    Database& database = *store_.handle_->database;
    reinstate_states(database, taken_back, by);
    reinstate_origins(database, taken_back, by);
}

}  // namespace chaos::rollback
