// SPDX-License-Identifier: Apache-2.0
#include "help.hpp"

#include <fmt/format.h>

namespace chaos::cli {

namespace {

/// Calls `line(text)` for each line.
template <class Line>
void each_line(std::string_view text, Line line) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        line(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

bool is_code(std::string_view line) {
    return line.substr(0, 4) == "    ";
}

/// `code` and **strong** without their marks.
template <class Paint>
std::string spans(std::string_view line, Paint paint) {
    std::string out;
    while (!line.empty()) {
        const std::string_view mark = line.substr(0, 2) == "**" ? "**" : line[0] == '`' ? "`" : "";
        const std::size_t end = mark.empty() ? std::string_view::npos : line.find(mark, mark.size());
        if (end == std::string_view::npos) {
            const std::size_t next = line.find_first_of("`*", 1);
            out += line.substr(0, next);
            line.remove_prefix(next == std::string_view::npos ? line.size() : next);
            continue;
        }
        out += paint(line.substr(mark.size(), end - mark.size()));
        line.remove_prefix(end + mark.size());
    }
    return out;
}

/// `| a | b |` as its cells.
template <class Paint>
std::vector<std::string> cells_of(std::string_view line, Paint paint) {
    std::vector<std::string> cells;
    line.remove_prefix(1);
    while (!line.empty()) {
        std::size_t end = 0;
        while (end < line.size() && (line[end] != '|' || (end > 0 && line[end - 1] == '\\'))) ++end;
        const std::string_view cell = line.substr(0, end);
        const std::size_t from = std::min(cell.find_first_not_of(' '), cell.size());
        cells.push_back(spans(cell.substr(from, cell.find_last_not_of(' ') + 1 - from), paint));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return cells;
}

}  // namespace

std::string_view summary_of(std::string_view markdown) {
    std::string_view found;
    each_line(markdown, [&](std::string_view line) {
        if (found.empty() && !line.empty() && line[0] != '#') found = line;
    });
    return found;
}

std::string render_markdown(std::string_view markdown, Style style) {
    std::string out;
    std::vector<std::vector<std::string>> rows;  // of the table that is being read
    bool fenced = false;
    const auto plain = [](std::string_view text) { return std::string(text); };
    const auto end_table = [&] {
        if (!rows.empty()) out += table(rows, style);
        rows.clear();
    };
    each_line(markdown, [&](std::string_view line) {
        if (line.starts_with("```")) {
            fenced = !fenced;
            return;
        }
        if (!fenced && line.starts_with("|")) {
            if (!line.starts_with("|--") && !line.starts_with("| --")) rows.push_back(cells_of(line, plain));
            return;
        }
        end_table();
        if (fenced)
            out += "    " + std::string(line);
        else if (is_code(line))
            out += line;
        else if (line.starts_with("#"))
            out += style.bold(spans(line.substr(line.find_first_not_of("# ")), plain));
        else
            out += spans(line, [&](std::string_view s) { return style.bold(s); });
        out += '\n';
    });
    end_table();
    return out;
}

namespace {

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

}  // namespace

std::string man_page(std::string_view command, std::string_view markdown) {
    const auto safe = [](std::string_view text) {
        std::string out;
        for (char c : text) out += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
        if (!out.empty() && (out[0] == '.' || out[0] == '\'')) out.insert(0, "\\&");
        return out;
    };
    const auto prose = [&](std::string_view line) {
        std::string text = spans(line, [](std::string_view s) { return fmt::format("\x01{}\x02", s); });
        std::string out;
        for (char c : safe(text)) out += c == '\x01' ? "\\fB" : c == '\x02' ? "\\fR" : std::string(1, c);
        return out;
    };
    const std::string name = command.empty() ? "chaos" : fmt::format("chaos\\-{}", safe(command));
    // No date: the same sources give the same page.
    std::string out = fmt::format(".TH {} 1 \"\" \"chaos {}\" \"chaos\"\n", upper(name), CHAOS_VERSION);
    enum class Part : char { title, summary, synopsis, body } part = Part::title;
    bool code = false, blank = false, begins = false;  // begins: the first thing of its section
    const auto section = [&](std::string_view title) {
        if (code) out += ".EE\n", code = false;
        out += fmt::format(".SH {}\n", upper(safe(title)));
        begins = true;
    };
    each_line(markdown, [&](std::string_view line) {
        if (line.empty()) {
            blank = true;
            return;
        }
        const bool item = line.substr(0, 2) == "- ";
        if (part == Part::summary && is_code(line)) part = Part::synopsis, section("SYNOPSIS");
        if (part == Part::summary || (part == Part::synopsis && !is_code(line)))
            if (line[0] != '#') part = Part::body, section("DESCRIPTION");
        if (line[0] == '#' && !is_code(line)) {
            section(part == Part::title ? "NAME" : line.substr(line.find_first_not_of("# ")));
            if (part != Part::title) part = Part::body;
        } else {
            if (code && !is_code(line)) out += ".EE\n", code = false;
            if (blank && !begins && !item) out += code ? "\n" : ".PP\n";
            if (!code && is_code(line)) out += ".EX\n", code = true;
            if (part == Part::title)
                out += fmt::format("{} \\- {}\n", name, prose(line)), part = Part::summary;
            else if (code)
                out += safe(part == Part::synopsis ? line.substr(4) : line) + '\n';
            else if (item)
                out += fmt::format(".IP \\(bu 2\n{}\n", prose(line.substr(2)));
            else
                out += prose(line.substr(line.find_first_not_of(' '))) + '\n';
            begins = false;
        }
        blank = false;
    });
    if (code) out += ".EE\n";
    return out;
}

}  // namespace chaos::cli
