// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/error.hpp>
#include <chaos/format.hpp>
#include <chaos/manifest.hpp>

using namespace chaos;

namespace {

std::string laid(const std::string& text) {
    Sources sources;
    return format_manifest(sources, sources.add("x", "/", text)).text;
}
std::size_t untouched(const std::string& text) {
    Sources sources;
    return format_manifest(sources, sources.add("x", "/", text)).untouched.size();
}

}  // namespace

TEST_CASE("a layout indents with two blanks, lists below their keys as well") {
    CHECK(laid("a:\n      b: 1\n      c:\n      - d\n      -   e\n") == "a:\n  b: 1\n  c:\n    - d\n    - e\n");
    CHECK(laid("- a:  1\n  b:\n  -  - c\n     - d\n") == "- a: 1\n  b:\n    - - c\n      - d\n");
    CHECK(laid("  a: 1\n  b: 2\n") == "a: 1\nb: 2\n");
}

TEST_CASE("a layout has no blanks inside brackets, and one after a comma or a colon") {
    CHECK(laid("a: { b : 1,c: [ x,y ,z ] , \"d\":2 }\n") == "a: {b: 1, c: [x, y, z], \"d\": 2}\n");
    CHECK(laid("a: [x, # why\n       y\n       ]\n") == "a: [x, # why\n  y\n]\n");
    CHECK(laid("a: &x b\nc: {*x : 1, d: *x}\n") == "a: &x b\nc: {*x : 1, d: *x}\n");
    CHECK(laid("url: {a: http://x/y:z, b: x#y}\n") == "url: {a: http://x/y:z, b: x#y}\n");
}

TEST_CASE("a layout keeps comments where they belong, and the distance their authors gave them") {
    CHECK(laid("# top\n\n\n\na: 1      # one\nbb: 2     # two\n") == "# top\n\na: 1      # one\nbb: 2     # two\n");
    CHECK(laid("a:\n     # of b\n     b: 1\n     # the last of a\n# of c\nc: 1\n") ==
          "a:\n  # of b\n  b: 1\n  # the last of a\n# of c\nc: 1\n");
    CHECK(laid("a: 1\n\n\n# end\n\n\n") == "a: 1\n\n# end\n");
}

TEST_CASE("a layout moves a block of text as a whole, and takes nothing from it") {
    CHECK(laid("a:\n    b: |\n          x\n            y\n\n          # z\n    c: 1\n") ==
          "a:\n  b: |\n    x\n      y\n\n    # z\n  c: 1\n");
    CHECK(laid("a:\n    b: |2\n        x\n    c: >-\n     y\n") == "a:\n  b: |2\n      x\n  c: >-\n    y\n");
    CHECK(laid("a: |+\n  x\n\n\nb: 1\n") == "a: |+\n  x\n\n\nb: 1\n");
    CHECK(laid("a: |\n  x\n\n\n\nb: 1\n") == "a: |\n  x\n\nb: 1\n");
    CHECK(laid("a: |-\n  x  \n") == "a: |-\n  x  \n");
}

TEST_CASE("a layout keeps quotes, tags, anchors, and texts over several lines") {
    CHECK(laid("a: !secret   x\nb: '0644'\nc: \"{{ d }}\"\n") == "a: !secret x\nb: '0644'\nc: \"{{ d }}\"\n");
    CHECK(laid("a:\n      \"one\n        two\"\nb: three\n         four\n") ==
          "a:\n  \"one\n  two\"\nb: three\n  four\n");
    CHECK(laid("x-a: &a {b: 1}\nc:\n    <<: *a\n") == "x-a: &a {b: 1}\nc:\n  <<: *a\n");
}

TEST_CASE("a layout is of lines that end as lines do here, and ends with one") {
    CHECK(laid("\xef\xbb\xbf"
               "a: 1\r\nb: 2") == "a: 1\nb: 2\n");
    CHECK(laid("---\na: 1\n...\n") == "---\na: 1\n...\n");
}

TEST_CASE("what is beyond a layout stays as it is, and all else is laid out") {
    const std::string text = "a:   1\nb:   {? c : d}\n\ne:   2\n";
    CHECK(laid(text) == "a: 1\nb:   {? c : d}\n\ne: 2\n");
    CHECK(untouched(text) == 1);
    CHECK(untouched("a: 1\n") == 0);
}

TEST_CASE("what is no manifest is not laid out") {
    CHECK_THROWS_AS(laid("a: [1\n"), Error);
    CHECK_THROWS_AS(laid(""), Error);
}
