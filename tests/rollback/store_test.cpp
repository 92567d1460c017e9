// SPDX-License-Identifier: Apache-2.0
#include "rollback/store.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <chaos/transaction.hpp>

#include <chrono>
#include <functional>
#include <random>

#include "rollback/database.hpp"
#include "rollback/lock.hpp"
#include "rollback/state_directory.hpp"
#include "rollback/store_schema.hpp"
#include "scratch.hpp"

using namespace chaos;
using namespace chaos::rollback;
using doctest::Contains;

namespace {

Value text(const std::string& it) {
    return Value(it);
}

Value map(std::initializer_list<std::pair<const char*, Value>> entries) {
    Value::Map it;
    for (const auto& [key, value] : entries) it.push_back({Value(std::string(key)), value});
    return Value(std::move(it));
}

std::int64_t begin_run(Store& store, RunState state = RunState::running) {
    Store::Batch batch(store);
    RunRecord run;
    run.state = state, run.verb = "apply", run.site = "site", run.who = "alice", run.manifest = "site.yml";
    run.started = 1, run.boot = "boot";
    const auto number = batch.add_run(run);
    batch.commit();
    return number;
}

OwnedRecord owning(std::int64_t run, const Value& attributes, const Value& origin = {}, const std::string& key = "/a",
                   const std::string& site = "site") {
    OwnedRecord it;
    it.type = "file", it.key = key, it.site = site, it.attributes = attributes, it.origin = origin, it.run = run;
    it.where = "site.yml:1:1";
    return it;
}

// In a run of its own, as T_end does it.
template <class Change>
std::int64_t in_run(Store& store, Change change) {
    const auto run = begin_run(store);
    Store::Batch batch(store);
    change(batch, run);
    batch.set_run(run, RunState::committed, "", 2, 1);
    batch.commit();
    return run;
}

std::string message_of(auto&& act) {
    try {
        act();
    } catch (const Error& error) {
        return std::string(error.what()) + " | " + error.hint;
    }
    return "nothing was thrown";
}

std::int64_t pragma(const std::string& file, const std::string& name) {
    Database database(file);
    return database.number("PRAGMA " + name);
}

}  // namespace

TEST_CASE("A store is made private, in one file at rest, marked as chaos's") {
    Scratch scratch;
    const auto state = scratch / "var/lib/chaos";
    {
        Store store(state, Store::Access::change);
        begin_run(store);
        CHECK(there(state + "/store.db-wal"));
    }
    struct stat it {};
    REQUIRE(lstat(state.c_str(), &it) == 0);
    CHECK((it.st_mode & 07777) == 0700);
    REQUIRE(lstat((state + "/store.db").c_str(), &it) == 0);
    CHECK((it.st_mode & 07777) == 0600);
    CHECK_FALSE(there(state + "/store.db-wal"));
    CHECK_FALSE(there(state + "/store.db-shm"));
    CHECK(pragma(state + "/store.db", "application_id") == application);
    CHECK(pragma(state + "/store.db", "user_version") == static_cast<std::int64_t>(migrations().size()));
    CHECK(pragma(state + "/store.db", "auto_vacuum") == 2);
    Store again(state, Store::Access::change);
    CHECK(again.meta("min_reader") == std::to_string(migrations().back().min_reader));
    CHECK(again.meta("program") == CHAOS_VERSION);
    CHECK(again.runs().size() == 1);
}

TEST_CASE("A store's commits are synced one by one: WAL with FULL, or DELETE with EXTRA") {
    Scratch scratch;
    spill(scratch / "a.db", "");
    spill(scratch / "b.db", "");
    Database log(scratch / "a.db");
    log.allow_changes(Database::Journal::log);
    auto mode = log.ask("PRAGMA journal_mode");
    REQUIRE(mode.next());
    CHECK(mode.text(0) == "wal");
    CHECK(log.number("PRAGMA synchronous") == 2);
    CHECK(log.number("PRAGMA foreign_keys") == 1);
    Database pages(scratch / "b.db");
    pages.allow_changes(Database::Journal::old_pages);
    auto other = pages.ask("PRAGMA journal_mode");
    REQUIRE(other.next());
    CHECK(other.text(0) == "delete");
    CHECK(pages.number("PRAGMA synchronous") == 3);
    pages.run("CREATE TABLE t(x)");
    CHECK(pages.number("PRAGMA auto_vacuum") == 2);
}

TEST_CASE("Shared memory maps are not relied on where several hosts or a helper process hold the file system") {
    for (const std::int64_t magic : {0x6969, 0x01021997, 0x65735546}) CHECK_FALSE(maps_hold(magic));
    CHECK_FALSE(maps_hold(0xFF534D42));
    for (const std::int64_t magic : {0xEF53, 0x58465342, 0x01021994, 0x794c7630}) CHECK(maps_hold(magic));
    CHECK(maps_hold(0x9123683E));
}

TEST_CASE("A run, its steps, changes, operations and stage directories come back as they were written") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    CHECK_FALSE(store.open_run());
    const auto run = begin_run(store);
    CHECK(store.open_run() == run);

    StepRecord step{run, 2, "file", {1}, "", StepRecord::State::planned};
    ChangeRecord change;
    change.run = run, change.step = 2, change.type = "file", change.key = "/a";
    change.after = map({{"mode", text("0644")}, {"groups", Value(Value::List{text("a"), text("b")})}});
    change.triggered = true, change.undo = Undo::effort, change.where = "site.yml:3:5";
    Operation operation;
    operation.run = run, operation.step = 2, operation.number = 1, operation.path = "/a", operation.staged = "/s/1";
    operation.after.kind = Entry::Kind::file, operation.after.content = digest("x"), operation.effect = true;
    Operation of_several = operation;
    of_several.number = 2, of_several.path = "/b", of_several.before = operation.after;
    of_several.before.others = std::string("\x01\0\0\0 \xff", 6);
    {
        Store::Batch batch(store);
        batch.add_step({run, 1, "directory", {}, "the scan", StepRecord::State::begun});
        batch.add_step(step);
        batch.add_change(change);
        batch.add_operation(operation);
        batch.add_operation(of_several);
        batch.add_stage_directory(run, "/stage/1");
        batch.add_stage_directory(run, "/stage/1");
        batch.commit();
    }
    {
        Store::Batch batch(store);
        batch.set_step(run, 2, StepRecord::State::done);
        batch.set_scan(run, 2, std::string(2000, 's'));
        change.before = map({{"mode", text("0600")}});
        change.result = ChangeRecord::Result::skipped;
        batch.set_change(change);
        batch.set_results(run, change.step);  // what else it says is left as it is
        change.result = ChangeRecord::Result::done;
        batch.set_run(run, RunState::undone, "because", 9, 3);
        batch.commit();
    }
    CHECK_FALSE(store.open_run());
    CHECK(store.unswept_runs() == std::vector<std::int64_t>{run});
    const auto record = store.run(run);
    REQUIRE(record);
    CHECK(record->state == RunState::undone);
    CHECK(record->note == "because");
    CHECK(record->ended == 9);
    CHECK(record->changes == 3);
    CHECK(record->who == "alice");
    CHECK_FALSE(store.run(run + 1));

    const auto steps = store.steps(run);
    REQUIRE(steps.size() == 2);
    CHECK(steps[0].scan == "the scan");
    CHECK(steps[0].state == StepRecord::State::begun);
    CHECK(steps[1].scan == std::string(2000, 's'));
    CHECK(steps[1].waits_for == std::vector<std::int64_t>{1});
    CHECK(steps[1].state == StepRecord::State::done);

    for (const auto& found : {store.changes(run), store.changes_of({"file", "/a"})}) {
        REQUIRE(found.size() == 1);
        CHECK(found[0].before == change.before);
        CHECK(found[0].after == change.after);
        CHECK(found[0].triggered);
        CHECK(found[0].undo == Undo::effort);
        CHECK(found[0].result == ChangeRecord::Result::done);
        CHECK(found[0].where == "site.yml:3:5");
    }
    CHECK(store.changes_of({"file", "/b"}).empty());
    const auto operations = store.operations(run);
    REQUIRE(operations.size() == 2);
    CHECK(operations[0].path == "/a");
    CHECK(operations[0].staged == "/s/1");
    CHECK(operations[0].effect);
    CHECK_FALSE(operations[0].before);
    CHECK(operations[0].after.same_as(operation.after));
    CHECK(operations[0].before.others.empty());
    CHECK(operations[1].before.same_as(of_several.before));
    CHECK(operations[1].before.others == of_several.before.others);
    CHECK(store.stage_directories(run) == std::vector<std::string>{"/stage/1"});
    {
        Store::Batch batch(store);
        batch.set_swept(run);
        batch.commit();
    }
    CHECK(store.unswept_runs().empty());
    CHECK(store.runs(1).size() == 1);
}

TEST_CASE("What a store is asked to change and does not have is an error") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    Store::Batch batch(store);
    CHECK_THROWS_AS(batch.set_run(7, RunState::committed, "", 0, 0), Error);
    CHECK_THROWS_AS(batch.set_step(7, 1, StepRecord::State::done), Error);
    CHECK_THROWS_AS(batch.set_change(ChangeRecord{}), Error);
    CHECK_THROWS_AS(batch.set_results(7, 1), Error);
    CHECK_THROWS_AS(batch.add_step({7, 1, "file", {}, "", StepRecord::State::planned}), Error);  // of no run
}

TEST_CASE("A batch that is not committed leaves nothing") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    {
        Store::Batch batch(store);
        batch.add_run({});
        batch.put_blob(digest("x"), "x");
        CHECK(store.has_blob(digest("x")));
        CHECK_THROWS_AS(Store::Batch{store}, Error);  // one at a time
    }
    CHECK(store.runs().empty());
    CHECK_FALSE(store.has_blob(digest("x")));
    CHECK(begin_run(store) > 0);
}

TEST_CASE("Values of any shape come back equal, and what was secret is secret again") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    Value secret = text("hunter2"), secret_list(Value::List{text(std::string(1000, 'k'))});
    secret.secret = secret_list.secret = true;
    const std::string long_text(257, 'x'), binary("\xff\0\x01", 3);
    const Value value = map({{"empty", text("")},
                             {"null", Value()},
                             {"long", text(long_text)},
                             {"edge", text(std::string(256, 'e'))},
                             {"binary", text(binary)},
                             {"odd", text("\x01 \" \\ \n ü €")},
                             {"secret", secret},
                             {"secrets", secret_list},
                             {"like a mark", map({{"$blob", text("no digest")}})},
                             {"like two", map({{"$map", map({{"$secret", text("x")}})}})},
                             {"list", Value(Value::List{text("1"), Value(), map({{"a", text("b")}})})}});
    const auto run = in_run(store, [&](Store::Batch& batch, std::int64_t number) {
        batch.own(owning(number, value, map({{"content", text(long_text)}})));
    });
    const auto owned = store.owned();
    REQUIRE(owned.size() == 1);
    CHECK(owned[0].attributes == value);
    CHECK(owned[0].attributes.find("secret")->secret);
    CHECK(owned[0].attributes.find("secrets")->secret);
    CHECK(owned[0].attributes.find("secrets")->list()[0].text() == std::string(1000, 'k'));
    CHECK_FALSE(owned[0].attributes.find("long")->secret);
    CHECK(owned[0].origin == map({{"content", text(long_text)}}));
    CHECK(owned[0].run == run);
    CHECK(store.has_blob(digest(long_text)));
    CHECK(store.has_blob(digest(binary)));
    CHECK_FALSE(store.has_blob(digest(std::string(256, 'e'))));
}

TEST_CASE("Contents over 1 MiB are files in objects/, and checked like the others") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    const std::string big(3 << 20, 'b');
    {
        Store::Batch batch(store);
        batch.put_blob(digest(big), big);
        batch.put_blob(digest(big), big);
        batch.commit();
    }
    CHECK(store.has_blob(digest(big)));
    CHECK(store.blob(digest(big)) == big);
    const auto file = scratch / "objects/" + hex(digest(big));
    CHECK(slurp(file) == big);
    spill(file, big + "x");
    CHECK_THROWS_WITH_AS(store.blob(digest(big)), Contains("is not what was written"), Error);
    CHECK_FALSE(store.blob(digest("never")));
}

TEST_CASE("A content of which one byte has turned over is named when it is read") {
    Scratch scratch;
    const std::string content = "the quick brown fox jumps over the lazy dog";
    {
        Store store(scratch.path(), Store::Access::change);
        Store::Batch batch(store);
        batch.put_blob(digest(content), content);
        batch.commit();
    }
    std::string closed;
    {
        Database database(scratch / "store.db");
        auto row = database.ask("SELECT bytes FROM blobs");
        REQUIRE(row.next());
        closed = row.text(0);
    }
    auto bytes = slurp(scratch / "store.db");
    const auto at = bytes.find(closed);
    REQUIRE(at != std::string::npos);
    bytes[at + 50] = static_cast<char>(bytes[at + 50] ^ 1);
    spill(scratch / "store.db", bytes);
    Store store(scratch.path(), Store::Access::change);
    const auto message = message_of([&] { store.blob(digest(content)); });
    CHECK(message.find(hex(digest(content))) != std::string::npos);
    CHECK(message.find("damaged") != std::string::npos);
    CHECK(message.find("chaos history repair") != std::string::npos);
}

TEST_CASE("A copy of the database alone has no content and no secret in it; without its key it is refused") {
    Scratch scratch;
    const std::string content = "the quick brown fox", word = "hunter2-hunter2";
    Value secret = text(word);
    secret.secret = true;
    std::int64_t run = 0;
    {
        Store store(scratch.path(), Store::Access::change);
        run = begin_run(store);
        Store::Batch batch(store);
        batch.put_blob(digest(content), content);
        Operation operation;
        operation.run = run, operation.path = "/a", operation.after.kind = Entry::Kind::file;
        operation.after.content = digest(content);
        batch.add_operation(operation);
        batch.own(owning(run, map({{"content", secret}, {"mode", text("0600")}})));
        batch.commit();
        CHECK(store.blob(digest(content)) == content);
        CHECK(store.operations(run)[0].after.content == digest(content));
        CHECK(store.owned()[0].attributes.find("content")->secret);
        CHECK(store.owned()[0].attributes.find("content")->text() == word);
        CHECK(store.as_stored(secret) == store.as_stored(secret));  // what is kept can be compared
    }
    const auto bytes = slurp(scratch / "store.db");
    CHECK(bytes.find("brown") == std::string::npos);
    CHECK(bytes.find("hunter2") == std::string::npos);
    CHECK(bytes.find(hex(digest(content))) == std::string::npos);
    CHECK(bytes.find("0600") != std::string::npos);
    spill(scratch / "seal.key", std::string(32, 'x'));
    CHECK(message_of([&] { Store(scratch.path(), Store::Access::look).owned(); }).find("another key") !=
          std::string::npos);
    CHECK_FALSE(Store(scratch.path(), Store::Access::look).blob(digest(content)));
    REQUIRE(unlink((scratch / "seal.key").c_str()) == 0);
    CHECK(message_of([&] { Store(scratch.path(), Store::Access::look).owned(); }).find("is missing") !=
          std::string::npos);
}

TEST_CASE("Owning writes a row when something changed, and only then") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    const auto wanted = map({{"mode", text("0644")}});
    const auto own = [&](const Value& attributes) {
        return in_run(store, [&](Store::Batch& batch, std::int64_t run) { batch.own(owning(run, attributes)); });
    };
    const auto first = own(wanted);
    own(wanted);
    CHECK(store.owned()[0].run == first);
    const auto third = own(map({{"mode", text("0600")}}));
    REQUIRE(store.owned().size() == 1);
    CHECK(store.owned()[0].run == third);
    CHECK(store.owned("other").empty());
    CHECK(store.owned("site").size() == 1);
    Database database(scratch / "store.db");
    CHECK(database.number("SELECT count(*) FROM states") == 2);
    CHECK(database.number("SELECT to_run FROM states WHERE from_run = " + std::to_string(first)) == third);
}

TEST_CASE("An origin is what was there first, per attribute, until the last owner lets go") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    const auto mode = map({{"mode", text("0600")}});
    in_run(store, [&](Store::Batch& b, std::int64_t run) { b.own(owning(run, mode, map({{"mode", text("0644")}}))); });
    in_run(store, [&](Store::Batch& b, std::int64_t run) {
        b.own(owning(run, map({{"mode", text("0640")}, {"owner", text("www")}}),
                     map({{"mode", text("0600")}, {"owner", text("root")}})));
    });
    const auto origin = map({{"mode", text("0644")}, {"owner", text("root")}});
    CHECK(store.owned()[0].origin == origin);
    in_run(store, [&](Store::Batch& b, std::int64_t run) { b.own(owning(run, mode, {}, "/a", "other")); });
    in_run(store, [&](Store::Batch& b, std::int64_t run) { b.release("file", "/a", "site", run); });
    REQUIRE(store.owned().size() == 1);
    CHECK(store.owned()[0].site == "other");
    CHECK(store.owned()[0].origin == origin);
    in_run(store, [&](Store::Batch& b, std::int64_t run) { b.release("file", "/a", "other", run); });
    CHECK(store.owned().empty());
    in_run(store, [&](Store::Batch& b, std::int64_t run) { b.own(owning(run, mode, {})); });
    CHECK(store.owned()[0].origin.is_null());
    in_run(store, [&](Store::Batch& b, std::int64_t run) { b.own(owning(run, origin, origin)); });
    CHECK(store.owned()[0].origin.is_null());  // there was nothing: that it is there now is our doing
}

TEST_CASE("Ownership goes back with the runs that are taken back") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    const auto a = map({{"mode", text("1")}}), b = map({{"mode", text("2")}}), was = map({{"mode", text("0")}});
    const auto owner = map({{"mode", text("2")}, {"owner", text("o")}});
    const auto own = [&](const Value& it, const Value& origin, const char* site = "site") {
        return in_run(store,
                      [&](Store::Batch& batch, std::int64_t run) { batch.own(owning(run, it, origin, "/a", site)); });
    };
    const auto let_go = [&](const char* site = "site") {
        return in_run(store, [&](Store::Batch& batch, std::int64_t run) { batch.release("file", "/a", site, run); });
    };
    const auto take_back = [&](std::vector<std::int64_t> runs) {
        return in_run(store, [&](Store::Batch& batch, std::int64_t run) { batch.reinstate(runs, run); });
    };

    SUBCASE("The first run leaves neither owner nor origin") {
        take_back({own(a, was)});
        CHECK(store.owned().empty());
        own(b, a);
        CHECK(store.owned()[0].origin == a);  // looked at anew
    }
    SUBCASE("A later run leaves what the one before had, with its origin") {
        own(a, was);
        const auto back = take_back({own(owner, map({{"mode", text("1")}, {"owner", text("was")}}))});
        CHECK(store.owned()[0].attributes == a);
        CHECK(store.owned()[0].run == back);
        CHECK(store.owned()[0].origin == was);  // the owner's is no longer ours to know
    }
    SUBCASE("A taking back is taken back like any other run") {
        own(a, was);
        const auto second = own(b, was);
        const auto back = take_back({second});
        take_back({back});
        CHECK(store.owned()[0].attributes == b);
        CHECK(store.owned()[0].origin == was);
    }
    SUBCASE("A release is taken back to owner and origin") {
        own(a, was);
        take_back({let_go()});
        REQUIRE(store.owned().size() == 1);
        CHECK(store.owned()[0].attributes == a);
        CHECK(store.owned()[0].origin == was);
    }
    SUBCASE("Several runs go back together") {
        own(a, was);
        const auto second = own(b, was), third = let_go(), fourth = own(owner, owner);
        take_back({fourth, second, third});
        CHECK(store.owned()[0].attributes == a);
        CHECK(store.owned()[0].origin == was);
    }
    SUBCASE("What a later run outside changed stays") {
        const auto first = own(a, was);
        const auto second = own(b, was);
        take_back({first});
        CHECK(store.owned()[0].attributes == b);
        CHECK(store.owned()[0].run == second);
        CHECK(store.owned()[0].origin == was);
    }
    SUBCASE("An interleaved run outside stops the way back") {
        const auto first = own(a, was);
        own(b, was);
        const auto third = own(owner, was);
        take_back({first, third});
        CHECK(store.owned()[0].attributes == b);
    }
    SUBCASE("Another site that came to own it keeps the origin") {
        const auto first = own(a, was);
        own(a, was, "other");
        take_back({first});
        REQUIRE(store.owned().size() == 1);
        CHECK(store.owned()[0].site == "other");
        CHECK(store.owned()[0].origin == was);
    }
    SUBCASE("A release is taken back although another site let go since") {
        own(a, was);
        own(a, was, "other");
        const auto third = let_go();
        let_go("other");
        take_back({third});
        REQUIRE(store.owned().size() == 1);
        CHECK(store.owned()[0].site == "site");
        CHECK(store.owned()[0].origin == was);
    }
    Database database(scratch / "store.db");
    CHECK(database.number("SELECT count(*) FROM states a JOIN states b USING(type, key, site) WHERE a.id < b.id AND "
                          "a.from_run < ifnull(b.to_run, 1e9) AND b.from_run < ifnull(a.to_run, 1e9)") == 0);
}

TEST_CASE("A site is bound to where it came from") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    CHECK(store.site_origin("site").empty());
    in_run(store, [](Store::Batch& batch, std::int64_t) { batch.set_site("site", "/root/a/site.yml"); });
    CHECK(store.site_origin("site") == "/root/a/site.yml");
    in_run(store, [](Store::Batch& batch, std::int64_t) { batch.set_site("site", "/srv/site.yml"); });
    CHECK(store.site_origin("site") == "/srv/site.yml");
}

TEST_CASE("A note that is pending does not count before it is completed") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    const ResourceId nginx{"service", "nginx"};
    using Noted = std::vector<std::pair<std::string, Digest>>;
    const Noted old_ones = {{"file:/a.content", digest("1")}}, new_ones = {{"file:/a.content", digest("2")}};
    const auto note = [&](const Noted& noted, const char* invocation, bool pending) {
        Store::Batch batch(store);
        batch.note(nginx, noted, invocation, pending);
        batch.commit();
    };
    std::string invocation = "x";
    CHECK(store.noted(nginx, &invocation).empty());
    CHECK(invocation.empty());
    note(old_ones, "i1", true);
    CHECK(store.noted(nginx, &invocation).empty());
    note(old_ones, "i1", false);
    CHECK(store.noted(nginx, &invocation) == old_ones);
    CHECK(invocation == "i1");
    note(new_ones, "i1", true);
    CHECK(store.noted(nginx, nullptr) == old_ones);
    note(new_ones, "i2", false);
    CHECK(store.noted(nginx, &invocation) == new_ones);
    CHECK(invocation == "i2");
}

TEST_CASE("Looking finds no store, neither where nothing is nor where one was begun, and makes none") {
    Scratch scratch;
    CHECK_THROWS_AS(Store(scratch / "none", Store::Access::look), Missing);
    CHECK_FALSE(there(scratch / "none"));
    CHECK(open_history("/", scratch / "none", nullptr) == nullptr);
    spill(scratch / "store.db", "");
    CHECK(open_history("/", scratch.path(), nullptr) == nullptr);
    Store(scratch.path(), Store::Access::change);  // which a crash had left empty
    CHECK(open_history("/", scratch.path(), nullptr) != nullptr);
}

TEST_CASE("Looking sees what is committed while a run is at work, and can not write") {
    Scratch scratch;
    Store writer(scratch.path(), Store::Access::change);
    const auto run = begin_run(writer);
    Store looker(scratch.path(), Store::Access::look);
    CHECK(looker.open_run() == run);
    {
        Store::Batch batch(writer);
        batch.add_run({});
        CHECK(looker.runs().size() == 1);
        batch.commit();
    }
    CHECK(looker.runs().size() == 2);
    CHECK_THROWS_AS(Store::Batch{looker}, Error);
}

TEST_CASE("History names a run that was cut, and what to do") {
    Scratch scratch;
    Store store(scratch.path(), Store::Access::change);
    const auto run = begin_run(store);
    {
        Store::Batch batch(store);
        for (int i = 1; i <= 3; ++i)
            batch.add_step({run, i, "file", {}, "", i == 1 ? StepRecord::State::done : StepRecord::State::planned});
        batch.commit();
    }
    std::string note;
    REQUIRE(open_history("/", scratch.path(), &note));
    CHECK(note == "run 1 was cut at step 2 of 3: chaos recover");
    REQUIRE(open_history("/mnt", scratch.path(), &note));
    CHECK(note == "run 1 was cut at step 2 of 3: chaos recover --root /mnt");
    {
        Reporter quiet;
        const Lock lock(scratch.path(), quiet);
        REQUIRE(open_history("/", scratch.path(), &note));
        CHECK(note.starts_with("run 1 is at work: "));
    }
    {
        Store::Batch batch(store);
        batch.set_run(run, RunState::stuck, "", 0, 0);
        batch.commit();
    }
    REQUIRE(open_history("/", scratch.path(), &note));
    CHECK(note == "run 1 could not be taken back wholly: chaos recover");
    {
        Store::Batch batch(store);
        batch.set_run(run, RunState::undone, "", 0, 0);
        batch.commit();
    }
    REQUIRE(open_history("/", scratch.path(), &note));
    CHECK(note.empty());
}

namespace {

// Begins a run in a process that is killed before the log is brought back into the file.
void crash_after_begin(const std::string& state) {
    const pid_t child = fork();
    if (child == 0) {
        try {
            Store store(state, Store::Access::change);
            begin_run(store);
            raise(SIGKILL);
        } catch (...) {
        }
        _exit(1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
}

/// What `look` says is wrong, in a mount namespace of its own with these mounts, so that nothing is left mounted
/// whatever happens; nothing where that can not be had.
std::optional<std::string> in_own_mounts(const std::string& mounts, const std::function<std::string()>& look) {
    if (geteuid() != 0) {
        MESSAGE("skipped: only root may mount");
        return std::nullopt;
    }
    int says[2];
    REQUIRE(pipe(says) == 0);
    const pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWNS) != 0 || std::system("mount --make-rprivate /") != 0 ||
            std::system(mounts.c_str()) != 0)
            _exit(77);
        std::string wrong;
        try {
            wrong = look();
        } catch (const std::exception& error) {
            wrong = error.what();
        }
        _exit(write(says[1], wrong.data(), wrong.size()) == static_cast<ssize_t>(wrong.size()) ? 0 : 1);
    }
    close(says[1]);
    std::string wrong(4096, '\0');
    wrong.resize(static_cast<std::size_t>(std::max<ssize_t>(read(says[0], wrong.data(), wrong.size()), 0)));
    close(says[0]);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        MESSAGE("skipped: this machine gives no mount namespace");
        return std::nullopt;
    }
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
    return wrong;
}

std::string sees_one_open_run(const std::string& state) {
    const Store store(state, Store::Access::look);
    return store.open_run() == 1 ? "" : "it does not see the run";
}

}  // namespace

TEST_CASE("Looking on a disk that can not be written sees the run that a crash left in the log, and leaves no trace") {
    Scratch scratch;
    crash_after_begin(scratch.path());
    REQUIRE(there(scratch / "store.db-wal"));
    const auto wrong = in_own_mounts("mount --bind '" + scratch.path() + "' '" + scratch.path() +
                                         "' && mount -o remount,bind,ro '" + scratch.path() + "'",
                                     [&] { return sees_one_open_run(scratch.path()); });
    if (!wrong) return;
    CHECK(*wrong == "");
    CHECK(there(scratch / "store.db-wal"));
}

TEST_CASE("Looking on a disk that is full sees all that is in the store, at rest and after a crash") {
    for (const bool crashed : {false, true}) {
        CAPTURE(crashed);
        Scratch scratch;
        const auto wrong =
            in_own_mounts("mount -t tmpfs -o size=1m,mode=0700 none '" + scratch.path() + "'", [&]() -> std::string {
                crash_after_begin(scratch.path());
                if (!crashed) Store(scratch.path(), Store::Access::change).open_run();
                if (there(scratch / "store.db-wal") != crashed) return "the log is not as it was to be";
                unlink((scratch / "store.db-shm").c_str());
                spill(scratch / "fill", std::string(2 << 20, 'x'));
                spill(scratch / "more", "x");
                if (!slurp(scratch / "more").empty()) return "the disk is not full";
                const auto sum = digest(slurp(scratch / "store.db") + slurp(scratch / "store.db-wal"));
                auto said = sees_one_open_run(scratch.path());
                if (sum != digest(slurp(scratch / "store.db") + slurp(scratch / "store.db-wal"))) said += " it changed";
                return said;
            });
        if (!wrong) return;
        CHECK(*wrong == "");
    }
}

TEST_CASE("A private copy is the database with its log, and is gone afterwards") {
    Scratch scratch;
    crash_after_begin(scratch.path());
    std::string where;
    {
        const PrivateCopy copy(scratch / "store.db");
        where = copy.path();
        Database database(where);
        CHECK(database.number("SELECT count(*) FROM runs") == 1);
    }
    CHECK_FALSE(there(where));
    CHECK_FALSE(there(where.substr(0, where.rfind('/'))));
    CHECK_THROWS_AS(PrivateCopy("/proc/self/mem/store.db"), Error);
}

TEST_CASE("A store that somebody else may have touched is refused") {
    Scratch scratch;
    const auto refused = [](const std::string& directory, Store::Access access) {
        return message_of([&] { Store(directory, access); });
    };
    { Store(scratch / "real", Store::Access::change); }
    REQUIRE(symlink((scratch / "real").c_str(), (scratch / "link").c_str()) == 0);
    CHECK(refused(scratch / "link", Store::Access::change).find("it is a link") != std::string::npos);
    CHECK(refused(scratch / "link", Store::Access::look).find("it is a link") != std::string::npos);

    REQUIRE(mkdir((scratch / "planted").c_str(), 0700) == 0);
    REQUIRE(symlink((scratch / "real/store.db").c_str(), (scratch / "planted/store.db").c_str()) == 0);
    CHECK(refused(scratch / "planted", Store::Access::change).find("it is a link") != std::string::npos);
    CHECK(refused(scratch / "planted", Store::Access::look).find("it is a link") != std::string::npos);

    REQUIRE(mkdir((scratch / "second").c_str(), 0700) == 0);
    REQUIRE(link((scratch / "real/store.db").c_str(), (scratch / "second/store.db").c_str()) == 0);
    CHECK(refused(scratch / "second", Store::Access::change).find("2 names") != std::string::npos);
    REQUIRE(unlink((scratch / "second/store.db").c_str()) == 0);

    spill(scratch / "file", "");
    CHECK(refused(scratch / "file", Store::Access::change).find("not a directory") != std::string::npos);

    REQUIRE(chmod((scratch / "real").c_str(), 0770) == 0);
    CHECK(refused(scratch / "real", Store::Access::change).find("others may write") != std::string::npos);
    CHECK(refused(scratch / "real", Store::Access::look).find("others may write") != std::string::npos);
    REQUIRE(chmod((scratch / "real").c_str(), 0755) == 0);
    { Store(scratch / "real", Store::Access::change); }
    struct stat it {};
    REQUIRE(lstat((scratch / "real").c_str(), &it) == 0);
    CHECK((it.st_mode & 07777) == 0700);

    if (geteuid() != 0) {
        MESSAGE("skipped: only root may give a file away");
        return;
    }
    REQUIRE(chown((scratch / "real/store.db").c_str(), 65534, 65534) == 0);
    CHECK(refused(scratch / "real", Store::Access::change).find("belongs to user 65534") != std::string::npos);
    CHECK(refused(scratch / "real", Store::Access::look).find("belongs to user 65534") != std::string::npos);
    REQUIRE(chown((scratch / "real").c_str(), 65534, 65534) == 0);
    CHECK(refused(scratch / "real", Store::Access::change).find("belongs to user 65534") != std::string::npos);
}

TEST_CASE("A store that is not one, or damaged, is refused and stays as it is") {
    Scratch scratch;
    const auto file = scratch / "store.db";
    const auto refused = [&](const std::string& bytes, const std::string& why) {
        spill(file, bytes);
        REQUIRE(chmod(file.c_str(), 0600) == 0);
        const auto message = message_of([&] { Store(scratch.path(), Store::Access::change); });
        CHECK_MESSAGE(message.find(why) != std::string::npos, message);
        CHECK(message.find(file) != std::string::npos);
        CHECK(slurp(file) == bytes);
    };
    refused(std::string(8192, 'x'), "not a database");
    {
        spill(scratch / "other.db", "");
        Database other(scratch / "other.db");
        other.allow_changes(Database::Journal::old_pages);
        other.run("CREATE TABLE t(x)");
    }
    refused(slurp(scratch / "other.db"), "a database of another program");

    REQUIRE(unlink(file.c_str()) == 0);
    {
        Store store(scratch.path(), Store::Access::change);
        for (int i = 0; i < 200; ++i) begin_run(store);
    }
    const auto whole = slurp(file);
    REQUIRE(whole.size() > 20 * 4096);
    auto spoilt = whole;
    std::fill(spoilt.begin() + 5 * 4096, spoilt.begin() + 25 * 4096, '\x5a');
    refused(spoilt, "damaged");
    refused(whole.substr(0, whole.size() / 2), "damaged");
    spill(file, whole);
    CHECK(Store(scratch.path(), Store::Access::change).runs().size() == 200);
}

TEST_CASE("A newer store is used where it allows it, and refused otherwise") {
    Scratch scratch;
    const auto file = scratch / "store.db";
    { Store(scratch.path(), Store::Access::change); }
    const auto become = [&](std::int64_t version, std::int64_t min_reader) {
        Database database(file);
        database.allow_changes(Database::Journal::log);
        database.run("PRAGMA user_version=" + std::to_string(version) + "; UPDATE meta SET value='" +
                     std::to_string(min_reader) +
                     "' WHERE name='min_reader'; UPDATE meta SET value='9.1' WHERE name='program'");
    };
    const auto newer = static_cast<std::int64_t>(migrations().size()) + 2;
    become(newer, newer - 2);
    {
        Store store(scratch.path(), Store::Access::change);
        begin_run(store);
        CHECK(store.meta("program") == "9.1");
    }
    CHECK(Store(scratch.path(), Store::Access::look).runs().size() == 1);
    CHECK(pragma(file, "user_version") == newer);
    become(newer, newer - 1);
    for (const auto access : {Store::Access::change, Store::Access::look})
        CHECK(message_of([&] { Store(scratch.path(), access); }).find("written by chaos 9.1") != std::string::npos);
}

TEST_CASE("A migration keeps the store as it was beside it, is all or nothing, and waits for an open run") {
    Scratch scratch;
    const auto file = scratch / "store.db";
    {
        Store store(scratch.path(), Store::Access::change);
        begin_run(store);
    }
    const auto known = static_cast<std::int64_t>(migrations().size());
    std::vector<Migration> good(migrations().begin(), migrations().end()), bad = good;
    good.push_back({"ALTER TABLE runs ADD COLUMN mood TEXT NOT NULL DEFAULT ''", 1});
    bad.push_back({"CREATE TABLE more(x); INSERT INTO nowhere VALUES(1)", 1});
    Database database(file);
    database.allow_changes(Database::Journal::log);
    CHECK(needs_migration(database, good));
    CHECK_THROWS_WITH_AS(migrate(database, good), Contains("still open"), Error);
    database.run("UPDATE runs SET state = 'undone'");
    CHECK_THROWS_AS(migrate(database, bad), Error);
    CHECK(database.number("PRAGMA user_version") == known);
    CHECK(database.number("SELECT count(*) FROM sqlite_master WHERE name = 'more'") == 0);
    migrate(database, good);
    CHECK(database.number("PRAGMA user_version") == known + 1);
    CHECK_FALSE(needs_migration(database, good));
    const auto aside = scratch / ("store.v" + std::to_string(known) + ".db");
    CHECK(pragma(aside, "user_version") == known);
    Database kept(aside);
    CHECK(kept.number("SELECT count(*) FROM runs") == 1);
}

TEST_CASE("A commit that was acknowledged is there whole, whenever the process is killed") {
    Scratch scratch;
    std::mt19937 random(4711);
    std::int64_t acknowledged = 0, kills = 0;
    constexpr int contents = 20;
    while (kills < 100) {
        int told[2];
        REQUIRE(pipe(told) == 0);
        const pid_t child = fork();
        if (child == 0) {
            try {
                Store store(scratch.path(), Store::Access::change);
                for (;;) {
                    Store::Batch batch(store);
                    RunRecord record;
                    record.state = RunState::committed;
                    const std::int64_t run = batch.add_run(record);
                    for (int i = 0; i < contents; ++i) {
                        const auto bytes = std::to_string(run) + ":" + std::to_string(i) + std::string(3000, 'c');
                        batch.put_blob(digest(bytes), bytes);
                        batch.add_step({run, i, "file", {}, "", StepRecord::State::done});
                    }
                    batch.commit();
                    if (write(told[1], &run, sizeof run) != sizeof run) _exit(1);
                }
            } catch (...) {
                _exit(1);
            }
        }
        close(told[1]);
        // Killed some microseconds after one of its first commits: anywhere in the next.
        std::int64_t run = 0;
        for (auto left = random() % 4; left-- && read(told[0], &run, sizeof run) == sizeof run;) acknowledged = run;
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 4000);
        while (std::chrono::steady_clock::now() < until) continue;
        REQUIRE(kill(child, SIGKILL) == 0);
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        while (read(told[0], &run, sizeof run) == sizeof run) acknowledged = run;
        close(told[0]);
        ++kills;

        const Store store(scratch.path(), Store::Access::change);
        const auto runs = store.runs();
        REQUIRE(static_cast<std::int64_t>(runs.size()) >= acknowledged);
        for (std::size_t k = 0; k < runs.size() && k < 8; ++k) {
            REQUIRE(store.steps(runs[k].number).size() == contents);
            for (int i = 0; i < contents; ++i)
                REQUIRE(store.blob(
                    digest(std::to_string(runs[k].number) + ":" + std::to_string(i) + std::string(3000, 'c'))));
        }
    }
    CHECK(acknowledged > 20);
}

TEST_CASE("A process killed at any moment while a store is made leaves one that can be used") {
    std::mt19937 random(11);
    for (int round = 0; round < 60; ++round) {
        Scratch scratch;
        int go[2];
        REQUIRE(pipe(go) == 0);
        const pid_t child = fork();
        if (child == 0) {
            char ready = 'r';
            if (write(go[1], &ready, 1) != 1) _exit(1);
            try {
                Store store(scratch.path(), Store::Access::change);
                begin_run(store);
            } catch (...) {
            }
            for (;;) pause();
        }
        char ready = 0;
        REQUIRE(read(go[0], &ready, 1) == 1);
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 12000);
        while (std::chrono::steady_clock::now() < until) continue;
        REQUIRE(kill(child, SIGKILL) == 0);
        REQUIRE(waitpid(child, nullptr, 0) == child);
        close(go[0]);
        close(go[1]);
        Store store(scratch.path(), Store::Access::change);
        CHECK(store.runs().size() <= 1);
        begin_run(store);
        CHECK(pragma(scratch / "store.db", "auto_vacuum") == 2);
    }
}
