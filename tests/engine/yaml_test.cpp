// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <random>

#include "site_kinds.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

/// The error's first line, without what comes after.
std::string mistake(const std::string& text) {
    const std::string said = parsed(text);
    return said.substr(0, said.find('\n'));
}

}  // namespace

TEST_CASE("a document is read as it was written") {
    CHECK(parsed("a: 1.20\nb: [x, 'y', \"z\"]\nc: {d: no}\n") == R"({"a":"1.20","b":["x","y","z"],"c":{"d":"no"}})");
    CHECK(parsed("a: |\n  x\n  y\nb: >\n  p\n  q\n") == R"({"a":"x\ny\n","b":"p q\n"})");
    CHECK(parsed("\xEF\xBB\xBF"
                 "a: 1\r\nb: |\r\n  x\r\n") == R"({"a":"1","b":"x\n"})");
    CHECK(parsed(R"({"a": [1, true, null], "b": "x"})") == R"({"a":["1","true",null],"b":"x"})");
    CHECK(parsed("a: >+\n  x\n\nb: 1\n") == R"({"a":"x\n\n","b":"1"})");
    CHECK(parsed("a: >+\n  x\n  y\nb: 1\n") == R"({"a":"x y\n","b":"1"})");
    CHECK(parsed("a: >+\n  x\n\n  y\n\n\nb: >-\n  z\n\n") == R"({"a":"x\ny\n\n\n","b":"z"})");
    CHECK(parsed("a: |+\n  x\n\nb: 1\n") == R"({"a":"x\n\n","b":"1"})");
    CHECK(parsed("a: 1\n...\n# end\n") == R"({"a":"1"})");
    CHECK(parsed("a: 1\n \t \nb: 2\n") == R"({"a":"1","b":"2"})");
}

TEST_CASE("nothing and null are told apart, and a blank value's place is its key's") {
    Sources sources;
    const Value value = parse_yaml(sources, sources.add("x", "/", "a:\nb: null\nc: ~\nd: [~]\ne:\nnull_: 1\n"));
    CHECK(value.find("a")->blank);
    CHECK(value.find("a")->where == Place{1, 1, 0});
    CHECK_FALSE(value.find("b")->blank);
    CHECK_FALSE(value.find("c")->blank);
    CHECK(value.find("e")->blank);
}

TEST_CASE("anchors, aliases and merge keys work within a file") {
    CHECK(parsed("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n") == R"({"a":{"p":"1","q":"2"},"b":{"q":"3","p":"1"}})");
    CHECK(parsed("a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc: {<<: [*x, *y]}\n") ==
          R"({"a":{"p":"1"},"b":{"p":"2","r":"3"},"c":{"p":"1","r":"3"}})");
    CHECK(mistake("a: &x [*x]\n") ==
          "site.yml:1:8: error: this alias stands inside what it is an alias of: it would never end");
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int j = 0; j < 9; ++j) bomb += ", " + before;
        bomb += "]\n";
    }
    CHECK(mistake(bomb).find("more than 1000000 values") != std::string::npos);
}

TEST_CASE("what a strict reader refuses is refused") {
    for (const char* text : {"  a: 1\nb: 2\n",
                             ",\n",
                             ",a: 1\n",
                             "a: 1\n---\nb: 2\n",
                             "- a\nb: 1\n",
                             "a: \"x\nb: 2\n",
                             "a: 'x\n",
                             "files:\n  /x:\n    content: y\n    mode\n",
                             "-b\nc: 1\n",
                             "-b: 1\nc\n",
                             ": x\n",
                             "a: 1\na: 2\n",
                             "? [x]\n: y\n",
                             "a: \x1b\n",
                             "a: \xff\n",
                             "a:\n\tb: 1\n",
                             "",
                             "# only\n",
                             "---\n",
                             "a: !x y\n",
                             "a: !secret\n",
                             "a: [1\nb: 2\n",
                             "a: *none\n",
                             "~: 1\n",
                             "a: b: c\n",
                             "a: {b: 1}}\n",
                             "a: \"\\y\"\n",
                             "[",
                             "{",
                             "&",
                             "*",
                             "x: {when: a in ['b']}"}) {
        CAPTURE(std::string(text));
        CHECK(parsed(text).find("error: ") != std::string::npos);
    }
    CHECK(mistake(std::string("a\0: 1\n", 6)).find("error: ") != std::string::npos);
    CHECK(mistake(std::string(100, '[') + std::string(100, ']')).find("more than 64 levels") != std::string::npos);
    CHECK(mistake("a: " + std::string(17 << 20, 'x')).find("more than 16") != std::string::npos);
}

TEST_CASE("columns are counted in characters") {
    CHECK(mistake("\"größe äöü\": {ä: 1, ä: 2}\n").starts_with("site.yml:1:21: error: the key 'ä' is here twice"));
}

TEST_CASE("the kept form gives back what was frozen, and refuses what is not its own") {
    Sources sources;
    const auto source = sources.add("x", "/", "a: [1, 'x', {b: !file c}]\nd:\n");
    const Value value = parse_yaml(sources, source);
    const std::string kept = freeze(value);
    const auto back = thaw(kept, 7);
    REQUIRE(back);
    CHECK(*back == value);
    CHECK(back->find("a")->list()[1].quoted);
    CHECK(back->find("a")->list()[1].where == Place{1, 8, 7});
    CHECK(back->find("a")->list()[2].find("b")->tag == Value::Tag::file);
    CHECK(back->find("d")->blank);
    for (std::size_t i = 0; i < kept.size(); ++i) {
        CHECK_FALSE(thaw(std::string_view(kept).substr(0, i), 7));
        std::string damaged = kept;
        damaged[i] = static_cast<char>(damaged[i] ^ 4);
        CHECK_FALSE(thaw(damaged, 7));
    }
}

TEST_CASE("JSON is read to the letter and written so that it reads back") {
    for (const char* good :
         {"null", "[]", "{}", "\"a\\u00e9\\ud83d\\ude00\\n\"", "[1,-0.5e+3,true,false]", " {\"a\" : {\"b\":[null]}} "})
        CHECK(from_json(to_json(from_json(good))) == from_json(good));
    for (const char* bad : {"", "nul", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "'a'", "\"\\x\"",
                            "\"\\ud800\"", "\"\n\"", "[1] 2", "[", "\"a"}) {
        CAPTURE(std::string(bad));
        CHECK_THROWS_AS(from_json(bad), Error);
    }
    CHECK_THROWS_AS(from_json(std::string(100'000, '[')), Error);
    CHECK(to_json(Value(std::string("a\"\\\n\x01"))) == R"("a\"\\\n\u0001")");
}

TEST_CASE("no mutant of a manifest crashes or hangs, and every error has a place") {
    const std::string whole =
        "name: web # site\nvars: &v {port: 8080, list: [a, 'b', \"c\"], deep: {x: {y: z}}}\n"
        "packages: [git, {name: x, version: 1.2}]\nfiles:\n  /a: |\n    text {{ vars.port }}\n    more\n  /b:\n    "
        "content: >-\n      folded\n"
        "    mode: 0644\n  \"/c{{ vars.port }}\": {content: !file x, <<: *v}\nservices:\n  - n\n  - {name: m, watch: "
        "[\"file:/*\"]}\n";
    const std::string alphabet = "{}[]:,-#&*!|>'\"%@`? \n\tax0\\~.<=\xc3\xff\x1b";
    std::mt19937 random(20240601);
    const auto pick = [&](std::size_t below) { return random() % below; };
    for (int round = 0; round < 4000; ++round) {
        std::string text = whole;
        for (std::size_t edits = 1 + pick(3); edits; --edits) {
            const auto at = pick(text.size());
            switch (pick(4)) {
                case 0: text[at] = alphabet[pick(alphabet.size())]; break;
                case 1: text.erase(at, 1 + pick(8)); break;
                case 2: text.insert(at, 1, alphabet[pick(alphabet.size())]); break;
                default: text.insert(at, text.substr(pick(text.size()), pick(20)));
            }
        }
        if (round % 7 == 0) text.resize(pick(text.size()));
        Sources sources;
        const auto source = sources.add("x", "/", text);
        try {
            const Value value = parse_yaml(sources, source);
            const auto back = thaw(freeze(value), source);
            REQUIRE(back);
            REQUIRE(*back == value);
        } catch (const Error& error) {
            CAPTURE(text);
            REQUIRE(error.where);
            REQUIRE(!render(error, sources).empty());
        }
    }
}
