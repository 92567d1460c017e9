// SPDX-License-Identifier: Apache-2.0
// What something that runs has read of what it watches, by when it was started and by whom (store.md C9).
#include <chaos/transaction.hpp>

#include "doctest/doctest.h"
#include "support/fake_host.hpp"
#include "thing.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

constexpr std::int64_t second = 1'000'000'000;

/// A kind that runs, since when and as whom its text says: `ID started`; and one that lies at a path.
constexpr Schema running_schema =
    schema::of<Thing>("running", "runnings", Order::service, "It runs.", thing_fields).reacting();
constexpr Schema lying_schema = schema::of<Thing>("lying", "lyings", Order::file, "It lies.", thing_fields);

class Running final : public TypedResource<Thing> {
public:
    constexpr Running() : TypedResource(running_schema) {}
    std::optional<Thing> observe(const View&, const Thing&, bool) const override { return std::nullopt; }
    void apply(WritableHost&, const Thing*, const Thing*, bool) const override {}
    std::optional<Invocation> runs_as(const View&, const State& state) const override {
        const std::string said = state.as<Thing>()->colour.value_or("");
        if (said.empty()) return Invocation{};
        return Invocation{said.substr(0, said.find(' ')), std::stoll(said.substr(said.find(' ') + 1))};
    }
};
class Lying final : public TypedResource<Thing> {
public:
    constexpr Lying() : TypedResource(lying_schema) {}
    std::optional<Thing> observe(const View&, const Thing&, bool) const override { return std::nullopt; }
    void apply(WritableHost&, const Thing*, const Thing*, bool) const override {}
    void claims(const State&, std::vector<Claim>& claims) const override {
        claims.push_back({Claim::Role::provides, "path:/etc/w.conf"});
    }
};
constexpr Running running;
constexpr Lying lying;

/// One run of ours changed what lies there, and what ran then took note of it.
class OneRun final : public History {
public:
    std::int64_t ended = 0;
    Noted notes;
    std::string by;
    std::vector<RunRecord> runs(std::size_t) const override { return {}; }
    std::optional<RunRecord> run(std::int64_t) const override {
        RunRecord record;
        record.ended = ended;
        return record;
    }
    std::optional<Window> window() const override { return std::nullopt; }
    std::vector<ChangeRecord> changes(std::int64_t) const override { return {}; }
    std::vector<ChangeRecord> changes_of(const ResourceId&) const override { return {ChangeRecord{}}; }
    std::vector<OwnedRecord> owned(const std::string&) const override { return {}; }
    const std::vector<Holding>& holdings() const override { return none_; }
    OwnedRecord owned(const Holding&) const override { return {}; }
    std::string site_origin(const std::string&) const override { return {}; }
    Noted noted(const ResourceId&, std::string* invocation) const override {
        *invocation = by;
        return notes;
    }

private:
    std::vector<Holding> none_;
};

struct Watching {
    Watching() {
        catalog = {resource(thing("w", ""), running), resource(thing("conf", "good"), lying)};
        catalog[0].watches = {1};
        host.put_file("/etc/w.conf", "good");
        changed = host.look("/etc/w.conf").changed;
        history.ended = changed;
        history.notes = inputs_of(catalog, 0, {catalog[0].wanted, catalog[1].wanted});
        history.by = "ours";
    }

    /// Whether it is to be told, where it runs as that since then (after the last change), and that is what lies there.
    bool is_told(const std::string& invocation, std::int64_t after, const std::string& lies) {
        const std::string runs = invocation.empty() ? "" : invocation + " " + std::to_string(changed + after);
        States observed{thing("w", runs), thing("conf", lies)}, goal{thing("w", runs), thing("conf", "good")};
        set_inputs(catalog, View(host), &history, observed, goal);
        return !(observed[0].inputs() == goal[0].inputs());
    }

    FakeHost host;
    Catalog catalog;
    OneRun history;
    std::int64_t changed = 0;
};

}  // namespace

TEST_CASE("what took note of its inputs is told when they change, and not before") {
    Watching it;
    CHECK_FALSE(it.is_told("ours", -second, "good"));
    CHECK_FALSE(it.is_told("ours", -second, "drift"));  // it goes back to what it has read
    it.history.notes = inputs_of(it.catalog, 0, {thing("w"), thing("conf", "older")});
    CHECK(it.is_told("ours", -second, "good"));
}

TEST_CASE("what somebody restarted has read what lay there then, not what was noted") {
    Watching it;
    CHECK(it.is_told("theirs", second, "drift"));
    CHECK_FALSE(it.is_told("theirs", second, "good"));
    it.history.notes = inputs_of(it.catalog, 0, {thing("w"), thing("conf", "older")});
    CHECK_FALSE(it.is_told("theirs", second / 10, "good"));  // after the change: one restart is enough
}

TEST_CASE("what somebody restarted before its inputs changed again is told: nobody knows what it has read") {
    Watching it;
    CHECK(it.is_told("theirs", -second, "good"));
    it.history.by.clear();
    CHECK_FALSE(it.is_told("theirs", -second, "good"));  // nobody noted who ran: it is taken for the same
}

TEST_CASE("what does not run is owed nothing, whatever changed meanwhile") {
    Watching it;
    CHECK_FALSE(it.is_told("", 0, "good"));
    it.history.notes = inputs_of(it.catalog, 0, {thing("w"), thing("conf", "older")});
    CHECK_FALSE(it.is_told("", 0, "good"));
}

TEST_CASE("what it watches and is gone was changed when its directory was") {
    Watching it;
    it.host.remove("/etc/w.conf");
    it.host.publish();
    it.changed = it.host.look("/etc").changed;
    CHECK(it.is_told("theirs", second, "drift"));
    CHECK(it.is_told("theirs", -second, "good"));
}
