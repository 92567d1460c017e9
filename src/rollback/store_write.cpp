// SPDX-License-Identifier: Apache-2.0
// What a Batch writes.
#include <fmt/format.h>

#include "records.hpp"
#include "store_handle.hpp"

namespace chaos::rollback {
namespace {

void must_be_there(std::int64_t rows, const ChangeRecord& change) {
    if (rows == 0)
        throw Error(fmt::format("the store has no change of {} in step {} of run {}",
                                to_text(RecordedId{change.type, change.key}), change.step, change.run));
}

void must_be_there(std::int64_t rows, std::int64_t run, std::int64_t step) {
    if (rows == 0) throw Error(fmt::format("the store has no step {} of run {}", step, run));
}

void must_be_there(std::int64_t rows, std::int64_t run) {
    if (rows == 0) throw Error(fmt::format("the store has no run {}", run));
}

}  // namespace

Store::Batch::Batch(Store& store) : store_(store) {
    Handle& handle = *store_.handle_;
    handle.mutex.lock();
    try {
        if (handle.access == Access::look) throw Error("the store was opened for looking");
        if (!handle.broken.empty())
            throw Error(handle.broken).help("what can be wrong with the disk (df, dmesg), then: chaos recover");
        if (handle.database->in_transaction()) throw Error("the store is in the middle of another change");
        handle.database->change("BEGIN IMMEDIATE");
        handle.forget();
    } catch (...) {
        handle.mutex.unlock();
        throw;
    }
}

Store::Batch::~Batch() {
    Handle& handle = *store_.handle_;
    try {
        if (!done_ && handle.database->in_transaction()) handle.database->change("ROLLBACK");
    } catch (const std::exception&) {  // nothing was committed: that is what a batch that is given up is to leave
    }
    handle.forget();
    handle.mutex.unlock();
}

void Store::Batch::commit() {
    Handle& handle = *store_.handle_;
    try {
        handle.database->change("COMMIT");
    } catch (const Error& error) {
        // Whether it is on the disk is not known, and asking again would be answered by the cache (rule 9).
        handle.broken =
            fmt::format("nothing more is written to the store after a commit that failed: {}", error.what());
        throw;
    }
    done_ = true;
}

std::int64_t Store::Batch::add_run(const RunRecord& run) {
    auto& database = *store_.handle_->database;
    database.change(
        "INSERT INTO runs(state, verb, site, who, manifest, started, ended, changes, note, boot, revision, about, "
        "author, message) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {chaos::to_text(run.state), run.verb, run.site, run.who, run.manifest, run.started, run.ended, run.changes,
         run.note, run.boot, run.revision, run.about, run.author, run.message});
    const std::int64_t number = database.last_row();
    for (const std::int64_t taken : run.takes_back)
        database.change("INSERT INTO taken_back(by, run) VALUES(?, ?)", {number, taken});
    return number;
}

void Store::Batch::set_run(std::int64_t run, RunState state, const std::string& note, std::int64_t ended,
                           std::int64_t changes) {
    must_be_there(
        store_.handle_->database->change("UPDATE runs SET state = ?, note = ?, ended = ?, changes = ? WHERE number = ?",
                                         {chaos::to_text(state), note, ended, changes, run}),
        run);
}

void Store::Batch::set_swept(std::int64_t run) {
    must_be_there(store_.handle_->database->change("UPDATE runs SET swept = 1 WHERE number = ?", {run}), run);
}

void Store::Batch::set_note(std::int64_t run, const std::string& note) {
    must_be_there(store_.handle_->database->change("UPDATE runs SET note = ? WHERE number = ?", {note, run}), run);
}

void Store::Batch::set_window(const Window& window) {
    store_.handle_->database->change(
        "INSERT INTO windows(run, state, seconds, life, until, until_real, lives, connection) "
        "VALUES(?, 'open', ?, ?, ?, ?, ?, ?) ON CONFLICT(run) DO UPDATE SET seconds = excluded.seconds, life = "
        "excluded.life, until = excluded.until, until_real = excluded.until_real, lives = excluded.lives",
        {window.run, window.seconds, window.life, window.until, window.until_real,
         static_cast<std::int64_t>(window.lives), window.connection});
}

void Store::Batch::close_windows(const std::vector<std::int64_t>& runs, bool confirmed) {
    for (const std::int64_t run : runs)
        store_.handle_->database->change("UPDATE windows SET state = ? WHERE run = ? AND state = 'open'",
                                         {confirmed ? "confirmed" : "over", run});
}

void Store::Batch::add_step(const StepRecord& step) {
    std::string scan;
    if (!step.scan.empty()) {
        scan = hex(digest(step.scan));
        put_blob(digest(step.scan), step.scan);
    }
    store_.handle_->database->change(
        "INSERT INTO steps(run, number, type, waits_for, scan, state) VALUES(?, ?, ?, ?, ?, ?)",
        {step.run, step.number, step.type, to_text(step.waits_for), scan, to_text(step.state)});
}

void Store::Batch::set_step(std::int64_t run, std::int64_t number, StepRecord::State state) {
    must_be_there(store_.handle_->database->change("UPDATE steps SET state = ? WHERE run = ? AND number = ?",
                                                   {to_text(state), run, number}),
                  run, number);
}

void Store::Batch::set_scan(std::int64_t run, std::int64_t number, const std::string& scan) {
    const Digest name = digest(scan);
    put_blob(name, scan);
    must_be_there(store_.handle_->database->change("UPDATE steps SET scan = ? WHERE run = ? AND number = ?",
                                                   {hex(name), run, number}),
                  run, number);
}

void Store::Batch::add_change(const ChangeRecord& change) {
    Handle& handle = *store_.handle_;
    handle.database->change(
        "INSERT INTO changes(run, step, type, key, before, after, triggered, undo, result, place) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {change.run, change.step, change.type, change.key, to_stored(change.before, handle),
         to_stored(change.after, handle), change.triggered, to_text(change.undo), chaos::to_text(change.result),
         change.where});
}

void Store::Batch::set_change(const ChangeRecord& change) {
    Handle& handle = *store_.handle_;
    must_be_there(
        handle.database->change("UPDATE changes SET before = ?, after = ?, result = ? "
                                "WHERE run = ? AND step = ? AND type = ? AND key = ?",
                                {to_stored(change.before, handle), to_stored(change.after, handle),
                                 chaos::to_text(change.result), change.run, change.step, change.type, change.key}),
        change);
}

void Store::Batch::set_results(std::int64_t run, std::int64_t step) {
    must_be_there(store_.handle_->database->change("UPDATE changes SET result = ? WHERE run = ? AND step = ?",
                                                   {chaos::to_text(ChangeRecord::Result::done), run, step}),
                  run, step);
}

/// The digest of a content would confirm a guess of it: it is closed as well.
static std::string closed(const Image& image, BlobSink& sink) {
    if (!image.content) return to_text(image);
    Image without = image;
    without.content = {};
    return to_text(without) + ' ' + sink.sealed(hex(image.content));
}

void Store::Batch::add_operation(const Operation& it) {
    store_.handle_->database->change(
        "INSERT INTO operations(run, number, step, path, before, after, staged, effect, others) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {it.run, it.number, it.step, it.path, closed(it.before, *store_.handle_), closed(it.after, *store_.handle_),
         it.staged, it.effect, Bytes{it.before.others}});
}

void Store::Batch::add_stage_directory(std::int64_t run, const std::string& path) {
    store_.handle_->database->change("INSERT INTO stage_directories(run, path) VALUES(?, ?) ON CONFLICT DO NOTHING",
                                     {run, path});
}

void Store::Batch::put_blob(Digest name, std::string_view bytes) {
    store_.handle_->put(name, bytes);
}

void Store::Batch::set_meta(const std::string& name, const std::string& value) {
    store_.handle_->database->change(
        "INSERT INTO meta VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", {name, value});
}

void Store::Batch::set_site(const std::string& name, const std::string& origin) {
    store_.handle_->database->change(
        "INSERT INTO sites VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET origin = excluded.origin", {name, origin});
}

void Store::Batch::note(const ResourceId& id, const std::vector<std::pair<std::string, Digest>>& noted,
                        const std::string& invocation, bool pending) {
    Handle& handle = *store_.handle_;
    Value::Map map;
    for (const auto& [name, value] : noted) map.push_back({Value(name), Value(hex(value))});
    Value all(std::move(map));
    all.secret = true;  // digests of what is watched: they would confirm a guess
    const auto inputs = to_stored(all, handle);
    // While it is pending, what was known before stays the answer: a restart that was cut is asked for again.
    if (pending)
        handle.database->change(
            "INSERT INTO noted(type, key, inputs, invocation, pending_inputs, pending_invocation) "
            "VALUES(?, ?, '{}', '', ?, ?) ON CONFLICT(type, key) DO UPDATE "
            "SET pending_inputs = excluded.pending_inputs, pending_invocation = excluded.pending_invocation",
            {id.type, id.key, inputs, invocation});
    else
        handle.database->change("INSERT OR REPLACE INTO noted(type, key, inputs, invocation) VALUES(?, ?, ?, ?)",
                                {id.type, id.key, inputs, invocation});
}

}  // namespace chaos::rollback
