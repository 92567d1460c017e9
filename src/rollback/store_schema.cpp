// SPDX-License-Identifier: Apache-2.0
#include "store_schema.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace chaos::rollback {
namespace {

// Not STRICT: the sqlite3 of a host that is looked into may be older than ours.
constexpr Migration known[] = {{R"(
CREATE TABLE meta(            -- min_reader, program, machine_id
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs(
    number   INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice, also after pruning
    state    TEXT NOT NULL,   -- running, committed, partial, undoing, undone, stuck
    verb     TEXT NOT NULL,
    site     TEXT NOT NULL,
    who      TEXT NOT NULL,
    manifest TEXT NOT NULL,
    started  INTEGER NOT NULL,  -- nanoseconds since 1970
    ended    INTEGER NOT NULL,  -- 0: has not
    changes  INTEGER NOT NULL,
    note     TEXT NOT NULL,
    boot     TEXT NOT NULL,
    swept    INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_open ON runs(number) WHERE state IN ('running', 'undoing', 'stuck');
CREATE INDEX runs_unswept ON runs(number) WHERE swept = 0;

CREATE TABLE steps(
    run       INTEGER NOT NULL REFERENCES runs(number) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    type      TEXT NOT NULL,
    waits_for TEXT NOT NULL,  -- numbers of earlier steps
    scan      TEXT NOT NULL,  -- digest of a blob: the footprint before an opaque step; or empty
    state     TEXT NOT NULL,  -- planned, begun, done, skipped, undone
    PRIMARY KEY(run, number)
) WITHOUT ROWID;

CREATE TABLE changes(
    id        INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL REFERENCES runs(number) ON DELETE CASCADE,
    step      INTEGER NOT NULL,
    type      TEXT NOT NULL,
    key       TEXT NOT NULL,
    before    TEXT NOT NULL,  -- JSON; null: absent
    after     TEXT NOT NULL,
    triggered INTEGER NOT NULL,
    undo      TEXT NOT NULL,  -- exact, cached, effort, none
    result    TEXT NOT NULL,  -- planned, begun, done, skipped, undone, failed, kept
    place     TEXT NOT NULL   -- site.yml:12:3
);
CREATE INDEX changes_of_run ON changes(run, step);
CREATE UNIQUE INDEX changes_of_resource ON changes(type, key, run, step);

CREATE TABLE operations(      -- one name changed
    run    INTEGER NOT NULL REFERENCES runs(number) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    step   INTEGER NOT NULL,
    path   TEXT NOT NULL,
    before TEXT NOT NULL,     -- what lay there: one line, see image.hpp
    after  TEXT NOT NULL,
    staged TEXT NOT NULL,
    effect INTEGER NOT NULL,
    PRIMARY KEY(run, number)
) WITHOUT ROWID;

CREATE TABLE stage_directories(
    run  INTEGER NOT NULL REFERENCES runs(number) ON DELETE CASCADE,
    path TEXT NOT NULL,
    PRIMARY KEY(run, path)
) WITHOUT ROWID;

CREATE TABLE blobs(           -- larger ones are files: objects/DIGEST
    digest TEXT PRIMARY KEY,  -- BLAKE2b-128 of bytes, checked whenever they are read
    bytes  BLOB NOT NULL
);

CREATE TABLE sites(
    name   TEXT PRIMARY KEY,
    origin TEXT NOT NULL      -- where its manifest came from
) WITHOUT ROWID;

CREATE TABLE states(          -- state of run N: from_run <= N and (to_run > N or to_run is null)
    id         INTEGER PRIMARY KEY,
    type       TEXT NOT NULL,
    key        TEXT NOT NULL,
    site       TEXT NOT NULL,
    attributes TEXT NOT NULL,
    keep       INTEGER NOT NULL,
    protect    INTEGER NOT NULL,
    place      TEXT NOT NULL,
    from_run   INTEGER NOT NULL,
    to_run     INTEGER
);
CREATE UNIQUE INDEX states_now ON states(type, key, site) WHERE to_run IS NULL;
CREATE INDEX states_of_resource ON states(type, key, site, from_run);
CREATE INDEX states_from ON states(from_run);
CREATE INDEX states_to ON states(to_run) WHERE to_run IS NOT NULL;

CREATE TABLE origins(         -- what was there before we first touched it; of the host, not of a site
    id        INTEGER PRIMARY KEY,
    type      TEXT NOT NULL,
    key       TEXT NOT NULL,
    attribute TEXT NOT NULL,  -- empty: whether there was anything; value true, or null for nothing
    value     TEXT NOT NULL,
    from_run  INTEGER NOT NULL,
    to_run    INTEGER
);
CREATE UNIQUE INDEX origins_now ON origins(type, key, attribute) WHERE to_run IS NULL;
CREATE INDEX origins_of_resource ON origins(type, key, attribute, from_run);
CREATE INDEX origins_from ON origins(from_run);
CREATE INDEX origins_to ON origins(to_run) WHERE to_run IS NOT NULL;

CREATE TABLE noted(           -- the restart ledger: what a service took note of when it was last loaded
    type               TEXT NOT NULL,
    key                TEXT NOT NULL,
    inputs             TEXT NOT NULL,  -- JSON: digest by id.attribute
    invocation         TEXT NOT NULL,
    pending_inputs     TEXT,           -- written before a restart is asked for, gone when it has happened
    pending_invocation TEXT,
    PRIMARY KEY(type, key)
) WITHOUT ROWID;
)",
                                1},
                               // A chaos that does not know it would begin a run on top of one that waits.
                               {R"(
CREATE TABLE windows(         -- runs that must be confirmed, or are taken back
    run        INTEGER PRIMARY KEY REFERENCES runs(number) ON DELETE CASCADE,
    state      TEXT NOT NULL,     -- open, confirmed, over
    seconds    INTEGER NOT NULL,
    life       TEXT NOT NULL,     -- of the host, when until was set
    until      INTEGER NOT NULL,  -- CLOCK_BOOTTIME of that life, nanoseconds
    until_real INTEGER NOT NULL,  -- nanoseconds since 1970
    lives      INTEGER NOT NULL,  -- how many boots it has seen
    connection TEXT NOT NULL      -- the ssh connection it was begun from
);
CREATE INDEX windows_open ON windows(run) WHERE state = 'open';
)",
                                2},
                               {R"(
CREATE TABLE taken_back(      -- a rollback, and the runs that it took back
    by  INTEGER NOT NULL REFERENCES runs(number) ON DELETE CASCADE,
    run INTEGER NOT NULL,
    PRIMARY KEY(by, run)
) WITHOUT ROWID;
)",
                                2},
                               // What a person asks a run: from which commit, about what.
                               {R"(
ALTER TABLE runs ADD COLUMN revision TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN about TEXT NOT NULL DEFAULT '';
)",
                                2},
                               // Of the commit that a followed repository was at.
                               {R"(
ALTER TABLE runs ADD COLUMN author TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN message TEXT NOT NULL DEFAULT '';
)",
                                2},
                               // A column, and no word more in `before`: an older chaos reads those lines to their end.
                               // It makes a file of its own of such a name, as it always did.
                               {R"(
ALTER TABLE operations ADD COLUMN others BLOB NOT NULL DEFAULT x'';  -- the handle of before, where it had other names
)",
                                2},
                               // A row for each attribute was half of what a run wrote of what it owns.
                               {R"(
CREATE TABLE origins_in_one(  -- what was there before we first touched it; of the host, not of a site
    id         INTEGER PRIMARY KEY,
    type       TEXT NOT NULL,
    key        TEXT NOT NULL,
    attributes TEXT NOT NULL,  -- JSON, of what one run came to own; "", at its head: whether there was anything: "true", or null
    from_run   INTEGER NOT NULL,
    to_run     INTEGER
);
INSERT INTO origins_in_one(type, key, attributes, from_run, to_run)
    SELECT type, key, json_group_object(attribute, json(value)), from_run, to_run
    FROM (SELECT * FROM origins ORDER BY type, key, from_run, to_run, attribute) GROUP BY type, key, from_run, to_run;
DROP TABLE origins;
ALTER TABLE origins_in_one RENAME TO origins;
CREATE INDEX origins_of_resource ON origins(type, key, to_run);
CREATE INDEX origins_from ON origins(from_run);
CREATE INDEX origins_to ON origins(to_run) WHERE to_run IS NOT NULL;
)",
                                7}};

std::int64_t version_of(Database& database) {
    return database.number("PRAGMA user_version");
}

}  // namespace

void refuse_while_one_waits(Database& database) {
    if (version_of(database) < 2) return;
    const auto waits = database.number(
        "SELECT max(run) FROM windows JOIN runs ON number = run WHERE windows.state = 'open' AND "
        "runs.state IN ('running', 'committed', 'partial')");
    if (!waits) return;
    const auto directory = database.path().substr(0, database.path().rfind('/'));
    Busy error(fmt::format("run {} of an older chaos waits to be confirmed; the store {} is left as it is until then",
                           waits, database.path()));
    error.hint = fmt::format(
        "confirm it with the chaos that began it: {0}/window/loader --library-path {0}/window "
        "{0}/window/chaos confirm; or wait until it is taken back",
        directory);
    throw error;
}

std::span<const Migration> migrations() {
    return known;
}

bool is_new(Database& database) {
    return version_of(database) == 0 && database.number("SELECT count(*) FROM sqlite_master") == 0;
}

bool needs_migration(Database& database, std::span<const Migration> to) {
    if (is_new(database)) return true;
    if (const auto found = database.number("PRAGMA application_id"); found != application)
        throw damaged(database.path(), fmt::format("expected a store of chaos, found a database of another program "
                                                   "(application_id {:#x})",
                                                   found));
    const auto version = version_of(database), newest = static_cast<std::int64_t>(to.size());
    if (version <= newest) return version < newest;
    const auto least = database.number("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'min_reader'");
    if (least >= 1 && least <= newest) return false;
    std::string program = "a newer chaos";
    if (auto row = database.ask("SELECT value FROM meta WHERE name = 'program'"); row.next())
        program = fmt::format("chaos {}", row.text(0));
    throw Error(fmt::format("the store {} was written by {} (version {}, readable from {} on); this chaos reads up to "
                            "version {}",
                            database.path(), program, version, least, newest))
        .help("install that chaos again; nothing was changed");
}

void migrate(Database& database, std::span<const Migration> to) {
    auto version = version_of(database);
    if (version > 0) {
        if (const auto open =
                database.number("SELECT max(number) FROM runs WHERE state IN ('running', 'undoing', 'stuck')"))
            throw Error(fmt::format("run {} was begun by an older chaos and is still open: it has to be taken back "
                                    "by that one before the store {} can be used",
                                    open, database.path()))
                .help("chaos recover, with the version that began it");
        const auto kept =
            fmt::format("{}/store.v{}.db", database.path().substr(0, database.path().rfind('/')), version);
        if (access(kept.c_str(), F_OK) != 0) {
            auto copy = database.ask("VACUUM INTO ?", {kept});
            copy.next();
        }
    }
    for (; version < static_cast<std::int64_t>(to.size()); ++version) {
        const auto& script = to[static_cast<std::size_t>(version)].script;
        std::int64_t min_reader = 1;  // of all so far: one that only adds does not open what an earlier one closed
        for (const Migration& one : to.first(static_cast<std::size_t>(version + 1)))
            min_reader = std::max(min_reader, one.min_reader);
        database.run("BEGIN IMMEDIATE");
        try {
            database.run(script);
            for (const auto& [name, value] :
                 {std::pair<const char*, std::string>{"min_reader", std::to_string(min_reader)},
                  {"program", CHAOS_VERSION}})
                database.change("INSERT INTO meta VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                                {name, value});
            database.run(
                fmt::format("PRAGMA application_id={}; PRAGMA user_version={}; COMMIT;", application, version + 1));
        } catch (...) {
            if (database.in_transaction()) database.run("ROLLBACK");
            throw;
        }
    }
}

}  // namespace chaos::rollback
