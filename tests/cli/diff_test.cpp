// SPDX-License-Identifier: Apache-2.0
#include "cli/diff.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace chaos::cli;

namespace {

std::string text_of(const Diff& diff) {
    std::string out;
    for (const std::string& line : diff.lines) out += line + '\n';
    return out;
}

std::string diff(std::string_view before, std::string_view after) {
    return text_of(unified_diff(before, after, 1000));
}

/// What `before` becomes when the hunks are applied, as patch does.
std::string patched(std::string_view before, const Diff& diff) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < before.size();) {
        const std::size_t end = std::min(before.find('\n', at), before.size() - 1);
        lines.emplace_back(before.substr(at, end - at + 1));
        at = end + 1;
    }
    std::string out;
    std::size_t at = 0;
    for (std::size_t i = 0; i < diff.lines.size(); ++i) {
        const std::string& line = diff.lines[i];
        const bool bare = i + 1 < diff.lines.size() && diff.lines[i + 1][0] == '\\';
        const std::string body = line.substr(1) + (bare ? "" : "\n");
        if (line[0] == '@') {
            const std::size_t from = std::stoul(line.substr(4));
            const bool none = line.find(",0 ") != std::string::npos && line.find(",0 ") < line.find('+');
            while (at < (none ? from : from - 1)) out += lines.at(at++);
        } else if (line[0] == '+') {
            out += body;
        } else if (line[0] == ' ' || line[0] == '-') {
            REQUIRE(lines.at(at) == body);
            if (line[0] == ' ') out += body;
            ++at;
        }
    }
    while (at < lines.size()) out += lines[at++];
    return out;
}

}  // namespace

TEST_CASE("a changed line is shown with three lines around it") {
    CHECK(diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n") ==
          "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST_CASE("equal texts have no diff") {
    CHECK(diff("", "").empty());
    CHECK(diff("a\n", "a\n").empty());
}

TEST_CASE("a new text is all added, an emptied one all removed") {
    CHECK(diff("", "a\nb\n") == "@@ -0,0 +1,2 @@\n+a\n+b\n");
    CHECK(diff("a\n", "") == "@@ -1 +0,0 @@\n-a\n");
}

TEST_CASE("a last line without its newline is told apart") {
    CHECK(diff("a\n", "a") == "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
}

TEST_CASE("changes far from each other are hunks of their own") {
    std::string before, after;
    for (int i = 0; i < 30; ++i)
        before += std::to_string(i) + '\n', after += (i == 3 || i == 20 ? "x" : std::to_string(i)) + '\n';
    const std::string text = diff(before, after);
    CHECK(text.find("@@ -1,7 +1,7 @@") == 0);
    CHECK(text.find("@@ -18,7 +18,7 @@") != std::string::npos);
}

TEST_CASE("any diff turns the one text into the other, and is as short as it can be for small texts") {
    std::mt19937 random(7);
    for (int round = 0; round < 400; ++round) {
        const auto text = [&] {
            std::string lines;
            for (auto i = random() % 12; i > 0; --i)
                lines += std::string(1, static_cast<char>('a' + random() % 4)) + '\n';
            if (!lines.empty() && random() % 4 == 0) lines.pop_back();
            return lines;
        };
        const std::string before = text(), after = text();
        CAPTURE(before);
        CAPTURE(after);
        CHECK(patched(before, unified_diff(before, after, 1000)) == after);
    }
}

TEST_CASE("texts with nothing in common are bounded in time, and a long diff in lines") {
    std::string before, after;
    for (int i = 0; i < 50'000; ++i) before += "a" + std::to_string(i) + '\n', after += "b" + std::to_string(i) + '\n';
    const Diff long_one = unified_diff(before, after, 10);
    CHECK(long_one.lines.size() == 10);
    CHECK(long_one.left_out == 100'001 - 10);
}

TEST_CASE("bytes are text where they are UTF-8 without NUL") {
    CHECK(is_text("grün\n"));
    CHECK_FALSE(is_text(std::string_view("a\0b", 3)));
    CHECK_FALSE(is_text("\xff\xfe"));
}
