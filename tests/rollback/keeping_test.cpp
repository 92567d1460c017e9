// SPDX-License-Identifier: Apache-2.0
// Letting go of old runs, checking a store, saving what is left of a damaged one.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <chaos/keeping.hpp>
#include <chaos/root_host.hpp>
#include <chaos/transaction.hpp>

#include <filesystem>
#include <map>
#include <random>

#include "rollback/database.hpp"
#include "rollback/store.hpp"
#include "scratch.hpp"

using namespace chaos;
using namespace chaos::rollback;
namespace fs = std::filesystem;

namespace {

/// A tree with a record of its own, and a site of files that changes from run to run.
class Tree {
public:
    Tree() : host_((fs::create_directories(scratch_ / "etc"), scratch_.path())) {
        registry_.types = builtin_types();
        fs::create_directories(scratch_ / "srv");
        fs::create_directories(scratch_ / "proc/sys/kernel/random");
        spill(scratch_ / "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        spill(scratch_ / "etc/group", "root:x:0:\n");
    }

    const ResourceType& file_kind() const { return *registry_.type("file"); }
    void keeps_too(const ResourceType& kind) { registry_.types.push_back(&kind); }
    std::string state() const { return scratch_ / "state"; }
    std::string root() const { return scratch_.path(); }
    std::string at(const std::string& path) const { return scratch_.path() + path; }

    /// Files by path; what is not among them goes.
    void apply(const std::map<std::string, std::string>& files) {
        const auto transactor = open();
        transactor->recover();
        Site site;
        site.name = "test", site.origin = "/test.yml";
        Diagnostics problems;
        for (const auto& [path, content] : files) {
            Value::Map map;
            map.push_back({Value(std::string("path")), Value(path)});
            map.push_back({Value(std::string("content")), Value(content)});
            Resource resource;
            resource.type = registry_.type("file");
            resource.wanted = decode(resource.type->schema(), Value(std::move(map)), problems);
            resource.id = {"file", path};
            site.catalog.push_back(std::move(resource));
        }
        add_leavings(site, registry_, transactor->history(), problems);
        const View view(host_);
        States observed = observe(site.catalog, view, problems);
        const States goal = resolve(site.catalog, view, observed, problems);
        const Graph graph = order(site.catalog, site.edges, problems);
        REQUIRE(problems.ok());
        const Plan steps = plan(site.catalog, graph, observed, goal);
        const Outcome outcome = transactor->run({"apply", "tester", "test.yml", site, graph, observed, goal, steps});
        REQUIRE(outcome.errors.empty());
    }
    void take_back(const std::vector<std::int64_t>& runs) { REQUIRE(left_by_taking_back(runs).empty()); }
    std::vector<Conflict> left_by_taking_back(const std::vector<std::int64_t>& runs) {
        const auto transactor = open();
        const Outcome outcome = transactor->take_back(transactor->plan_take_back(runs), "tester");
        REQUIRE(outcome.errors.empty());
        return outcome.conflicts;
    }
    Pruned prune(const Retention& wish, bool dry_run = false) const {
        Reporter quiet;
        return prune_history(registry_, host_, root(), state(), wish, 4'000'000'000'000'000'000, dry_run, quiet);
    }
    std::vector<std::int64_t> runs() const {
        std::vector<std::int64_t> numbers;
        for (const RunRecord& run : Store(state(), Store::Access::look).runs())
            numbers.insert(numbers.begin(), run.number);
        return numbers;
    }
    std::map<std::string, std::string> managed() const {
        std::map<std::string, std::string> files;
        for (const auto& entry : fs::recursive_directory_iterator(scratch_ / "srv"))
            if (entry.is_regular_file()) files[entry.path()] = slurp(entry.path());
        return files;
    }

private:
    std::unique_ptr<Transactor> open() {
        Reporter quiet;
        return Transactor::open(registry_, host_, root(), state(), quiet_);
    }
    Scratch scratch_;
    RootHost host_;
    Registry registry_;
    Reporter quiet_;
};

std::string large(char letter) {
    return std::string(3000, letter) + "\n";
}

}  // namespace

TEST_CASE(
    "Letting go of runs at random leaves every kept run as good to take back as before, and origins as they were") {
    std::mt19937 random(20261121);
    for (int round = 0; round < 6; ++round) {
        Tree tree;
        spill(tree.at("/srv/0"), "before chaos\n");
        std::vector<std::map<std::string, std::string>> after;  // what each run left
        for (int run = 0; run < 8; ++run) {
            std::map<std::string, std::string> files;
            for (int file = 0; file < 4; ++file)
                if (file == 0 || random() % 3)
                    files["/srv/" + std::to_string(file)] = large(static_cast<char>('a' + random() % 20));
            files["/srv/each"] = std::to_string(run);  // so that each run changes something
            tree.apply(files);
            after.push_back(tree.managed());
        }
        REQUIRE(tree.runs().size() == 8);
        const std::size_t keep = 1 + random() % 7;
        const Pruned would = tree.prune({.keep = keep}, true);
        CHECK(tree.runs().size() == 8);
        const Pruned done = tree.prune({.keep = keep});
        CHECK(done.runs == would.runs);
        CHECK(done.contents == would.contents);
        const auto left = tree.runs();
        REQUIRE(left.size() == keep);
        CHECK(check_history(tree.state()).flaws.empty());
        CHECK(Store(tree.state(), Store::Access::look).pruned() == static_cast<std::int64_t>(8 - keep));
        // Back to the oldest that stays, as rollback does it.
        tree.take_back({left.begin() + 1, left.end()});
        CHECK(tree.managed() == after[8 - keep]);
        // And what was there before chaos comes back when all of it leaves the manifest.
        tree.apply({});
        CHECK(tree.managed() == std::map<std::string, std::string>{{tree.at("/srv/0"), "before chaos\n"}});
    }
}

TEST_CASE("What no run needs goes with them: contents, objects and trees") {
    Tree tree;
    const std::string huge(3 << 20, 'h');
    tree.apply({{"/srv/a", huge}});
    tree.apply({{"/srv/a", large('b')}});
    tree.apply({{"/srv/a", large('c')}});
    tree.apply({{"/srv/a", large('d')}});
    REQUIRE(!fs::is_empty(tree.state() + "/objects"));
    const auto before = tree.prune({.keep = 1}, true);
    const auto done = tree.prune({.keep = 1});
    CHECK(done.after < done.before - (3 << 20));
    CHECK(done.contents == before.contents);
    CHECK(fs::is_empty(tree.state() + "/objects"));
    tree.take_back({4});
    CHECK(tree.managed().at(tree.at("/srv/a")) == large('c'));
}

TEST_CASE("Removed trees and what kinds keep count as the store's when its size is bounded") {
    static constexpr std::int64_t each = 40'000'000;
    /// Keeps something of the first two runs.
    class Keeper final : public ResourceType {
    public:
        explicit Keeper(const ResourceType& like) : like_(like) {}
        const Schema& schema() const override { return like_.schema(); }
        void observe_all(const View&, std::span<const Wish>, std::span<State>) const override {}
        void apply_all(WritableHost&, std::span<const Change>) const override {}
        std::vector<Kept> keeps(const Host&, const History&) const override {
            return {{0, each}, {1, each}, {2, each}, {Kept::always, each}};
        }

    private:
        const ResourceType& like_;
    };
    Tree tree;
    for (char letter : std::string("abcdef")) tree.apply({{"/srv/a", large(letter)}});
    const auto bare = tree.prune({.keep = 1, .bytes = 1LL << 40}, true);
    CHECK(bare.before < each);
    const Keeper keeper(tree.file_kind());
    tree.keeps_too(keeper);
    const auto with = tree.prune({.keep = 1, .bytes = 1LL << 40}, true);
    CHECK(with.runs.empty());
    CHECK(with.before == bare.before + 4 * each);
    CHECK(tree.prune({.keep = 1, .bytes = 3 * each + 10'000'000}, true).runs.empty());  // what nobody needs goes first
    CHECK(tree.prune({.keep = 1, .bytes = 2 * each + 10'000'000}, true).runs == std::vector<std::int64_t>{1});
    const auto two = tree.prune({.keep = 1, .bytes = each + 10'000'000}, true);
    CHECK(two.runs == std::vector<std::int64_t>{1, 2});
    CHECK(two.after < bare.before + each);
    CHECK(tree.prune({.keep = 1, .bytes = each}, true).runs.size() == 5);
}

TEST_CASE("Age and size let go of runs, but never of the newest ones that are to stay") {
    Tree tree;
    for (char letter : std::string("abcdef")) tree.apply({{"/srv/a", large(letter)}});
    CHECK(tree.prune({.keep = 1, .seconds = 200LL * 365 * 86400}).runs.empty());
    CHECK(tree.prune({.keep = 4, .seconds = 0}).runs == std::vector<std::int64_t>{1, 2});
    CHECK(tree.prune({.keep = 2, .bytes = 1LL << 40}).runs.empty());
    CHECK(tree.prune({.keep = 2, .bytes = 0}).runs == std::vector<std::int64_t>{3, 4});
    CHECK(tree.prune({.keep = 0}).runs == std::vector<std::int64_t>{5});  // the last one always stays
    CHECK(tree.runs() == std::vector<std::int64_t>{6});
}

TEST_CASE("Letting go makes no store, and refuses while a run is open") {
    Scratch scratch;
    Reporter quiet;
    const RootHost host(scratch.path());
    CHECK(prune_history({}, host, scratch.path(), scratch / "none", {}, 1, false, quiet).oldest == 0);
    CHECK_FALSE(there(scratch / "none"));
    {
        Store store(scratch / "state", Store::Access::change);
        Store::Batch batch(store);
        batch.add_run({});
        batch.commit();
    }
    CHECK_THROWS_WITH_AS(prune_history({}, host, scratch.path(), scratch / "state", {}, 1, false, quiet),
                         doctest::Contains("still open"), Error);
}

TEST_CASE("A store whose content turned over is found out, and who loses by it is named") {
    Tree tree;
    tree.apply({{"/srv/a", large('a')}});
    tree.apply({{"/srv/a", large('b')}});
    CHECK(check_history(tree.state()).flaws.empty());
    CHECK(check_history(tree.state()).contents > 0);
    {
        Database database(tree.state() + "/store.db");
        database.allow_changes(Database::Journal::log);
        database.run("UPDATE blobs SET bytes = x'00' || substr(bytes, 2) WHERE length(bytes) > 2900");
    }
    const Health health = check_history(tree.state());
    REQUIRE(!health.flaws.empty());
    bool named = false;
    for (const Flaw& flaw : health.flaws)
        for (const std::string& lost : flaw.lost) named |= lost == "run 1: file:/srv/a";
    CHECK(named);
    {
        Database database(tree.state() + "/store.db");
        database.allow_changes(Database::Journal::log);
        database.run("DELETE FROM blobs");
    }
    CHECK(check_history(tree.state()).flaws.front().what.find("is missing") != std::string::npos);
}

TEST_CASE("Of a damaged store what can be read is saved, the rest is kept aside, and it can be used again") {
    std::mt19937 random(4711);
    int saved_ones = 0;
    for (int round = 0; round < 12; ++round) {
        Tree tree;
        for (char letter : std::string("abcdefgh"))
            tree.apply({{"/srv/a", large(letter)}, {"/srv/b", large(static_cast<char>(letter + 8))}});
        const std::string file = tree.state() + "/store.db";
        const std::string sound = slurp(file);
        const std::size_t pages = sound.size() / 4096;
        REQUIRE(pages > 8);
        std::string bytes = sound;
        bytes.replace((3 + random() % (pages - 3)) * 4096, 4096, 4096, '\xff');
        spill(file, bytes);
        if (check_history(tree.state()).flaws.empty()) continue;  // a page that nothing uses
        Reporter quiet;
        Salvage saved;
        try {
            saved = salvage_history(tree.state(), quiet);
        } catch (const Error& error) {  // the page that describes the tables
            INFO(std::string(error.what()));
            CHECK(std::string(error.what()).find("nothing of it can be saved") != std::string::npos);
            CHECK(slurp(file) == bytes);
            continue;
        }
        ++saved_ones;
        REQUIRE(!saved.kept.empty());
        CHECK(slurp(saved.kept + "/store.db") == bytes);
        CHECK_NOTHROW(Store(tree.state(), Store::Access::change).runs());
        CHECK_NOTHROW(tree.apply({{"/srv/a", "anew\n"}, {"/srv/b", large('b')}}));
        CHECK(slurp(tree.at("/srv/a")) == "anew\n");
    }
    CHECK(saved_ones > 5);
}

TEST_CASE("What a repair could not save holds up nothing else of its run: that goes back, and the lost one is named") {
    Tree tree;
    for (char letter : std::string("abcd")) spill(tree.at(std::string("/srv/") + letter), large(letter));
    const std::map<std::string, std::string> before = tree.managed();
    tree.apply({{"/srv/a", large('A')}, {"/srv/b", large('B')}, {"/srv/c", large('C')}, {"/srv/d", large('D')}});
    const auto mangle = [&](const char* statement) {
        Database database(tree.state() + "/store.db");
        database.allow_changes(Database::Journal::old_pages);
        database.run(statement);
    };
    SUBCASE("a content") {
        mangle("UPDATE blobs SET bytes = 'x' WHERE digest = (SELECT digest FROM blobs ORDER BY rowid LIMIT 1)");
    }
    SUBCASE("what a run recorded") {
        mangle("UPDATE changes SET before = '{\"path' WHERE key = '/srv/a'");
    }
    SUBCASE("what lay there") {
        mangle("UPDATE operations SET before = 'file 06' WHERE path = '/srv/a'");
    }
    const auto opened = [&] { return Store(tree.state(), Store::Access::look).changes(1); };
    Reporter quiet;
    REQUIRE(!salvage_history(tree.state(), quiet).kept.empty());
    REQUIRE(opened().size() == 4);
    const std::vector<Conflict> lost = tree.left_by_taking_back({1});
    REQUIRE(lost.size() == 1);
    CHECK(lost.front().before == "lost: the store was damaged");
    CHECK(lost.front().lost);
    std::map<std::string, std::string> after = tree.managed();
    const std::string path = tree.at(lost.front().id.key);
    CHECK(after.at(path) != before.at(path));
    after.at(path) = before.at(path);
    CHECK(after == before);
    CHECK(check_history(tree.state()).flaws.empty());
}

TEST_CASE("A run that waits to be confirmed is never let go of, and can be taken back after a repair") {
    Tree tree;
    const std::string state = tree.state();
    tree.apply({{"/srv/old", large('o')}});
    spill(tree.at("/srv/a"), large('a'));
    tree.apply({{"/srv/old", large('o')}, {"/srv/a", large('A')}});
    fs::create_directory(state + "/window");  // what stands ready for it
    {
        Store store(state, Store::Access::change);
        Store::Batch batch(store);
        batch.set_window({2, 600, life_of_host(), 1, 1, 0, ""});
        batch.commit();
    }
    const auto waits = [&] { return Store(state, Store::Access::look).window(); };
    REQUIRE(waits());
    Reporter quiet;

    SUBCASE("letting go of all that may go") {
        tree.prune({});
        CHECK(tree.runs() == std::vector<std::int64_t>{2});
    }
    SUBCASE("a repair of something else") {
        {
            Database database(state + "/store.db");
            database.allow_changes(Database::Journal::old_pages);
            database.run("UPDATE changes SET after = '{\"path' WHERE key = '/srv/old'");
        }
        REQUIRE(!salvage_history(state, quiet).kept.empty());
    }
    SUBCASE("a repair that could not save what says that it waits: that is told") {
        std::int64_t page = 0;
        {
            Database database(state + "/store.db");
            page = database.number("SELECT rootpage FROM sqlite_master WHERE name = 'windows'");
            database.run("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        std::string bytes = slurp(state + "/store.db");
        bytes.replace(static_cast<std::size_t>(page - 1) * 4096, 4096, 4096, '\xff');
        spill(state + "/store.db", bytes);
        const Salvage saved = salvage_history(state, quiet);
        CHECK_FALSE(waits());
        REQUIRE_FALSE(saved.health.flaws.empty());
        CHECK(saved.health.flaws.back().what == "which run waits to be confirmed can not be read");
        CHECK(saved.health.flaws.back().lost.front() == "that it goes back by itself: chaos rollback does it");
        return;
    }
    REQUIRE(waits());
    CHECK(waits()->run == 2);
    CHECK(tree.left_by_taking_back({2}).empty());
    CHECK(slurp(tree.at("/srv/a")) == large('a'));
}

TEST_CASE("An object that is not what was written is set aside by a repair, which says what is lost with it") {
    Tree tree;
    const std::string huge(2 << 20, 'h');
    spill(tree.at("/srv/huge"), huge);
    spill(tree.at("/srv/other"), huge + "o");
    spill(tree.at("/srv/small"), "small\n");
    tree.apply({{"/srv/huge", "1\n"}, {"/srv/other", "2\n"}, {"/srv/small", "3\n"}});
    const std::string name = hex(digest(huge)), object = tree.state() + "/objects/" + name;
    const std::string damaged = huge.substr(1) + "x";
    spill(object, damaged);
    Reporter quiet;
    const Salvage saved = salvage_history(tree.state(), quiet);
    REQUIRE(saved.health.flaws.size() == 1);
    CHECK(saved.health.flaws.front().what == "the object " + name + " is not what was written");
    CHECK(saved.health.flaws.front().lost == std::vector<std::string>{"run 1: file:/srv/huge", "run 1: /srv/huge",
                                                                      "what was there before chaos: file:/srv/huge"});
    CHECK_FALSE(fs::exists(object));
    CHECK(slurp(saved.kept + "/objects/" + name) == damaged);
    CHECK(fs::status(saved.kept + "/objects").permissions() == fs::perms::owner_all);
    const Health health = check_history(tree.state());
    CHECK(health.flaws.empty());
    CHECK(health.objects == 1);
    CHECK(salvage_history(tree.state(), quiet).kept.empty());
    const std::vector<Conflict> left = tree.left_by_taking_back({1});
    REQUIRE(left.size() == 1);
    CHECK(left.front().id.key == "/srv/huge");
    CHECK(left.front().before == "lost: the store was damaged");
    CHECK(slurp(tree.at("/srv/huge")) == "1\n");
    CHECK(slurp(tree.at("/srv/other")) == huge + "o");
    CHECK(slurp(tree.at("/srv/small")) == "small\n");
}

TEST_CASE("An object that somebody took away is told by verify, and holds up nothing else of its run") {
    Tree tree;
    const std::string huge(2 << 20, 'h');
    spill(tree.at("/srv/huge"), huge);
    spill(tree.at("/srv/small"), "small\n");
    tree.apply({{"/srv/huge", "1\n"}, {"/srv/small", "2\n"}});
    CHECK(check_history(tree.state()).flaws.empty());
    for (const auto& entry : fs::directory_iterator(tree.state() + "/objects")) fs::remove(entry.path());
    REQUIRE(check_history(tree.state()).flaws.size() == 1);
    CHECK(check_history(tree.state()).flaws.front().lost == std::vector<std::string>{"run 1: /srv/huge"});
    const std::vector<Conflict> left = tree.left_by_taking_back({1});
    REQUIRE(left.size() == 1);
    CHECK(left.front().id.key == "/srv/huge");
    CHECK(left.front().now == "its content is in the store no more");
    CHECK(left.front().lost);
    CHECK(slurp(tree.at("/srv/huge")) == "1\n");
    CHECK(slurp(tree.at("/srv/small")) == "small\n");
}

TEST_CASE("A store that is gone is not taken for none") {
    Tree tree;
    tree.apply({{"/srv/a", large('a')}});
    const std::string file = tree.state() + "/store.db";
    for (const bool emptied : {true, false}) {
        emptied ? fs::resize_file(file, 0) : (void)fs::remove(file);
        for (const Store::Access access : {Store::Access::look, Store::Access::change})
            CHECK_THROWS_WITH(Store(tree.state(), access),
                              doctest::Contains("is gone, or empty: what lies beside it says that runs were recorded"));
        REQUIRE(check_history(tree.state()).flaws.size() == 1);
    }
    fs::remove(tree.state() + "/seal.key");  // then nothing says so
    CHECK_NOTHROW(Store(tree.state(), Store::Access::change));
}

TEST_CASE("The name of a content that can not be read is damage") {
    Tree tree;
    tree.apply({{"/srv/a", large('a')}});
    tree.apply({{"/srv/a", large('b')}});
    REQUIRE(check_history(tree.state()).flaws.empty());
    {
        Database database(tree.state() + "/store.db");
        database.allow_changes(Database::Journal::log);
        REQUIRE(database.change("UPDATE changes SET before = replace(before, '\"$blob\":\"', '\"$blob\":\"z') WHERE "
                                "run = 2") > 0);
    }
    const Health health = check_history(tree.state());
    REQUIRE(health.flaws.size() == 1);
    CHECK(health.flaws.front().what == "the name of a content can not be read");
    CHECK(health.flaws.front().lost == std::vector<std::string>{"run 2: file:/srv/a"});
}

TEST_CASE("A sound store is left alone by saving") {
    Tree tree;
    tree.apply({{"/srv/a", "a\n"}});
    const std::string before = slurp(tree.state() + "/store.db");
    Reporter quiet;
    CHECK(salvage_history(tree.state(), quiet).kept.empty());
    CHECK(slurp(tree.state() + "/store.db") == before);
}

namespace {

/// Lets go of all but two runs in a process of its own, killed at a stop of it; 0: not killed. Its exit status.
int let_go_killed_at(long stop, const Tree& tree, const std::string& told) {
    std::vector<std::string> words{TEST_KILL_AT,       "-o",    told,        std::to_string(stop),
                                   TEST_PUBLISH_PROBE, "prune", tree.root(), tree.state()};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // the leak sanitizer can not look at what is traced
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("Killed while it lets go of runs, a store is whole and the next time does the rest") {
    Tree tree;
    const std::string huge(2 << 20, 'h'), told = tree.root() + "/stops";
    for (char letter : std::string("abcdef")) tree.apply({{"/srv/a", huge + letter}, {"/srv/b", large(letter)}});
    const std::string aside = tree.root() + "/aside";
    fs::copy(tree.state(), aside, fs::copy_options::recursive);
    REQUIRE(let_go_killed_at(0, tree, told) == 0);
    REQUIRE(tree.runs() == std::vector<std::int64_t>{5, 6});
    const long stops = std::atol(slurp(told).c_str());
    REQUIRE(stops > 100);
    int before = 0, after = 0;
    for (long stop = stops / 2; stop <= stops; stop += std::getenv("CHAOS_EVERY_STOP") ? 1 : stops / 50) {
        fs::remove_all(tree.state());
        fs::copy(aside, tree.state(), fs::copy_options::recursive);
        CAPTURE(stop);
        const int status = let_go_killed_at(stop, tree, told);
        REQUIRE((status == 137 || (status == 125 && stop + 40 > stops)));
        const auto runs = tree.runs();
        REQUIRE((runs.size() == 6 || runs.size() == 2));
        ++(runs.size() == 6 ? before : after);
        REQUIRE(check_history(tree.state()).flaws.empty());
        tree.prune({.keep = 2});
        REQUIRE(tree.runs() == std::vector<std::int64_t>{5, 6});
        REQUIRE(check_history(tree.state()).flaws.empty());
        REQUIRE(std::distance(fs::directory_iterator(tree.state() + "/objects"), {}) == 3);  // of runs 4 to 6
    }
    CHECK(before > 0);
    CHECK(after > 0);
}
