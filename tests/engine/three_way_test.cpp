// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/successive.hpp>

#include "thing.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

State with_members(std::vector<std::string> members) {
    return State::of(Thing{"a", {}, std::move(members), {}, {}, {}, {}});
}
State with_labels(TextMap labels) {
    return State::of(Thing{"a", {}, {}, std::move(labels), {}, {}, {}});
}

struct Decided {
    State state;
    std::vector<const Field*> conflicts;
};
Decided decide(const State& now, const State& base, const State& target) {
    Decided decided;
    decided.state = three_way(thing_schema, now, base, target, decided.conflicts);
    return decided;
}
std::string colour(const State& state) {
    return state ? state.as<Thing>()->colour.value_or("-") : "absent";
}

}  // namespace

TEST_CASE("what is still as we left it goes back") {
    CHECK(colour(decide(thing("a", "blue"), thing("a", "blue"), thing("a", "red")).state) == "red");
}

TEST_CASE("what is back already stays, as the same object") {
    const State now = thing("a", "red");
    CHECK(decide(now, thing("a", "blue"), thing("a", "red")).state == now);
}

TEST_CASE("what somebody changed since stays, and is a conflict") {
    const auto decided = decide(thing("a", "green"), thing("a", "blue"), thing("a", "red"));
    CHECK(colour(decided.state) == "green");
    REQUIRE(decided.conflicts.size() == 1);
    CHECK(decided.conflicts[0]->name == "colour");
}

TEST_CASE("what we made goes where it is as we made it, and stays where it is not") {
    CHECK(colour(decide(thing("a", "blue"), thing("a", "blue"), {}).state) == "absent");
    const auto edited = decide(thing("a", "green"), thing("a", "blue"), {});
    CHECK(colour(edited.state) == "green");
    CHECK(edited.conflicts == std::vector<const Field*>{nullptr});
    CHECK(decide({}, thing("a", "blue"), {}).conflicts.empty());
}

TEST_CASE("what we took away comes back where there is nothing") {
    CHECK(colour(decide({}, {}, thing("a", "red")).state) == "red");
    CHECK(decide(thing("a", "red"), {}, thing("a", "red")).conflicts.empty());
    CHECK(decide(thing("a", "green"), {}, thing("a", "red")).conflicts.size() == 1);
}

TEST_CASE("what somebody removed since is a conflict, not made again") {
    const auto decided = decide({}, thing("a", "blue"), thing("a", "red"));
    CHECK(colour(decided.state) == "absent");
    CHECK(decided.conflicts == std::vector<const Field*>{nullptr});
}

TEST_CASE("members go back one by one: who came later stays, who was taken out comes back") {
    const auto decided =
        decide(with_members({"old", "ours", "theirs"}), with_members({"old", "ours"}), with_members({"gone", "old"}));
    CHECK(*decided.state.as<Thing>()->tags == std::vector<std::string>{"gone", "old", "theirs"});
    CHECK(decided.conflicts.empty());
}

TEST_CASE("keys go back one by one, and a key that somebody changed since is a conflict") {
    const auto clean =
        decide(with_labels({{"a", "2"}, {"x", "theirs"}}), with_labels({{"a", "2"}}), with_labels({{"a", "1"}}));
    CHECK(*clean.state.as<Thing>()->labels == TextMap{{"a", "1"}, {"x", "theirs"}});
    CHECK(clean.conflicts.empty());
    CHECK(decide(with_labels({{"a", "3"}}), with_labels({{"a", "2"}}), with_labels({{"a", "1"}})).conflicts.size() ==
          1);
}

TEST_CASE("an attribute that one side does not give is left alone") {
    const State now = thing("a", "green");
    CHECK(decide(now, with_members({"x"}), thing("a", "red")).conflicts.empty());
    CHECK(decide(now, with_members({"x"}), thing("a", "red")).state == now);
}

TEST_CASE("another thing than we left, that has no such attribute, is a conflict, and ours goes over it whole") {
    const State base = State::of(Thing{"a", "blue", {}, TextMap{}, {}, {}, {}});
    const State target = State::of(Thing{"a", "red", {}, TextMap{}, {}, {}, {}});
    const State now = with_labels({{"x", "theirs"}});
    for (const Deciding how : {Deciding::leave, Deciding::merge}) {
        std::vector<const Field*> conflicts;
        const State stays = three_way(thing_schema, now, base, target, conflicts, how);
        CHECK(colour(stays) == "-");
        REQUIRE(conflicts.size() == 1);
        CHECK(conflicts[0]->name == "colour");
    }
    std::vector<const Field*> conflicts;
    const State ours = three_way(thing_schema, now, base, target, conflicts, Deciding::ours);
    CHECK(conflicts.empty());
    CHECK(colour(ours) == "red");
    CHECK(ours.as<Thing>()->labels->empty());
    CHECK(decide(with_labels({}), base, target).conflicts.empty());  // as we left it, as far as it is known
}

TEST_CASE("decided as ours, what goes back does so over what somebody made") {
    const auto ours = [](const State& now, const State& base, const State& target) {
        Decided decided;
        decided.state = three_way(thing_schema, now, base, target, decided.conflicts, Deciding::ours);
        CHECK(decided.conflicts.empty());
        return decided.state;
    };
    CHECK(colour(ours(thing("a", "green"), thing("a", "blue"), thing("a", "red"))) == "red");
    CHECK(colour(ours(thing("a", "green"), thing("a", "blue"), {})) == "absent");
    CHECK(colour(ours(thing("a", "green"), {}, thing("a", "red"))) == "red");
    CHECK(colour(ours({}, thing("a", "blue"), thing("a", "red"))) == "red");
    const State labels =
        ours(with_labels({{"a", "9"}, {"x", "theirs"}}), with_labels({{"a", "2"}}), with_labels({{"a", "1"}}));
    CHECK(*labels.as<Thing>()->labels == TextMap{{"a", "1"}, {"x", "theirs"}});
}

TEST_CASE("decided by merging, what is no text stays a conflict") {
    std::vector<const Field*> conflicts;
    const State now =
        three_way(thing_schema, thing("a", "green"), thing("a", "blue"), thing("a", "red"), conflicts, Deciding::merge);
    CHECK(colour(now) == "green");
    CHECK(conflicts.size() == 1);
}

namespace {

/// What can be pinned, as a package can be put on hold.
struct Board {
    std::string name, colour;
    std::optional<bool> pinned;
};
constexpr Field board_fields[] = {
    schema::key<&Board::name>("name", "Which."),
    schema::property<&Board::colour>("colour", "What it looks like."),
    schema::property<&Board::pinned>("pinned", "It stays as it is.").pinning(),
};
constexpr Schema board_schema = schema::of<Board>("board", "boards", Order::setting, "A board.", board_fields);

State board(std::string colour, std::optional<bool> pinned) {
    return State::of(Board{"a", std::move(colour), pinned});
}

/// What is left of it, and what is a conflict.
std::string left(const State& now, const State& base, const State& target, Deciding deciding = Deciding::leave) {
    std::vector<const Field*> conflicts;
    const State goal = three_way(board_schema, now, base, target, conflicts, deciding);
    std::string words = goal ? goal.as<Board>()->colour : "absent";
    for (const Field* field : conflicts) words += field ? " !" + std::string(field->name) : " !";
    return words;
}

}  // namespace

TEST_CASE("what somebody pinned since we left it stays, though nothing else of it changed") {
    CHECK(left(board("blue", true), board("blue", false), board("red", false)) == "blue !colour");
    CHECK(left(board("blue", true), board("blue", false), {}) == "blue !");
    CHECK(left(board("blue", true), board("blue", false), board("red", false), Deciding::merge) == "blue !colour");
    CHECK(left(board("blue", true), board("blue", false), board("red", false), Deciding::ours) == "red");
    CHECK(left(board("blue", true), board("blue", false), {}, Deciding::ours) == "absent");
    // pinned when we left it, no more, or nobody knows; and nothing that would go back
    CHECK(left(board("blue", true), board("blue", true), board("red", true)) == "red");
    CHECK(left(board("blue", true), board("blue", true), {}) == "absent");
    CHECK(left(board("blue", false), board("blue", true), board("red", true)) == "red");
    CHECK(left(board("blue", true), board("blue", {}), {}) == "absent");
    CHECK(left(board("red", true), board("blue", false), board("red", false)) == "red");
}

TEST_CASE(
    "what goes back of a step that was cut keeps the pin that somebody set meanwhile, and not one that the step set") {
    const auto pinned = [](const State& goal, const State& now, const State& base, const State& made) {
        return as_pinned(board_schema, goal, now, base, made).as<Board>()->pinned;
    };
    const State before = board("blue", false), now = board("red", true);
    CHECK(pinned(before, now, before, board("red", {})) == true);
    CHECK(pinned(before, now, before, {}) == true);
    CHECK(pinned(before, now, before, board("red", true)) == false);
    CHECK(pinned(before, board("red", false), before, {}) == false);
    CHECK(pinned(board("blue", {}), now, board("blue", {}), {}) == std::nullopt);  // it may have been so
    CHECK_FALSE(as_pinned(board_schema, {}, now, before, {}));
}

TEST_CASE("what somebody changed between two changes of ours is not ours, unless the later one changed it again") {
    const auto left = [](const char* made, const char* before, const char* after) {
        const auto named = [](std::string text) {
            return from_json(text == "null" ? text : R"({"name":"a",)" + text.substr(1));
        };
        Value all = made_after(thing_schema, named(made), named(before), named(after));
        if (all.is_map())
            std::erase_if(std::get<Value::Map>(all.data), [](const auto& one) { return one.key.text() == "name"; });
        return to_json(all);
    };
    // nobody came between
    CHECK(left(R"({"colour":"red"})", R"({"colour":"red"})", R"({"colour":"blue"})") == R"({"colour":"blue"})");
    // somebody did, and it was left alone; or was overwritten
    CHECK(left(R"({"colour":"red"})", R"({"colour":"theirs"})", R"({"colour":"theirs"})") == R"({"colour":"red"})");
    CHECK(left(R"({"colour":"red"})", R"({"colour":"theirs"})", R"({"colour":"blue"})") == R"({"colour":"blue"})");
    // members and keys one by one, in the order in which they are listed
    CHECK(left(R"({"members":["b"]})", R"({"members":["b","theirs"]})", R"({"members":["a","b","theirs"]})") ==
          R"({"members":["a","b"]})");
    CHECK(left(R"({"labels":{"x":"1"}})", R"({"labels":{"x":"1","t":"0"}})", R"({"labels":{"x":"2","t":"0"}})") ==
          R"({"labels":{"x":"2"}})");
    // what only one of them recorded
    CHECK(left(R"({"colour":"red"})", R"({"members":[]})", R"({"members":["a"]})") ==
          R"({"colour":"red","members":["a"]})");
    CHECK(left(R"({"colour":"red"})", R"({"colour":"red"})", "null") == "null");
    CHECK(left("null", "null", R"({"colour":"red"})") == R"({"colour":"red"})");
}
