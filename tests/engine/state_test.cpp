// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "thing.hpp"

using namespace chaos;
using namespace chaos::test;

TEST_CASE("an overlay that changes nothing is the observed object itself") {
    const State observed = State::of(Thing{"a", "red", std::vector<std::string>{"x", "y"}, {}, {}, {}, {}});
    CHECK(overlay(thing_schema, observed, State::of(Thing{"a", {}, std::vector<std::string>{"x"}, {}, {}, {}, {}})) ==
          observed);
    CHECK(overlay(thing_schema, observed, thing("a", "red")) == observed);
}

TEST_CASE("an overlay keeps what is left open, adds members and takes the wish's options") {
    const State observed = State::of(Thing{"a", "red", std::vector<std::string>{"x"}, {}, {}, {}, {}});
    const State goal =
        overlay(thing_schema, observed, State::of(Thing{"a", {}, std::vector<std::string>{"y"}, {}, "fast", {}, {}}));
    CHECK(*goal.as<Thing>()->colour == "red");
    CHECK(*goal.as<Thing>()->tags == std::vector<std::string>{"x", "y"});
    CHECK(*goal.as<Thing>()->how == "fast");
    CHECK(observed.as<Thing>()->tags->size() == 1);
}

TEST_CASE("decode of encode gives the state back") {
    const State state =
        State::of(Thing{"a", "red", std::vector<std::string>{"x", "y"}, TextMap{{"k", "v"}}, "fast", {}, {}});
    Diagnostics problems;
    const State back = decode(thing_schema, encode(thing_schema, state), problems);
    CHECK(problems.ok());
    CHECK(same(thing_schema, state, back));
    CHECK(*back.as<Thing>()->how == "fast");
}

TEST_CASE("decoding goes to the end and tells every mistake") {
    const Value written(
        Value::Map{{std::string("colour"), Value(Value::List{})}, {std::string("size"), std::string("1")}});
    Diagnostics problems;
    decode(thing_schema, written, problems);
    REQUIRE(problems.errors().size() == 3);
    CHECK(std::string(problems.errors()[1].what()) == "a thing has no attribute 'size'");
    CHECK(std::string(problems.errors()[2].what()) == "a thing needs 'name'");
}

TEST_CASE("a digest tells what was declared apart, and nothing else") {
    CHECK(digest(thing_schema, thing("a", "red")) ==
          digest(thing_schema, thing("b", "red")));  // the key is not a property
    CHECK(!(digest(thing_schema, thing("a", "red")) == digest(thing_schema, thing("a", "blue"))));
    CHECK(!(digest(thing_schema, State()) == digest(thing_schema, thing("a"))));
}
