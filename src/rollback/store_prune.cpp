// SPDX-License-Identifier: Apache-2.0
// Letting go of old runs.
//
// Always the oldest ones: taking a run back needs those after it, and none before. What is owned and where it came from
// are rows with a life from one run to another; those that ended before the oldest run that stays can never live again.
// A content goes where nothing names it any more. The rows go in one commit, which also remembers the trees that are to
// be removed; files of objects/ that nothing names are found by looking, so that a cut is made up for the next time.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "beneath.hpp"
#include "journal.hpp"
#include "lock.hpp"
#include "names.hpp"
#include "staged_host.hpp"
#include "store_references.hpp"

namespace chaos::rollback {
namespace {

constexpr std::string_view tree_mark = "tree:";

std::int64_t bytes_of(Database& database) {
    return (database.number("PRAGMA page_count") - database.number("PRAGMA freelist_count")) *
           database.number("PRAGMA page_size");
}

/// Names and sizes of the files of objects/; what is half written among them.
std::vector<std::pair<std::string, std::int64_t>> objects_in(const std::string& directory) {
    std::vector<std::pair<std::string, std::int64_t>> found;
    DIR* open = opendir((directory + "/objects").c_str());
    if (!open) {
        if (errno != ENOENT) fail_on("can not look into", directory + "/objects");
        return found;
    }
    while (const dirent* entry = readdir(open)) {
        const std::string name = entry->d_name;
        struct stat it {};
        if (name.starts_with('.') || fstatat(dirfd(open), entry->d_name, &it, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISREG(it.st_mode)) found.emplace_back(name, it.st_size);
    }
    closedir(open);
    std::sort(found.begin(), found.end());
    return found;
}

/// Whole trees that lie in the trash, by the newest run that could need them.
std::map<std::string, std::int64_t> trees_of(Database& database) {
    std::map<std::string, std::int64_t> trees;
    for (auto row =
             database.ask("SELECT staged, max(run) FROM operations WHERE staged LIKE '%/trash/%' GROUP BY staged");
         row.next();)
        trees[std::string(row.text(0))] = row.integer(1);
    return trees;
}

/// Contents by the newest run that needs them, under the names they have: of a row, and of an object.
struct Needed {
    std::map<std::string, std::int64_t> rows, objects;
};

Needed needed_in(const Store::Handle& store) {
    Needed needed;
    each_reference(
        store,
        [&](const Reference& it) {
            const std::string open = hex(it.content);
            for (const std::string& name : {open, hex(store.key().digest(open))}) {
                auto& last = needed.rows[name];
                last = std::max(last, it.run);
            }
            auto& last = needed.objects[open];
            last = std::max(last, it.run);
        },
        [&](const std::string& who, const std::string& why) {
            throw damaged(store.database->path(), fmt::format("{}: {}", who, why));
        });
    return needed;
}

/// Bytes that go when a run goes, by the number of the run.
std::map<std::int64_t, std::int64_t> weights_of(const Store::Handle& store) {
    std::map<std::int64_t, std::int64_t> weights;
    const Needed needed = needed_in(store);
    const auto last_of = [](const std::map<std::string, std::int64_t>& names, const std::string& name) {
        const auto it = names.find(name);
        return it == names.end() ? std::int64_t(0) : it->second;
    };
    constexpr std::int64_t row = 100;  // what a row takes beside its texts, with its part of the indexes
    for (auto it = store.database->ask("SELECT digest, length(bytes) FROM blobs"); it.next();)
        weights[last_of(needed.rows, std::string(it.text(0)))] += it.integer(1) + row;
    for (const auto& [name, size] : objects_in(store.directory)) weights[last_of(needed.objects, name)] += size;
    for (auto it = store.database->ask("SELECT run, sum(length(before) + length(after) + 2 * length(key)) + 100 * "
                                       "count(*) FROM changes GROUP BY run");
         it.next();)
        weights[it.integer(0)] += it.integer(1);
    for (auto it =
             store.database->ask("SELECT run, sum(length(before) + length(after) + length(path)) + 100 * count(*) "
                                 "FROM operations GROUP BY run");
         it.next();)
        weights[it.integer(0)] += it.integer(1);
    return weights;
}

std::int64_t bytes_in_all(const Store::Handle& store) {
    std::int64_t bytes = bytes_of(*store.database);
    for (const auto& [name, size] : objects_in(store.directory)) bytes += size;
    return bytes;
}

void forget_rows(Database& database, std::int64_t oldest) {
    database.change("DELETE FROM runs WHERE number < ?", {oldest});  // and all that belongs to them
    database.change("DELETE FROM states WHERE to_run < ?", {oldest});
    database.change("DELETE FROM origins WHERE to_run < ?", {oldest});
}

/// Rows of contents that nothing names any more.
std::size_t forget_contents(const Store::Handle& store) {
    const Needed needed = needed_in(store);
    std::vector<std::string> gone;
    for (auto row = store.database->ask("SELECT digest FROM blobs"); row.next();)
        if (std::string name(row.text(0)); !needed.rows.contains(name)) gone.push_back(std::move(name));
    for (const std::string& name : gone) store.database->change("DELETE FROM blobs WHERE digest = ?", {name});
    return gone.size();
}

std::size_t forget_objects(const Store::Handle& store) {
    const Needed needed = needed_in(store);
    std::size_t gone = 0;
    for (const auto& [name, size] : objects_in(store.directory)) {
        if (needed.objects.contains(name)) continue;
        const std::string path = store.directory + "/objects/" + name;
        if (unlink(path.c_str()) != 0 && errno != ENOENT) fail_on("can not remove", path);
        ++gone;
    }
    return gone;
}

}  // namespace

std::int64_t Store::oldest_within(std::int64_t bytes, const std::map<std::int64_t, std::int64_t>& beside) const {
    const std::scoped_lock guard(handle_->mutex);
    std::int64_t left = bytes_in_all(*handle_);
    auto weights = weights_of(*handle_);
    for (const auto& [run, weight] : beside) left += weight, weights[run] += weight;
    for (const auto& [run, weight] : weights) {
        if (left <= bytes) return run;
        if (run == Reference::always) break;
        left -= weight;
    }
    return left <= bytes && !weights.empty() ? weights.rbegin()->first : INT64_MAX;
}

std::map<std::string, std::int64_t> Store::trees() const {
    const std::scoped_lock guard(handle_->mutex);
    return trees_of(*handle_->database);
}

Store::Forgotten Store::reckon(std::int64_t oldest) const {
    const std::scoped_lock guard(handle_->mutex);
    Forgotten it;
    it.before = it.after = bytes_in_all(*handle_);
    for (const auto& [run, weight] : weights_of(*handle_))
        if (run < oldest) it.after -= weight;
    it.after = std::max<std::int64_t>(it.after, 0);
    const Needed needed = needed_in(*handle_);
    const auto goes = [&](const std::map<std::string, std::int64_t>& names, const std::string& name) {
        const auto found = names.find(name);
        return found == names.end() || found->second < oldest;
    };
    for (auto row = handle_->database->ask("SELECT digest FROM blobs"); row.next();)
        it.contents += goes(needed.rows, std::string(row.text(0)));
    for (const auto& [name, size] : objects_in(handle_->directory)) it.contents += goes(needed.objects, name);
    for (const auto& [path, run] : trees_of(*handle_->database))
        if (run < oldest) it.trees.push_back(path);
    return it;
}

Store::Forgotten Store::forget(std::int64_t oldest) {
    Forgotten it;
    Handle& handle = *handle_;
    const std::scoped_lock guard(handle.mutex);
    it.before = bytes_in_all(handle);
    {
        Batch batch(*this);
        Database& database = *handle.database;
        const auto newest_gone = database.number(fmt::format("SELECT max(number) FROM runs WHERE number < {}", oldest));
        const auto trees = trees_of(database);
        forget_rows(database, oldest);
        if (newest_gone) batch.set_meta("pruned", std::to_string(newest_gone));
        for (const auto& [path, run] : trees)
            if (run < oldest) batch.set_meta(std::string(tree_mark) + path, "");
        it.contents = forget_contents(handle);
        batch.commit();
    }
    for (auto row = handle.database->ask("SELECT substr(name, 6) FROM meta WHERE name LIKE 'tree:%' ORDER BY name");
         row.next();)
        it.trees.emplace_back(row.text(0));
    it.contents += forget_objects(handle);
    for (auto row = handle.database->ask("PRAGMA incremental_vacuum"); row.next();) continue;
    it.after = bytes_in_all(handle);
    return it;
}

void Store::forget_trees() {
    Batch batch(*this);
    handle_->database->change("DELETE FROM meta WHERE name LIKE 'tree:%'");
    batch.commit();
}

namespace {

/// Kinds keep things beside the store as long as a recorded run needs them.
void sweep_kinds(Workplace& place, std::int64_t run) {
    RunJournal journal(place);
    StagedHost host(place.looking, place.root, place.state_directory, run, journal);
    for (const ResourceType* type : place.registry.types) try {
            type->sweep(host, place.store);
        } catch (const Error& error) {
            place.reporter.warns(error);  // it stays, and takes room: the next time sweeps again
        }
}

void remove_trees(Workplace& place, const std::vector<std::string>& trees) {
    const Beneath beneath(place.root);
    for (const std::string& tree : trees) {
        if (name_of(parent_of(parent_of(tree))) != "trash")
            throw Error(fmt::format("{}: expected a tree in the trash, and will not remove this", tree));
        const Spot spot = beneath.spot(tree);
        if (!spot) continue;
        clear(spot, tree);
        const std::string of_run = parent_of(tree);  // trash/RUN: gone with its last tree
        if (const Spot above = beneath.spot(of_run)) unlinkat(above.at(), above.name.c_str(), AT_REMOVEDIR);
    }
    place.store.forget_trees();
}

std::int64_t bytes_below(const Host& host, const std::string& tree) {
    std::int64_t bytes = 0;
    for (std::vector<std::string> todo{tree}; !todo.empty();) {
        const std::string path = std::move(todo.back());
        todo.pop_back();
        const Entry entry = host.look(path);
        if (entry.kind != Entry::Kind::directory) {
            bytes += static_cast<std::int64_t>(entry.size);
            continue;
        }
        for (const std::string& name : host.list(path)) todo.push_back(path + "/" + name);
    }
    return bytes;
}

/// What lies beside the store for recorded runs, in bytes by the newest run that needs it: what kinds keep, and trees.
std::map<std::int64_t, std::int64_t> beside(const Registry& registry, const Host& host, const Store& store) {
    std::map<std::int64_t, std::int64_t> weights;
    for (const ResourceType* type : registry.types)
        for (const ResourceType::Kept& kept : type->keeps(host, store)) weights[kept.run] += kept.bytes;
    for (const auto& [tree, run] : store.trees()) weights[run] += bytes_below(host, tree);
    return weights;
}

/// Of these, what stays where the oldest run is this one.
std::int64_t bytes_from(const std::map<std::int64_t, std::int64_t>& weights, std::int64_t oldest) {
    std::int64_t bytes = 0;
    for (auto it = weights.lower_bound(oldest); it != weights.end(); ++it) bytes += it->second;
    return bytes;
}

/// The oldest run that stays: never one that the next command still has to do with.
std::int64_t oldest_to_stay(const Store& store, const Retention& wish, std::int64_t now,
                            const std::map<std::int64_t, std::int64_t>& beside) {
    auto runs = store.runs();
    std::reverse(runs.begin(), runs.end());
    if (runs.empty()) return 0;
    const auto number_or_end = [&](std::size_t i) { return i < runs.size() ? runs[i].number : INT64_MAX; };
    std::int64_t oldest = 0;
    if (wish.seconds < 0 && wish.bytes < 0) oldest = INT64_MAX;
    if (wish.seconds >= 0) {
        std::size_t i = 0;
        while (i < runs.size() && std::max(runs[i].started, runs[i].ended) < now - wish.seconds * 1'000'000'000) ++i;
        oldest = number_or_end(i);
    }
    if (wish.bytes >= 0) oldest = std::max(oldest, store.oldest_within(wish.bytes, beside));
    const std::size_t kept = std::min(std::max<std::size_t>(wish.keep, 1), runs.size());
    oldest = std::min(oldest, runs[runs.size() - kept].number);
    for (const std::int64_t run : store.unswept_runs()) oldest = std::min(oldest, run);
    if (const auto waits = store.window()) oldest = std::min(oldest, waits->run);
    const auto first =
        std::find_if(runs.begin(), runs.end(), [&](const RunRecord& run) { return run.number >= oldest; });
    return first->number;
}

}  // namespace

}  // namespace chaos::rollback

namespace chaos {

Pruned prune_history(const Registry& registry, const Host& host, const std::string& root,
                     const std::string& state_directory, const Retention& wish, std::int64_t now, bool dry_run,
                     Reporter& reporter) {
    using namespace rollback;
    Pruned done;
    std::optional<Lock> lock;
    std::optional<Store> store;
    try {
        // Is there one? What is to let go of things makes none.
        store.emplace(state_directory, Store::Access::look);
        if (!dry_run) {
            store.reset();
            lock.emplace(state_directory, reporter);
            store.emplace(state_directory, Store::Access::change);
        }
    } catch (const Missing&) {
        return done;
    }
    if (const auto open = store->open_run())
        throw Error(fmt::format("run {} is still open: it has to be taken back before anything is let go of", *open))
            .help("chaos recover");
    const auto weights = beside(registry, host, *store);
    done.oldest = oldest_to_stay(*store, wish, now, weights);
    for (const RunRecord& run : store->runs())
        if (run.number < done.oldest) done.runs.insert(done.runs.begin(), run.number);
    const auto forgotten = dry_run ? store->reckon(done.oldest) : store->forget(done.oldest);
    done.before = forgotten.before + bytes_from(weights, 0), done.contents = forgotten.contents;
    done.after = forgotten.after + bytes_from(weights, done.oldest);
    done.trees = forgotten.trees;
    if (dry_run) return done;
    Workplace place{registry, host, root, state_directory, *store, *lock, reporter};
    sweep_kinds(place, done.oldest);
    if (!done.trees.empty()) remove_trees(place, done.trees);
    return done;
}

}  // namespace chaos
