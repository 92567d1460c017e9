// SPDX-License-Identifier: Apache-2.0
// A sound store made of what can be read of a damaged one.
//
// Each table is read from its beginning until it can not be read on, then from its end. The damaged database is kept
// beside the new one as it is; the new one takes its place in one move.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <forward_list>

#include "expiry.hpp"
#include "lock.hpp"
#include "store_handle.hpp"
#include "store_schema.hpp"

namespace chaos::rollback {
namespace {

/// A table of the new store, with the columns that the old one has as well, and an order that needs no sorting.
struct Table {
    std::string name, columns, order, backwards;
    std::string quoted;  ///< The columns as one text: literals of SQL.
};

/// Two databases, not one attached to the other: where that one is damaged, nothing could be written in this one
/// either.
class Saving {
public:
    Saving(const std::string& damaged, const std::string& fresh) : from_(damaged), to_(fresh) {
        to_.allow_changes(Database::Journal::old_pages);
        migrate(to_, migrations());
        to_.run("PRAGMA foreign_keys=OFF");
    }

    std::vector<std::pair<std::string, std::int64_t>> all() {
        std::vector<std::pair<std::string, std::int64_t>> saved;
        const auto known = tables_or_error();
        to_.run("BEGIN");
        for (const Table& table : known)
            if (!copied(table, table.order)) copied(table, table.backwards);
        // A part of a run that is gone says nothing, and would stop the next run.
        for (const char* part : {"steps", "changes", "operations", "stage_directories", "windows"})
            to_.run(fmt::format("DELETE FROM {} WHERE run NOT IN (SELECT number FROM runs)", part));
        to_.run("DELETE FROM taken_back WHERE by NOT IN (SELECT number FROM runs)");
        for (const Table& table : known)
            saved.emplace_back(table.name, to_.number("SELECT count(*) FROM " + table.name));
        to_.run("COMMIT; PRAGMA foreign_keys=ON;");
        return saved;
    }

private:
    std::vector<Table> tables_or_error() {
        try {
            return tables();
        } catch (const Error&) {
            throw Error("what describes the tables of the damaged store can not be read: nothing of it can be saved so")
                .help("nothing was changed; keep a copy of the directory, and try: sqlite3 store.db .recover");
        }
    }

    bool has_column(const std::string& table, const std::string& column) {
        auto row = from_.ask("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", {table, column});
        return row.next();
    }

    std::vector<Table> tables() {
        std::vector<Table> all;
        const auto added = [](std::string& list, std::string_view word) {
            list += fmt::format("{}{}", list.empty() ? "" : ", ", word);
        };
        for (auto row = to_.ask("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND "
                                "name NOT LIKE 'sqlite_%' ORDER BY name");
             row.next();) {
            Table table{std::string(row.text(0)), "", "", "", ""};
            for (auto column = to_.ask("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", {table.name});
                 column.next();) {
                const std::string name(column.text(0));
                if (!has_column(table.name, name)) continue;
                added(table.columns, name);
                table.quoted += fmt::format("{}quote({})", table.quoted.empty() ? "" : " || ', ' || ", name);
                if (row.integer(1) == 0 || column.integer(1) == 0) continue;
                added(table.order, name), added(table.backwards, name + " DESC");
            }
            if (table.order.empty()) table.order = "rowid", table.backwards = "rowid DESC";
            if (!table.columns.empty()) all.push_back(std::move(table));
        }
        return all;
    }

    /// From one end on, to the other or to what can not be read; whether it came to the other end.
    bool copied(const Table& table, const std::string& order) {
        // Kept by Database under its text, for as long as that lives.
        questions_.push_front(
            fmt::format("SELECT {} FROM {} NOT INDEXED ORDER BY {}", table.quoted, table.name, order));
        try {
            auto row = from_.ask(questions_.front());
            for (std::string values; next(row, values);)
                to_.run(fmt::format("INSERT OR IGNORE INTO {}({}) VALUES({})", table.name, table.columns, values));
            return true;
        } catch (const Unreadable&) {
            return false;
        }
    }

    struct Unreadable {};

    /// What can not be read is told apart from what can not be written, which is no loss but a failure.
    static bool next(Database::Rows& row, std::string& values) try {
        if (!row.next()) return false;
        values = row.text(0);
        return true;
    } catch (const Error&) {
        throw Unreadable();
    }

    std::forward_list<std::string> questions_;  // before what refers to it
    Database from_, to_;
};

/// A content that is not what was written goes: in its place the right one would never be kept again.
void drop_wrong_contents(const Store::Handle& store) {
    std::vector<std::string> wrong;
    for (auto row = store.database->ask("SELECT digest, bytes FROM blobs"); row.next();) {
        const std::string name(row.text(0));
        const auto open = store.key().open(row.text(1));
        if ((open ? hex(store.key().digest(hex(digest(*open)))) : hex(digest(row.text(1)))) != name)
            wrong.push_back(name);
    }
    for (const std::string& name : wrong) store.database->change("DELETE FROM blobs WHERE digest = ?", {name});
}

/// Nor are such files of objects/ left to be taken for what their names say: they lie with the damaged store.
void set_aside_wrong_objects(const Store::Handle& store, const std::string& kept) {
    std::size_t looked_at = 0;
    const auto wrong = store.wrong_objects(looked_at);
    if (wrong.empty()) return;
    const std::string from = store.directory + "/objects", to = kept + "/objects";
    durable::make_directory(to);
    for (const auto& [name, what] : wrong)
        if (rename((from + "/" + name).c_str(), (to + "/" + name).c_str()) != 0)
            fail_on("can not set aside", from + "/" + name);
    durable::sync_directory(to);
    durable::sync_directory(from);
}

bool is_readable(std::string_view json, const BlobSource& blobs) {
    try {
        from_stored(json, blobs);
        return true;
    } catch (const Error&) {
        return false;
    }
}

/// The attributes of it that can be read; none where it says nothing any more. Nothing where all of it can.
std::optional<std::string> what_is_left(std::string_view json, const BlobSource& blobs) {
    if (is_readable(json, blobs)) return std::nullopt;
    try {
        Value all = from_json(json);
        if (auto* map = std::get_if<Value::Map>(&all.data)) {
            std::erase_if(*map, [&](const Value::Entry& entry) { return !is_readable(to_json(entry.value), blobs); });
            return to_json(all);
        }
    } catch (const Error&) {  // not even the names in it
    }
    return "{}";
}

/// What is owned must be readable for the next run: an attribute that is lost is not known any more, and looked at
/// anew.
void drop_lost_attributes(const Store::Handle& store) {
    const auto mend = [&](const char* question, const char* answer, std::string_view nothing) {
        std::vector<std::pair<std::int64_t, std::string>> mended;
        for (auto row = store.database->ask(question); row.next();)
            if (auto left = what_is_left(row.text(1), store)) mended.emplace_back(row.integer(0), std::move(*left));
        for (const auto& [id, attributes] : mended)
            store.database->change(answer, {attributes == "{}" ? nothing : std::string_view(attributes), id});
    };
    mend("SELECT id, attributes FROM states WHERE to_run IS NULL", "UPDATE states SET attributes = ? WHERE id = ?",
         "{}");
    mend("SELECT id, attributes FROM origins WHERE to_run IS NULL", "UPDATE origins SET attributes = ? WHERE id = ?",
         R"({"":"true"})");  // there was something, and nothing is known of it
}

/// A change of which something is lost can not be taken back: it is `kept`, and holds up nothing else of its run.
void keep_lost_changes(const Store::Handle& store) {
    struct Mended {
        std::int64_t id;
        std::string before, after;
    };
    std::vector<Mended> mended;
    for (auto row = store.database->ask("SELECT id, before, after FROM changes NOT INDEXED"); row.next();) {
        auto before = what_is_left(row.text(1), store), after = what_is_left(row.text(2), store);
        if (before || after)
            mended.push_back(
                {row.integer(0), before.value_or(std::string(row.text(1))), after.value_or(std::string(row.text(2)))});
    }
    for (const auto& [id, before, after] : mended)
        store.database->change("UPDATE changes SET before = ?, after = ?, result = 'kept' WHERE id = ?",
                               {before, after, id});
}

bool is_lost(std::string_view image, const Store::Handle& store, bool keeps_content) {
    try {
        const Digest content = image_in(image, store).content;
        return keeps_content && content && !store.has(content);
    } catch (const Error&) {
        return true;
    }
}

/// Of a path that can not go back to what it was, nothing is known but that.
void drop_lost_images(const Store::Handle& store) {
    struct Lost {
        std::int64_t run, number;
        std::string path;
    };
    std::vector<Lost> lost;
    for (auto row = store.database->ask("SELECT run, operations.number, path, before, after, swept FROM operations "
                                        "JOIN runs ON runs.number = run");
         row.next();)
        if (is_lost(row.text(3), store, row.integer(5) != 0) || is_lost(row.text(4), store, false))
            lost.push_back({row.integer(0), row.integer(1), std::string(row.text(2))});
    for (const auto& [run, number, path] : lost) {
        store.database->change("DELETE FROM operations WHERE run = ? AND number = ?", {run, number});
        store.database->change("UPDATE changes SET result = 'kept' WHERE run = ? AND key = ?", {run, path});
    }
    std::vector<std::string> scans;
    for (auto row = store.database->ask("SELECT DISTINCT scan FROM steps WHERE scan <> ''"); row.next();) try {
            if (!store.has(digest_from_hex(row.text(0)))) scans.emplace_back(row.text(0));
        } catch (const Error&) {
            scans.emplace_back(row.text(0));
        }
    for (const std::string& scan : scans) store.database->change("UPDATE steps SET scan = '' WHERE scan = ?", {scan});
}

/// What stands ready finds nothing that waits then, and would leave a run as it is that nobody confirmed.
void tell_of_a_lost_window(const Store::Handle& store, Health& health) {
    const auto waits = store.database->number("SELECT count(*) FROM windows WHERE state = 'open'");
    if (waits != 0 || !is_armed(store.directory)) return;
    health.flaws.push_back(
        {"which run waits to be confirmed can not be read", {"that it goes back by itself: chaos rollback does it"}});
}

std::string aside(const std::string& directory) {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::string name = fmt::format("{}/store.damaged-{:04}{:02}{:02}T{:02}{:02}{:02}Z", directory, parts.tm_year + 1900,
                                   parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    if (mkdir(name.c_str(), 0700) != 0) fail_on("can not make", name);
    return name;
}

void link_into(const std::string& from, const std::string& to) {
    if (link(from.c_str(), to.c_str()) != 0 && errno != ENOENT) fail_on("can not keep", from);
}

}  // namespace
}  // namespace chaos::rollback

namespace chaos {

Salvage salvage_history(const std::string& state_directory, Reporter& reporter) {
    using namespace rollback;
    Salvage done;
    const std::string file = state_directory + "/store.db", fresh = state_directory + "/store.new.db";
    if (!durable::trusted(file, false)) throw Error(fmt::format("there is no store in {}", state_directory));
    const Lock lock(state_directory, reporter);
    done.health = check_history(state_directory);
    if (done.health.flaws.empty()) return done;
    unlink(fresh.c_str()), unlink((fresh + "-journal").c_str());
    durable::write_once(fresh, {});
    // A copy is read: the log is brought in, and nothing of the original changes.
    const PrivateCopy copy(file);
    done.rows = Saving(copy.path(), fresh).all();
    done.kept = aside(state_directory);
    for (const char* end : {"", "-wal", "-journal"}) link_into(file + end, done.kept + "/store.db" + end);
    durable::sync_directory(done.kept);
    // From here on each name says what it holds: without its log the old one is not the old one.
    for (const char* end : {"-wal", "-shm", "-journal"}) unlink((file + end).c_str());
    if (rename(fresh.c_str(), file.c_str()) != 0) fail_on("can not put in its place", fresh);
    durable::sync_directory(state_directory);
    done.health = check_history(state_directory);
    // Told first what is lost, then made fit for the next run.
    const Store::Handle handle(state_directory, Store::Access::change);
    drop_wrong_contents(handle);
    set_aside_wrong_objects(handle, done.kept);
    drop_lost_attributes(handle);
    keep_lost_changes(handle);
    drop_lost_images(handle);
    tell_of_a_lost_window(handle, done.health);
    return done;
}

bool has_key_of_host(const std::string& state_directory) {
    return durable::trusted(state_directory + "/seal.key", true);
}

SealKey key_of_host(const std::string& state_directory) {
    const std::string file = state_directory + "/seal.key";
    if (!durable::trusted(file, true)) {
        rollback::Store store(state_directory, rollback::Store::Access::change);
        (void)store.as_stored([] {
            Value any(std::string("a key"));
            any.secret = true;
            return any;
        }());
    }
    return SealKey(rollback::read_file(file));
}

std::string keep_imported(const std::string& state_directory, const std::string& name, const std::string& text) {
    if (name.empty() || name.find('/') != name.npos || name.starts_with('.'))
        throw Error(fmt::format("'{}' is no name for a run", name));
    const std::string directory = state_directory + "/imported", path = directory + "/" + name;
    durable::make_directory(state_directory);
    durable::make_directory(directory);
    durable::write_once(path, text);
    if (rollback::read_file(path) != text)
        throw Error(fmt::format("another run is kept as {}", name)).help(fmt::format("rm {}", path));
    return path;
}

}  // namespace chaos
