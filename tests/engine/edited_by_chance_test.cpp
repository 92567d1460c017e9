// SPDX-License-Identifier: Apache-2.0
// As edited_test.cpp, of manifests and edits that nobody thought of.
#include <doctest/doctest.h>

#include <random>

#include "edited.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

/// Manifests made of all that YAML has, by chance.
class Writer {
public:
    explicit Writer(unsigned seed) : random_(seed) {}
    std::size_t below(std::size_t n) { return random_() % n; }

    std::string manifest() {
        std::string text = below(4) == 0 ? "---\n" : below(4) == 0 ? "# head\n\n" : "";
        map(text, below(8) == 0 ? 2 : 0, 0, 6);
        return text;
    }
    /// As a person edits, and as nobody does.
    std::string edit(const std::string& text) {
        auto lines = lines_of(text);
        const std::size_t at = below(lines.size());
        std::string& line = lines[at];
        switch (below(11)) {
            case 0: line.clear(); break;
            case 1: line += line; break;
            case 2: line.insert(0, 1 + below(3), ' '); break;
            case 3: line.erase(0, std::min<std::size_t>(line.find_first_not_of(' '), 1 + below(3))); break;
            case 4: std::swap(line, lines[below(lines.size())]); break;
            case 5: lines.resize(at + 1); break;
            case 6: line.insert(below(line.size()), garbage[below(std::size(garbage))]); break;
            case 7: line += std::string(below(8), ' ') + lines[below(lines.size())]; break;
            case 8: line += std::string(below(8), ' ') + "# a comment: 'x - [\n"; break;
            case 9: line.erase(below(line.size()), 1 + below(3)); break;
            default: {
                std::string more;
                map(more, indent_of(line), 3, 1);
                line += more;
            }
        }
        return joined(lines);
    }

private:
    static constexpr const char* garbage[] = {"\"", "'",   "[",    "]",     "{",  "}",    ": ",    "- ", "#",
                                              " #", "|\n", ">+\n", "&a ",   "*a", "!",    "? ",    ",",  "~",
                                              "%",  "\t",  "\n",   "---\n", "ü",  "<<: ", "...\n", "\\"};

    static std::size_t indent_of(const std::string& line) {
        return std::min<std::size_t>(line.find_first_not_of(' '), 8);
    }

    std::string word() {
        static constexpr const char* words[] = {"a",   "web",  "/etc/x", "{{ x }}", "ü b", "null",
                                                "x y", "1.20", "-x",     "~",       "it's"};
        return words[below(std::size(words))];
    }
    std::string key() {
        const auto number = std::to_string(next_++);
        return below(5) == 0 ? "\"k " + number + "\"" : below(9) == 0 ? "'ü" + number + "'" : "k" + number;
    }
    void between(std::string& text) {
        if (below(6) == 0) text += "\n";
        if (below(8) == 0) text += std::string(below(6), ' ') + "# said: - 'x\n";
        if (below(30) == 0) text += "    \n";
    }
    void block(std::string& text, std::size_t indent) {
        static constexpr const char* heads[] = {"|\n", "|-\n", "|+\n", ">\n", ">-\n", ">+\n", "|  # c\n"};
        const bool counted = below(8) == 0;
        text += counted ? "|2\n" : heads[below(std::size(heads))];
        const std::size_t in = indent + 2;
        for (std::size_t lines = below(4); lines > 0; --lines) {
            if (below(4) == 0) text += "\n";
            text += std::string(in + (below(5) == 0 && !counted ? 2 : 0), ' ') + word() + ": x\n";
        }
        for (std::size_t blank = below(6) == 0 ? below(3) : 0; blank > 0; --blank) text += "\n";
    }
    void scalar(std::string& text, std::size_t indent) {
        const std::string in(indent + 2, ' ');
        switch (below(12)) {
            case 0: text += "'a''b'\n"; break;
            case 1: text += "\"x\\n: \\\"\"  # c\n"; break;
            case 2: text += "'a\n\n" + in + "b'\n"; break;
            case 3: text += "\"a\n" + (below(2) ? in : std::string()) + "b # no\"\n"; break;
            case 4: text += "plain\n" + in + "goes on\n"; break;
            case 5: text += "[a, 'b', {c: d}, " + word() + "]\n"; break;
            case 6: text += "{a: [b,\n" + in + "c], d: \"\"}\n"; break;
            case 7: text += "!file x\n"; break;
            case 8: text += "\n"; break;
            case 9: text += below(3) == 0 ? "! \"x\"\n" : "\"\"\n"; break;
            case 10: block(text, indent); break;
            default: text += "w " + word() + "\n";
        }
    }
    void list(std::string& text, std::size_t indent, int depth) {
        for (std::size_t items = 1 + below(4); items > 0; --items) {
            between(text);
            text += std::string(indent, ' ') + "-";
            if (below(10) == 0) {
                text += "\n";
            } else if (depth > 3 || below(3) != 0) {
                text += " ", scalar(text, indent);
            } else {  // more of a list or mapping, behind the dash
                std::string inner;
                below(3) == 0 ? list(inner, indent + 2, depth + 1) : map(inner, indent + 2, depth + 1, 3);
                const auto first = inner.find_first_not_of(" \n");
                text += inner[first] == '#' ? "\n" + inner : " " + inner.substr(first);
            }
        }
    }
    void map(std::string& text, std::size_t indent, int depth, std::size_t most) {
        for (std::size_t entries = 1 + below(most); entries > 0; --entries) {
            between(text);
            text += std::string(indent, ' ') + key() + ":";
            if (depth > 3 || below(2) == 0) {
                text += below(12) == 0 ? "\n" : " ";
                if (text.back() == ' ') scalar(text, indent);
            } else {
                text += "\n";
                below(2) == 0 ? map(text, indent + 1 + below(4), depth + 1, 5)
                              : list(text, indent + below(3), depth + 1);
            }
        }
    }

    std::mt19937 random_;
    std::size_t next_ = 0;
};

}  // namespace

TEST_CASE("whatever is edited of whatever manifest, the parse is that of the whole") {
    Writer writer(20261122);
    int begun = 0, taken = 0, read = 0;
    for (int round = 0; round < 3000; ++round) {
        const std::string text = writer.manifest();
        std::string after = text;
        for (std::size_t edits = 1 + writer.below(3); edits > 0 && !after.empty(); --edits) after = writer.edit(after);
        const How how = edited(text, after);
        begun += how != How::none;
        read += how != How::none && whole(after);
        taken += how == How::taken;
        if (how != How::none && round % 10 == 0) {
            Kept kept;
            const std::string pad = std::string(5000, '#') + '\n';
            said(pad + text, &kept);
            REQUIRE(said(pad + after, &kept) == said(pad + after, nullptr));
        }
    }
    CAPTURE(begun);
    CAPTURE(read);
    CAPTURE(taken);
    CHECK(begun > 1500);
    CHECK(taken * 3 > read * 2);
}
