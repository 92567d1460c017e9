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

/// `[text](address)` as its text, but for addresses that lead out of the documents.
std::string without_links(std::string_view line) {
    std::string out;
    while (!line.empty()) {
        const std::size_t open = line.find('['), close = line.find("](", std::min(open, line.size()));
        const std::size_t end = line.find(')', std::min(close, line.size()));
        if (open == std::string_view::npos || close == std::string_view::npos || end == std::string_view::npos) break;
        const std::string_view address = line.substr(close + 2, end - close - 2);
        out.append(line.substr(0, open)).append(line.substr(open + 1, close - open - 1));
        if (address.find("://") != std::string_view::npos) out.append(" (").append(address).append(")");
        line.remove_prefix(end + 1);
    }
    return out.append(line);
}

/// troff of a document, block by block.
class Page {
public:
    explicit Page(std::string name) : name_(std::move(name)) {}

    std::string make(std::string_view markdown) {
        each_line(markdown, [&](std::string_view text) { line(text); });
        end_code();
        return std::move(out_);
    }

private:
    enum class Part : char { title, summary, synopsis, body };

    static std::string safe(std::string_view text) {
        std::string out;
        for (char c : text) out += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
        if (!out.empty() && (out[0] == '.' || out[0] == '\'')) out.insert(0, "\\&");
        return out;
    }

    static std::string prose(std::string_view line) {
        const std::string text =
            spans(without_links(line), [](std::string_view s) { return fmt::format("\x01{}\x02", s); });
        std::string out;
        for (char c : safe(text)) out += c == '\x01' ? "\\fB" : c == '\x02' ? "\\fR" : std::string(1, c);
        return out;
    }

    /// Lines of at most eighty bytes, cut at blanks.
    void say(std::string text) {
        while (text.size() > 78) {
            const std::size_t cut = text.rfind(' ', 78);
            if (cut == std::string::npos || cut == 0) break;
            out_ += text.substr(0, cut) + '\n';
            text.erase(0, cut + 1);
            if (text[0] == '.' || text[0] == '\'') text.insert(0, "\\&");
        }
        out_ += text + '\n';
    }

    void section(std::string_view title) {
        end_code();
        out_ += fmt::format(".SH {}\n", upper(safe(title)));
        begins_ = true;
    }
    void end_code() {
        if (code_) out_ += ".EE\n";
        code_ = false;
    }

    void line(std::string_view text) {
        if (text.starts_with("```")) {
            fenced_ = !fenced_;
            if (fenced_) begin_paragraph(false);
            if (fenced_) out_ += ".EX\n";
            code_ = fenced_;
            if (!fenced_) out_ += ".EE\n";
            blank_ = false;
            return;
        }
        if (fenced_) {
            out_ += (text.empty() ? "\\&" : safe("    " + std::string(text))) + '\n';
            return;
        }
        if (text.empty()) {
            blank_ = true;
            return;
        }
        if (text[0] == '|') return row(text);
        if (part_ == Part::summary && is_code(text)) part_ = Part::synopsis, section("SYNOPSIS");
        if ((part_ == Part::summary || (part_ == Part::synopsis && !is_code(text))) && text[0] != '#')
            part_ = Part::body, section("DESCRIPTION");
        if (text[0] == '#' && !is_code(text))
            heading(text);
        else
            block(text);
        blank_ = false;
    }

    void heading(std::string_view text) {
        section(part_ == Part::title ? "NAME" : text.substr(text.find_first_not_of("# ")));
        if (part_ != Part::title) part_ = Part::body;
    }

    void begin_paragraph(bool item) {
        if (blank_ && !begins_ && !item) out_ += code_ ? "\n" : ".PP\n";
        begins_ = false;
    }

    void block(std::string_view text) {
        const bool item = text.starts_with("- ");
        if (!is_code(text)) end_code();
        begin_paragraph(item);
        if (!code_ && is_code(text)) out_ += ".EX\n", code_ = true;
        if (part_ == Part::title)
            out_ += fmt::format("{} \\- {}\n", name_, prose(text)), part_ = Part::summary;
        else if (code_)
            out_ += safe(part_ == Part::synopsis ? text.substr(4) : text) + '\n';
        else if (item)
            out_ += ".IP \\(bu 2\n", say(prose(text.substr(2)));
        else
            say(prose(text.substr(text.find_first_not_of(' '))));
    }

    /// A row of a table: what it is about, and what is said of that.
    void row(std::string_view text) {
        const auto cells = cells_of(text, [](std::string_view cell) { return std::string(cell); });
        blank_ = false;
        if (cells.size() < 2 || cells[0].starts_with("--")) return;
        std::string rest = cells[1];
        for (std::size_t i = 2; i < cells.size(); ++i) rest += " · " + cells[i];
        if (cells[0].empty() && rest.empty()) return;
        begins_ = false;
        out_ += fmt::format(".TP\n\\fB{}\\fR\n", prose(cells[0]));
        say(prose(rest));
    }

    std::string name_, out_;
    Part part_ = Part::title;
    bool code_ = false, fenced_ = false, blank_ = false, begins_ = false;  // begins_: the first thing of its section
};

}  // namespace

std::string man_page(std::string_view name, std::string_view markdown, int section) {
    std::string title = "chaos";
    for (const char c : name.empty() ? std::string() : "-" + std::string(name))
        title += c == '-' ? "\\-" : std::string(1, c);
    // No date: the same sources give the same page.
    return fmt::format(".TH {} {} \"\" \"chaos {}\" \"chaos\"\n", upper(title), section, CHAOS_VERSION) +
           Page(title).make(markdown);
}

}  // namespace chaos::cli
