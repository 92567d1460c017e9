// SPDX-License-Identifier: Apache-2.0
#include "cli/attribute_view.hpp"

#include <doctest/doctest.h>
#include <chaos/located.hpp>

using namespace chaos;
using namespace chaos::cli;

namespace {

struct Thing {
    std::string name;
    std::optional<Content> content;
    std::optional<Mode> mode;
    std::optional<std::vector<std::string>> groups;
    std::optional<std::string> password, how;
    std::optional<Located> lies{};
    std::optional<TextMap> comes{}, made{};
};

constexpr Field fields[] = {
    schema::key<&Thing::name>("name", "Its name."),
    schema::property<&Thing::content>("content", "Its text."),
    schema::property<&Thing::mode>("mode", "Its mode."),
    schema::property<&Thing::groups>("groups", "Its groups."),
    schema::property<&Thing::password>("password", "Its password.").sensitive(),
    schema::option<&Thing::how>("how", "How it is made."),
    schema::source("file", "lies", "A file."),
    schema::property<&Thing::lies>("lies", "That file."),
    schema::seen<&Thing::comes>("comes", "Why.").told_in_words(),
    schema::seen<&Thing::made>("made", "Links."),
};
constexpr Schema thing = schema::of<Thing>("thing", "things", Order::setting, "A thing.", fields);

std::string shown(const std::optional<Thing>& before, const std::optional<Thing>& after, const Detail& detail = {}) {
    const auto value = [](const std::optional<Thing>& spec) {
        return spec ? encode(thing, State::of(*spec)) : Value();
    };
    std::string out;
    for (const AttributeView& view : attributes(&thing, value(before), value(after), detail)) {
        out += render(view, Style(false), 0);
        CHECK(to_json(view).text().find("hunter2") == std::string::npos);
    }
    return out;
}

}  // namespace

TEST_CASE("attributes that are made are shown with what they will be, but for key and options") {
    CHECK(shown(std::nullopt, Thing{"a", Content("x\n"), Mode{0644}, {}, {}, "fast"}) ==
          "content: 2 bytes\n  @@ -0,0 +1 @@\n  +x\nmode: 0644\n");
    CHECK(shown(std::nullopt, Thing{"a", {}, {}, {}, {}, "fast"}, {.options = true}) == "how: fast\n");
}

TEST_CASE("only what differs is shown, and not what the goal leaves open") {
    CHECK(shown(Thing{"a", Content("x"), Mode{0600}, {}, {}, {}}, Thing{"a", {}, Mode{0644}, {}, {}, {}}) ==
          "mode: 0600 -> 0644\n");
    CHECK(shown(Thing{"a", {}, Mode{0600}, {}, {}, {}}, Thing{"a", {}, Mode{0600}, {}, {}, {}}).empty());
}

TEST_CASE("a set is shown by what comes and what goes") {
    const std::vector<std::string> before{"a", "b"}, after{"b", "c"};
    CHECK(shown(Thing{"a", {}, {}, before, {}, {}}, Thing{"a", {}, {}, after, {}, {}}) == "groups: -a +c\n");
}

TEST_CASE("a secret is never shown, only that it changes") {
    CHECK(shown(Thing{"a", {}, {}, {}, "hunter2", {}}, Thing{"a", {}, {}, {}, "hunter22", {}}) ==
          "password: ‹secret› (changes)\n");
    CHECK(shown(std::nullopt, Thing{"a", {}, {}, {}, "hunter2", {}}) == "password: ‹secret›\n");
}

TEST_CASE("a content that is no text, or too big for memory, is shown by size and digest") {
    const std::string binary("\0\1", 2);
    CHECK(shown(std::nullopt, Thing{"a", Content(binary), {}, {}, {}, {}}) ==
          "content: 2 bytes, digest " + hex(digest(binary)).substr(0, 12) + "\n");
    const Digest sum = digest("much");
    CHECK(shown(std::nullopt, Thing{"a", Content("/big", 5ULL << 30, sum), {}, {}, {}, {}}) ==
          "content: 5.0 GiB, digest " + hex(sum).substr(0, 12) + "\n");
}

TEST_CASE("a file that is used where it lies is shown by its path, size and digest, as a manifest calls it") {
    const Digest sum = digest("much"), other = digest("more");
    Thing before{"a", {}, {}, {}, {}, {}}, after = before;
    before.lies = {.path = "/srv/a_1.deb", .size = 706, .digest = sum, .note = "1"};
    after.lies = {.path = "/srv/a_2.deb", .size = 708, .digest = other, .note = "2"};
    const auto first = "/srv/a_1.deb, 706 bytes, digest " + hex(sum).substr(0, 12);
    CHECK(shown(std::nullopt, before) == "file: " + first + "\n");
    CHECK(shown(before, after) ==
          "file: " + first + " -> /srv/a_2.deb, 708 bytes, digest " + hex(other).substr(0, 12) + "\n");
}

TEST_CASE("what is seen of a mapping is told as words where its kind says so, else as NAME=VALUE") {
    Thing thing_of{"a", {}, {}, {}, {}, {}};
    thing_of.comes = TextMap{{"download", "53 kB"}, {"why", "nginx needs it"}};
    thing_of.made = TextMap{{"/etc/vimrc", "/srv/vimrc"}};
    CHECK(shown(std::nullopt, thing_of) == "comes: nginx needs it; download 53 kB\nmade: /etc/vimrc=/srv/vimrc\n");
}

TEST_CASE("a long diff is cut, and says how much is left") {
    std::string lines;
    for (int i = 0; i < 100; ++i) lines += std::to_string(i) + '\n';
    const std::string text = shown(std::nullopt, Thing{"a", Content(lines), {}, {}, {}, {}}, {.diff_lines = 10});
    CHECK(text.find("... 91 lines more (chaos diff shows them)\n") != std::string::npos);
}

TEST_CASE("attributes of a kind that nobody knows are shown as they were recorded") {
    const Value before(Value::Map{{std::string("x"), std::string("1")}}),
        after(Value::Map{{std::string("x"), std::string("2")}});
    const auto views = attributes(nullptr, before, after, {});
    REQUIRE(views.size() == 1);
    CHECK(render(views[0], Style(false), 0) == "x: 1 -> 2\n");
}
