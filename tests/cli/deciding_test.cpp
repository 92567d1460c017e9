// SPDX-License-Identifier: Apache-2.0
// What a rollback says of the decisions that its conflicts leave: each where it decides something.
#include <doctest/doctest.h>

#include <chaos/value.hpp>

#include "sandbox.hpp"

using namespace chaos;

namespace {

/// What `chaos rollback --json` says to type next, of a site whose host somebody changed since.
std::string next_of(const Sandbox& place, const std::vector<std::string>& words) {
    const Output output = place.in_root(words);
    const Value said = from_json(output.out);
    const Value* next = said.find("next");
    REQUIRE_MESSAGE(next, output.out, output.err);
    return next->is_null() ? "" : next->text();
}

}  // namespace

TEST_CASE("--ours is named where it takes something back, with what it can not take") {
    Sandbox place;
    const auto site = [&](const char* text) {
        return place.write("site.yml", std::string("name: site\nfiles:\n  /etc/kept: {content: ") + text +
                                           ", protect: true}\n  /etc/edited: \"" + text + "\"\n");
    };
    REQUIRE(place.in_root({"apply", "-y", site("first")}).status == 0);
    const std::string leaves = "decide what is named above, now or later: --theirs leaves it";
    // Protected: it stays whatever is said.
    CHECK(next_of(place, {"rollback", "-n", "--json"}) == leaves);
    place.write("root/etc/edited", "somebody's");
    CHECK(next_of(place, {"rollback", "-n", "--json"}) == leaves + ", --ours takes it back (but not file:/etc/kept)");
    const Output back = place.in_root({"rollback", "-y", "--ours"});
    CHECK(back.status == 3);
    CHECK_FALSE(place.read("root/etc/edited"));
    CHECK(place.read("root/etc/kept"));
}

TEST_CASE("--merge is named where it joins a text, and --ours alone where lines are the same ones") {
    Sandbox place;
    const auto site = [&](const char* text) {
        return place.write("site.yml", std::string("name: site\nfiles: {/etc/one: \"") + text + "\"}\n");
    };
    REQUIRE(place.in_root({"apply", "-y", site("a\\nb\\nc\\nd\\ne\\n")}).status == 0);
    REQUIRE(place.in_root({"apply", "-y", site("a\\nB\\nc\\nd\\ne\\n")}).status == 0);
    const std::string leaves = "decide what is named above, now or later: --theirs leaves it, --ours takes it back";
    place.write("root/etc/one", "a\nX\nc\nd\ne\n");
    CHECK(next_of(place, {"rollback", "-n", "--json"}) == leaves);
    place.write("root/etc/one", "a\nB\nc\nd\nE\n");
    CHECK(next_of(place, {"rollback", "-n", "--json"}) == leaves + ", --merge joins texts");
    CHECK(place.in_root({"rollback", "-y", "--merge"}).status == 0);
    CHECK(place.read("root/etc/one") == "a\nb\nc\nd\nE\n");
}
