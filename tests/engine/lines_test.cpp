// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <chaos/lines.hpp>
#include <cstdlib>
#include <fstream>
#include <random>

using namespace chaos;

TEST_CASE("a merge has what both made of a text") {
    CHECK(merge_lines("a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\n") == "A\nb\nc\nD\n");
    CHECK(merge_lines("a\nb\nc\n", "a\nb\nc\nnew\n", "b\nc\n") == "b\nc\nnew\n");
    CHECK(merge_lines("a\nb\n", "a\nb\n", "x\n") == "x\n");
    CHECK(merge_lines("", "x\n", "") == "x\n");
    CHECK(merge_lines("a", "a", "a\n") == "a\n");
}

TEST_CASE("a merge of one line that both made the same is that line") {
    CHECK(merge_lines("a\nb\nc\n", "a\nX\nc\n", "a\nX\nc\n") == "a\nX\nc\n");
    CHECK(merge_lines("a\n", "a\nb\n", "a\nb\n") == "a\nb\n");
}

TEST_CASE("a merge of lines that both changed, or that touch, is nobody's to decide") {
    CHECK_FALSE(merge_lines("a\nb\nc\n", "a\nX\nc\n", "a\nY\nc\n"));
    CHECK_FALSE(merge_lines("a\nb\n", "a\nb\nx\n", "a\nb\ny\n"));
    CHECK_FALSE(merge_lines("a\nb\nc\nd\n", "a\nX\nc\nd\n", "a\nb\nY\nd\n"));
    CHECK_FALSE(merge_lines("a\nb\nc\n", "a\nc\n", "a\nB\nc\n"));
}

TEST_CASE("a merge is the same whoever is named first, and what one side left alone is the other's") {
    std::mt19937 random(7);
    const auto text = [&](std::size_t lines) {
        std::string out;
        for (std::size_t i = 0; i < lines; ++i) out += std::string(1, static_cast<char>('a' + random() % 4)) + "\n";
        return out;
    };
    const auto edited = [&](const std::string& from) {
        std::string out;
        for (const std::string_view line : lines_of(from)) {
            const auto what = random() % 8;
            if (what == 0) out += text(1);
            if (what != 1) out += line;
        }
        return out;
    };
    std::size_t clean = 0;
    for (int round = 0; round < 3000; ++round) {
        const std::string base = text(random() % 12), one = edited(base), other = edited(base);
        CAPTURE(base);
        CAPTURE(one);
        CAPTURE(other);
        const auto merged = merge_lines(base, one, other);
        CHECK(merged == merge_lines(base, other, one));
        CHECK(merge_lines(base, one, base) == one);
        CHECK(merge_lines(base, base, other) == other);
        CHECK(merge_lines(base, one, one) == one);
        clean += merged.has_value();
    }
    CHECK(clean > 500);
    CHECK(clean < 3000);
}
