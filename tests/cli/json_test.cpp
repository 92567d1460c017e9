// SPDX-License-Identifier: Apache-2.0
#include "cli/json.hpp"

#include <doctest/doctest.h>
#include <chaos/value.hpp>

using chaos::cli::Json;

TEST_CASE("a record keeps its fields in order, and says null where there is nothing") {
    const Json record = Json::record({{"b", 1},
                                      {"a", "x"},
                                      {"c", nullptr},
                                      {"d", std::vector<std::string>{"p", "q"}},
                                      {"e", true},
                                      {"f", std::optional<std::string>()},
                                      {"g", Json::list()}});
    CHECK(record.text(false) == R"({"b": 1, "a": "x", "c": null, "d": ["p", "q"], "e": true, "f": null, "g": []})");
    CHECK(record.text() ==
          "{\n  \"b\": 1,\n  \"a\": \"x\",\n  \"c\": null,\n  \"d\": [\n    \"p\",\n    \"q\"\n  ],\n  \"e\": true,\n"
          "  \"f\": null,\n  \"g\": []\n}");
}

TEST_CASE("text of any bytes is JSON that can be read back") {
    CHECK(chaos::cli::json_text("a\"b\\c\n\t\x01\x7f/ü") == "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f/ü\"");
    CHECK(chaos::cli::json_text("\xff") == "\"\xEF\xBF\xBD\"");
}
