// SPDX-License-Identifier: Apache-2.0
#include "cli/text.hpp"

#include <doctest/doctest.h>

using namespace chaos::cli;

TEST_CASE("escaping leaves no control, no broken UTF-8 and no turned direction, and letters as they are") {
    CHECK(escape("Grüße, 世界") == "Grüße, 世界");
    CHECK(escape("a\nb\tc\x1b[31m\x7f") == "a\\nb\\tc\\x1b[31m\\x7f");
    CHECK(escape("a\tb", true) == "a\tb");
    CHECK(escape("\xff\xc3") == "\\xff\\xc3");
    CHECK(escape("\xc2\x9b") == "\\u{9b}");
    CHECK(escape("\xe2\x80\xae"
                 "txt") == "\\u{202e}txt");
    CHECK(escape("\xed\xa0\x80") == "\\xed\\xa0\\x80");
    CHECK(escape(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("tables line up by characters, not bytes") {
    CHECK(table({{"A", "BBB"}, {"über", "x"}, {"u", ""}}, Style(false)) == "A     BBB\nüber  x\nu\n");
}

TEST_CASE("times are told in the unit a person would use") {
    const std::int64_t second = 1'000'000'000, now = 1'000'000 * second;
    CHECK(ago(now, now) == "just now");
    CHECK(ago(now - 90 * second, now) == "90 seconds ago");
    CHECK(ago(now - 300 * second, now) == "5 minutes ago");
    CHECK(ago(now - 7200 * second, now) == "2 hours ago");
    CHECK(ago(now - 3 * 86400 * second, now) == "3 days ago");
    CHECK(ago(now + 10 * second, now) == "in the future");
    CHECK(ago(0, now).empty());
    CHECK(date_of(0).empty());
}

TEST_CASE("sizes and counts are words") {
    CHECK(size_of(1) == "1 byte");
    CHECK(size_of(1023) == "1023 bytes");
    CHECK(size_of(1536) == "1.5 KiB");
    CHECK(size_of(5ULL << 30) == "5.0 GiB");
    CHECK(count(0, "change") == "0 changes");
}

TEST_CASE("lists read as a sentence and do not grow without end") {
    CHECK(listed({}) == "");
    CHECK(listed({"a"}) == "a");
    CHECK(listed({"a", "b", "c"}) == "a, b and c");
    CHECK(listed({"a", "b", "c", "d"}, 2) == "a, b and 2 more");
}

TEST_CASE("what was meant is only guessed where it is near") {
    const std::vector<std::string_view> words{"apply", "plan", "drift"};
    CHECK(nearest("aplpy", words) == "apply");
    CHECK(nearest("drfit", words) == "drift");
    CHECK(nearest("plans", words) == "plan");
    CHECK(nearest("xyz", words).empty());
    CHECK(nearest("", words).empty());
}
