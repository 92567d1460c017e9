// SPDX-License-Identifier: Apache-2.0
// What a Store answers.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "origins.hpp"
#include "records.hpp"
#include "store_handle.hpp"

namespace chaos::rollback {
namespace {

constexpr std::string_view columns_of_runs =
    "number, state, verb, site, who, manifest, started, ended, changes, note, boot, revision, about, author, message, "
    "coalesce((SELECT group_concat(run) FROM taken_back WHERE by = number), '')";

RunRecord run_of(const Database::Rows& row) {
    RunRecord run;
    run.number = row.integer(0);
    run.state = run_state_from(row.text(1));
    run.verb = row.text(2);
    run.site = row.text(3);
    run.who = row.text(4);
    run.manifest = row.text(5);
    run.started = row.integer(6);
    run.ended = row.integer(7);
    run.changes = row.integer(8);
    run.note = row.text(9);
    run.boot = row.text(10);
    run.revision = row.text(11);
    run.about = row.text(12);
    run.author = row.text(13), run.message = row.text(14);
    for (std::string_view rest = row.text(15); !rest.empty();) {
        const auto word = rest.substr(0, rest.find(','));
        std::from_chars(word.data(), word.data() + word.size(), run.takes_back.emplace_back());
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
    return run;
}

/// What a row says; where it is no JSON any more, that is damage to the store and not an error of the text.
Value value_in(std::string_view json, const Store::Handle& store) {
    Value said = [&] {
        try {
            return from_json(json);
        } catch (const Error& error) {
            throw damaged(store.database->path(), fmt::format("what a run recorded is not readable: {}", error.what()));
        }
    }();
    return from_stored(std::move(said), store);
}

constexpr std::string_view contents_too = "before, after", outline = "'null', 'null'";

/// Which of them, in what order, and with what of them.
std::vector<ChangeRecord> changes_in(const Store::Handle& store, std::string_view which,
                                     std::initializer_list<Parameter> parameters,
                                     std::string_view what = contents_too) {
    std::vector<ChangeRecord> changes;
    auto row = store.database->ask(fmt::format("SELECT run, step, type, key, {}, triggered, undo, result, place FROM "
                                               "changes WHERE {}",
                                               what, which),
                                   parameters);
    while (row.next()) {
        ChangeRecord& change = changes.emplace_back();
        change.run = row.integer(0);
        change.step = row.integer(1);
        change.type = row.text(2);
        change.key = row.text(3);
        change.before = value_in(row.text(4), store);
        change.after = value_in(row.text(5), store);
        change.triggered = row.integer(6) != 0;
        change.undo = undo_from(row.text(7));
        change.result = result_from(row.text(8));
        change.where = row.text(9);
    }
    return changes;
}

std::vector<std::int64_t> numbers_in(Database::Rows row) {
    std::vector<std::int64_t> numbers;
    while (row.next()) numbers.push_back(row.integer(0));
    return numbers;
}

OwnedRecord owned_in(const Database::Rows& row, Database& database, const BlobSource& blobs) {
    OwnedRecord it;
    it.type = row.text(0);
    it.key = row.text(1);
    it.site = row.text(2);
    it.attributes = from_stored(row.text(3), blobs);
    it.keep = row.integer(4) != 0;
    it.protect = row.integer(5) != 0;
    it.run = row.integer(6);
    it.where = row.text(7);
    it.origin = origin_of(database, blobs, it.type, it.key);
    return it;
}

}  // namespace

Image image_in(std::string_view line, const BlobSource& blobs) {
    constexpr auto words = 12;
    std::size_t at = 0;
    for (int i = 0; i < words && at != line.npos; ++i) at = line.find(' ', i ? at + 1 : 0);
    if (at == line.npos) return image_from_text(line);
    Image image = image_from_text(line.substr(0, at));
    image.content = digest_from_hex(blobs.opened(line.substr(at + 1)));
    return image;
}

std::vector<RunRecord> Store::runs(std::size_t most) const {
    const std::scoped_lock guard(handle_->mutex);
    std::vector<RunRecord> runs;
    for (auto row =
             handle_->database->ask(fmt::format("SELECT {} FROM runs ORDER BY number DESC LIMIT ?", columns_of_runs),
                                    {most ? static_cast<std::int64_t>(most) : -1});
         row.next();)
        runs.push_back(run_of(row));
    return runs;
}

std::optional<RunRecord> Store::run(std::int64_t number) const {
    const std::scoped_lock guard(handle_->mutex);
    auto row = handle_->database->ask(fmt::format("SELECT {} FROM runs WHERE number = ?", columns_of_runs), {number});
    if (!row.next()) return std::nullopt;
    return run_of(row);
}

std::vector<ChangeRecord> Store::changes(std::int64_t run) const {
    const std::scoped_lock guard(handle_->mutex);
    return changes_in(*handle_, "run = ? ORDER BY step, id", {run});
}

std::vector<ChangeRecord> Store::outlines(std::int64_t run) const {
    const std::scoped_lock guard(handle_->mutex);
    return changes_in(*handle_, "run = ? ORDER BY step, id", {run}, outline);
}

std::vector<ChangeRecord> Store::reactions(std::int64_t run) const {
    const std::scoped_lock guard(handle_->mutex);
    return changes_in(*handle_, "run = ? AND triggered <> 0 ORDER BY step, id", {run});
}

std::set<RecordedId> Store::done_beside(const std::vector<std::int64_t>& runs) const {
    const std::scoped_lock guard(handle_->mutex);
    std::set<RecordedId> found;
    if (runs.empty()) return found;
    const std::int64_t first = *std::min_element(runs.begin(), runs.end());
    for (auto row = handle_->database->ask("SELECT type, key, run FROM changes WHERE run > ? AND result = ?",
                                           {first, chaos::to_text(ChangeRecord::Result::done)});
         row.next();)
        if (std::find(runs.begin(), runs.end(), row.integer(2)) == runs.end())
            found.insert({std::string(row.text(0)), std::string(row.text(1))});
    return found;
}

std::vector<ChangeRecord> Store::changes_of(const ResourceId& id) const {
    const std::scoped_lock guard(handle_->mutex);
    return changes_in(*handle_, "type = ? AND key = ? ORDER BY run DESC, id DESC", {id.type, id.key});
}

std::vector<OwnedRecord> Store::owned(const std::string& site) const {
    const std::scoped_lock guard(handle_->mutex);
    std::vector<OwnedRecord> owned;
    for (auto row = handle_->database->ask("SELECT type, key, site, attributes, keep, protect, from_run, place "
                                           "FROM states WHERE to_run IS NULL AND (?1 = '' OR site = ?1) ORDER BY id",
                                           {site});
         row.next();)
        owned.push_back(owned_in(row, *handle_->database, *handle_));
    return owned;
}

OwnedRecord Store::owned(const Holding& one) const {
    const std::scoped_lock guard(handle_->mutex);
    auto row = handle_->database->ask(
        "SELECT type, key, site, attributes, keep, protect, from_run, place FROM states WHERE id = ? AND to_run IS "
        "NULL",
        {one.number});
    if (!row.next())
        throw Error(fmt::format("{} does not belong to site '{}'", to_text(RecordedId{one.type, one.key}), one.site));
    return owned_in(row, *handle_->database, *handle_);
}

const std::vector<Holding>& Store::holdings() const {
    const std::scoped_lock guard(handle_->mutex);
    if (handle_->holdings && !handle_->database->in_transaction()) return *handle_->holdings;
    std::vector<Holding> held;
    // By the index of what lives: the table has what is over as well.
    for (auto row = handle_->database->ask("SELECT type, key, site, attributes, keep, protect, id FROM states "
                                           "INDEXED BY states_now WHERE to_run IS NULL");
         row.next();)
        held.push_back({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
                        std::string(row.text(3)), row.integer(4) != 0, row.integer(5) != 0, row.integer(6)});
    return handle_->holdings.emplace(std::move(held));
}

std::vector<RecordedId> Store::recorded_at(const std::string& path) const {
    const std::scoped_lock guard(handle_->mutex);
    std::set<RecordedId> found;
    for (auto row = handle_->database->ask("SELECT DISTINCT type, key FROM changes WHERE key = ?", {path}); row.next();)
        found.insert({std::string(row.text(0)), std::string(row.text(1))});
    // A step of several resources does not say which of them it was.
    for (auto row = handle_->database->ask(
             "SELECT max(c.type), max(c.key) FROM operations o JOIN changes c ON c.run = o.run AND c.step = o.step "
             "WHERE o.path = ? GROUP BY o.run, o.number HAVING count(*) = 1",
             {path});
         row.next();)
        found.insert({std::string(row.text(0)), std::string(row.text(1))});
    return {found.begin(), found.end()};
}

std::int64_t Store::pruned() const {
    const std::scoped_lock guard(handle_->mutex);
    auto row = handle_->database->ask("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'pruned'");
    return row.next() ? row.integer(0) : 0;
}

std::string Store::site_origin(const std::string& site) const {
    const std::scoped_lock guard(handle_->mutex);
    auto row = handle_->database->ask("SELECT origin FROM sites WHERE name = ?", {site});
    return row.next() ? std::string(row.text(0)) : std::string();
}

std::vector<std::pair<std::string, Digest>> Store::noted(const ResourceId& id, std::string* invocation) const {
    const std::scoped_lock guard(handle_->mutex);
    std::vector<std::pair<std::string, Digest>> inputs;
    if (invocation) invocation->clear();
    auto row =
        handle_->database->ask("SELECT inputs, invocation FROM noted WHERE type = ? AND key = ?", {id.type, id.key});
    if (!row.next()) return inputs;
    const Value stored = from_stored(row.text(0), *handle_);
    for (const auto& [name, value] : stored.map()) inputs.emplace_back(name.text(), digest_from_hex(value.text()));
    if (invocation) *invocation = row.text(1);
    return inputs;
}

std::optional<Window> Store::window() const {
    const std::scoped_lock guard(handle_->mutex);
    auto row = handle_->database->ask(
        "SELECT run, seconds, life, until, until_real, lives, connection FROM windows JOIN runs ON number = run "
        "WHERE windows.state = 'open' AND runs.state IN ('committed', 'partial') ORDER BY run DESC LIMIT 1");
    if (!row.next()) return std::nullopt;
    Window window;
    window.run = row.integer(0);
    window.seconds = row.integer(1);
    window.life = row.text(2);
    window.until = row.integer(3);
    window.until_real = row.integer(4);
    window.lives = static_cast<int>(row.integer(5));
    window.connection = row.text(6);
    return window;
}

bool Store::is_confirmed(std::int64_t run) const {
    const std::scoped_lock guard(handle_->mutex);
    return handle_->database->ask("SELECT 1 FROM windows WHERE run = ? AND state = 'confirmed'", {run}).next();
}

std::optional<std::int64_t> Store::open_run() const {
    const std::scoped_lock guard(handle_->mutex);
    auto row = handle_->database->ask(
        "SELECT number FROM runs WHERE state IN ('running', 'undoing', 'stuck') "
        "ORDER BY number DESC LIMIT 1");
    if (!row.next()) return std::nullopt;
    return row.integer(0);
}

std::vector<std::int64_t> Store::unswept_runs() const {
    const std::scoped_lock guard(handle_->mutex);
    return numbers_in(handle_->database->ask("SELECT number FROM runs WHERE swept = 0 ORDER BY number"));
}

std::vector<StepRecord> Store::steps(std::int64_t run) const {
    const std::scoped_lock guard(handle_->mutex);
    std::vector<StepRecord> steps;
    for (auto row = handle_->database->ask("SELECT run, number, type, waits_for, scan, state FROM steps WHERE run = ? "
                                           "ORDER BY number",
                                           {run});
         row.next();) {
        StepRecord& step = steps.emplace_back();
        step.run = row.integer(0);
        step.number = row.integer(1);
        step.type = row.text(2);
        step.waits_for = numbers_from(row.text(3));
        if (!row.text(4).empty()) step.scan = handle_->bytes(digest_from_hex(row.text(4)));
        step.state = step_state_from(row.text(5));
    }
    return steps;
}

std::vector<Operation> Store::operations(std::int64_t run) const {
    const std::scoped_lock guard(handle_->mutex);
    // Who takes a run back asks for them when he plans, and again when he begins.
    if (const auto known = handle_->operations.find(run); known != handle_->operations.end()) return known->second;
    std::vector<Operation> operations;
    for (auto row = handle_->database->ask("SELECT run, step, number, path, before, after, staged, effect, "
                                           "others FROM operations WHERE run = ? ORDER BY number",
                                           {run});
         row.next();) {
        Operation& operation = operations.emplace_back();
        operation.run = row.integer(0);
        operation.step = row.integer(1);
        operation.number = row.integer(2);
        operation.path = row.text(3);
        operation.before = image_in(row.text(4), *handle_);
        operation.after = image_in(row.text(5), *handle_);
        operation.staged = row.text(6);
        operation.effect = row.integer(7) != 0;
        operation.before.others = row.text(8);
    }
    if (!handle_->database->in_transaction()) handle_->operations.emplace(run, operations);
    return operations;
}

std::vector<std::string> Store::stage_directories(std::int64_t run) const {
    const std::scoped_lock guard(handle_->mutex);
    std::vector<std::string> directories;
    for (auto row = handle_->database->ask("SELECT path FROM stage_directories WHERE run = ? ORDER BY path", {run});
         row.next();)
        directories.emplace_back(row.text(0));
    return directories;
}

}  // namespace chaos::rollback
