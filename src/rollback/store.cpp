// SPDX-License-Identifier: Apache-2.0
#include "store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <chaos/transaction.hpp>

#include <cerrno>

#include "lock.hpp"
#include "records.hpp"
#include "store_handle.hpp"
#include "store_schema.hpp"

namespace chaos::rollback {
namespace {

/// Only where it is not: a run that changes nothing leaves the file's times as they are.
void make_private(const std::string& file) {
    constexpr mode_t mine = 0600;
    struct stat it {};
    const bool is = lstat(file.c_str(), &it) == 0 && (it.st_mode & 07777) == mine;
    if (!is && chmod(file.c_str(), mine) != 0) fail_on("can not make private", file);
}

// Below this a store is checked each time it is opened for change (under 2 ms); above, after a crash only.
constexpr std::int64_t checked_always = 1 << 20;

// Larger contents are files of their own: SQLite would hold each in memory, twice.
constexpr std::size_t largest_row = 1 << 20;
constexpr std::int64_t largest_answer = 64 << 20;

std::int64_t size_of(const std::string& path) {
    struct stat it {};
    return lstat(path.c_str(), &it) == 0 ? it.st_size : 0;
}

/// A key, or contents, without the database that says what they are of. (One that was cut as it began has neither yet.)
void refuse_where_it_is_gone(const std::string& directory, const std::string& file) {
    if (size_of(file) > 0 || size_of(file + "-wal") > 0) return;
    if (size_of(directory + "/seal.key") <= 0) return;
    throw Error(fmt::format("the store {} is gone, or empty: what lies beside it says that runs were recorded", file))
        .help(fmt::format("bring it back from a copy; or, for a history that begins anew: mv {0} {0}.kept", directory));
}

// A look that could not tidy up after SQLite, or for which the log's shared map would not hold, needs a copy.
bool must_copy(const std::string& directory, const std::string& file) {
    if (faccessat(AT_FDCWD, file.c_str(), R_OK | W_OK, AT_EACCESS) != 0 ||
        faccessat(AT_FDCWD, directory.c_str(), W_OK, AT_EACCESS) != 0) {
        if (errno != EACCES && errno != EPERM && errno != EROFS) fail_on("can not look at", file);
        return true;
    }
    return !maps_hold(file_system_of(directory)) && size_of(file + "-wal") > 0;
}

}  // namespace

Store::Handle::Handle(const std::string& state_directory, Access how) : directory(state_directory), access(how) {
    while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
    const auto file = directory + "/store.db";
    refuse_where_it_is_gone(directory, file);
    if (how == Access::look) {
        if (!durable::trusted(file, true) || size_of(file) == 0)
            throw Missing(fmt::format("there is no store in {}", directory));
        const auto look_at = [&](bool copied) {
            database.reset();
            if (copied) copy.emplace(file);
            database.emplace(copied ? copy->path() : file);
        };
        bool old = false;
        try {
            look_at(must_copy(directory, file));
            old = needs_migration(*database, migrations());
        } catch (const OutOfReach&) {
            // What SQLite makes beside it also to look has no room there.
            if (copy) throw;
            look_at(true);
            old = needs_migration(*database, migrations());
        }
        if (old) {
            if (is_new(*database)) throw Missing(fmt::format("there is no store in {}", directory));
            // An older store is looked at as it will be, but not changed by looking.
            if (!copy) copy.emplace(file);
            {
                Database older(copy->path());
                older.allow_changes(Database::Journal::log);
                migrate(older, migrations());
            }
            database.emplace(copy->path());
        }
        return;
    }
    durable::make_directory(directory);
    if (!durable::trusted(file, false)) durable::write_once(file, {});
    make_private(file);
    const bool crashed = size_of(file + "-wal") > 0 || size_of(file + "-journal") > 0;
    const bool check = crashed || size_of(file) <= checked_always;
    const auto journal = maps_hold(file_system_of(directory)) ? Database::Journal::log : Database::Journal::old_pages;
    database.emplace(file);
    const bool migrates = needs_migration(*database, migrations());
    if (check && !is_new(*database))
        if (const auto found = database->damage(); !found.empty()) throw damaged(file, found);
    database->allow_changes(journal);
    if (migrates) refuse_while_one_waits(*database), migrate(*database, migrations());
}

// Beside the store, in a file of its own: who gets a copy of the database alone gets no secret with it.
const SealKey& Store::Handle::key() const {
    if (held_key) return *held_key;
    const auto file = directory + "/seal.key";
    if (durable::trusted(file, access == Access::look)) return held_key.emplace(read_file(file));
    if (database->ask("SELECT 1 FROM meta WHERE name = 'sealed'").next())
        throw damaged(database->path(), fmt::format("the key to what it keeps closed is missing: {}", file));
    // Of an older chaos: nothing in it is closed yet, and a look makes no key.
    if (access == Access::look) return held_key.emplace(std::string(SealKey::size, '\0'));
    durable::write_once(file, SealKey::fresh().bytes());
    database->change("INSERT INTO meta VALUES('sealed', '1') ON CONFLICT(name) DO NOTHING");
    return held_key.emplace(read_file(file));
}

std::string Store::Handle::sealed(std::string_view open) {
    return key().seal_text(open);
}

std::string Store::Handle::opened(std::string_view sealed) const {
    auto open = key().open_text(sealed);
    if (!open)
        throw damaged(database->path(),
                      fmt::format("something in it was closed with another key than that of {}/seal.key", directory));
    return std::move(*open);
}

std::string Store::Handle::object(Digest name) const {
    return fmt::format("{}/objects/{}", directory, hex(name));
}

void Store::Handle::put(Digest name, std::string_view content) {
    if (content.size() <= largest_row) {
        // Under a name that tells as little as the bytes: who guesses a content could look it up by its digest.
        const std::string row = hex(key().digest(hex(name)));
        if (database->ask("SELECT 1 FROM blobs WHERE digest = ?", {row}).next()) return;
        database->change("INSERT INTO blobs(digest, bytes) VALUES(?, ?) ON CONFLICT(digest) DO NOTHING",
                         {row, Bytes{key().seal(content)}});
        return;
    }
    durable::make_directory(directory + "/objects");
    durable::write_once(object(name), content);
}

std::optional<std::string> Store::Handle::find(Digest name) const {
    std::optional<std::string> found;
    if (auto row = database->ask("SELECT bytes FROM blobs WHERE digest = ?", {hex(key().digest(hex(name)))});
        row.next()) {
        found = key().open(row.text(0));
        if (!found) throw damaged(database->path(), fmt::format("the content {} is not what was written", hex(name)));
    } else if (auto open = database->ask("SELECT bytes FROM blobs WHERE digest = ?", {hex(name)}); open.next())
        found = open.text(0);  // of a store that was written before there was a key
    else if (::access(object(name).c_str(), F_OK) == 0 && size_of(object(name)) <= largest_answer)
        found = read_file(object(name));
    if (found && digest(*found) != name)
        throw damaged(database->path(), fmt::format("the content {} is not what was written: its digest is {} now",
                                                    hex(name), hex(digest(*found))));
    return found;
}

bool Store::Handle::has(Digest name) const {
    return database->ask("SELECT 1 FROM blobs WHERE digest = ?", {hex(key().digest(hex(name)))}).next() ||
           database->ask("SELECT 1 FROM blobs WHERE digest = ?", {hex(name)}).next() ||
           ::access(object(name).c_str(), F_OK) == 0;
}

std::string Store::Handle::bytes(Digest name) const {
    if (auto found = find(name)) return std::move(*found);
    throw damaged(database->path(), fmt::format("the content {} is missing", hex(name)));
}

Store::Store(const std::string& state_directory, Access access)
    : handle_(std::make_unique<Handle>(state_directory, access)) {}
Store::~Store() = default;

std::optional<std::string> Store::blob(Digest name) const {
    const std::scoped_lock guard(handle_->mutex);
    return handle_->find(name);
}

bool Store::has_blob(Digest name) const {
    const std::scoped_lock guard(handle_->mutex);
    return handle_->has(name);
}

std::string Store::as_stored(const Value& value) const {
    // What is compared has its blobs in the store already, or differs.
    struct Nowhere final : BlobSink {
        explicit Nowhere(Handle& of) : handle(of) {}
        void put(Digest, std::string_view) override {}
        std::string sealed(std::string_view open) override { return handle.sealed(open); }
        Handle& handle;
    };
    const std::scoped_lock guard(handle_->mutex);
    Nowhere nowhere(*handle_);
    return to_stored(value, nowhere);
}

void Store::tidy() const noexcept try {
    Database(handle_->database->path()).run("PRAGMA wal_checkpoint(PASSIVE);");
} catch (const std::exception&) {  // whoever closes the database does it again
}

std::string Store::meta(const std::string& name) const {
    const std::scoped_lock guard(handle_->mutex);
    auto row = handle_->database->ask("SELECT value FROM meta WHERE name = ?", {name});
    return row.next() ? std::string(row.text(0)) : std::string();
}

}  // namespace chaos::rollback

namespace chaos {

std::unique_ptr<History> open_history(const std::string& root, const std::string& state_directory,
                                      std::string* open_run_note) {
    std::unique_ptr<rollback::Store> store;
    try {
        store = std::make_unique<rollback::Store>(state_directory, rollback::Store::Access::look);
    } catch (const rollback::Missing&) {
        return nullptr;
    }
    if (!open_run_note) return store;
    open_run_note->clear();
    const auto number = store->open_run();
    if (!number) return store;
    const auto run = store->run(*number);
    const auto steps = store->steps(*number);
    std::size_t done = 0;
    for (const auto& step : steps)
        done += step.state != rollback::StepRecord::State::planned && step.state != rollback::StepRecord::State::begun;
    const auto recover = root.empty() || root == "/" ? std::string("chaos recover") : "chaos recover --root " + root;
    if (const auto holder = rollback::holder_of(state_directory); !holder.empty())
        *open_run_note = fmt::format("run {} is at work: {}", *number, holder);
    else if (run && run->state == RunState::stuck)
        *open_run_note = fmt::format("run {} could not be taken back wholly: {}", *number, recover);
    else if (steps.empty())
        *open_run_note = fmt::format("run {} was cut before its first step: {}", *number, recover);
    else
        *open_run_note = fmt::format("run {} was cut at step {} of {}: {}", *number, std::min(done + 1, steps.size()),
                                     steps.size(), recover);
    return store;
}

}  // namespace chaos
