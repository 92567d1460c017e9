// SPDX-License-Identifier: Apache-2.0
// Filters that lay text out in lines.
#include <fmt/format.h>
#include <algorithm>
#include "filters.hpp"
#include "regex.hpp"
#include "utf8.hpp"

namespace chaos::language {

namespace {

/// Lines as str.splitlines has them.
std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t from = 0; from < text.size();) {
        std::size_t at = from, next = from;
        bool ends = false;
        while (at < text.size() && !ends) {
            next = at;
            const auto code = decode_utf8(text, next);
            ends = (code >= 10 && code <= 13) || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
                   code == 0x2029;
            if (!ends) at = next;
        }
        lines.push_back(text.substr(from, at - from));
        if (!ends) break;
        from = text[at] == '\r' && next < text.size() && text[next] == '\n' ? next + 1 : next;
    }
    return lines;
}

Datum indented(Call& call) {
    std::string by(4, ' ');
    if (call.given[0] && call.at(0).is_text())
        by = call.at(0).text();
    else
        by.assign(static_cast<std::size_t>(std::clamp<std::int64_t>(call.integer(0, 4), 0, 1 << 20)), ' ');
    const bool first = call.flag(1, false), blank = call.flag(2, false);
    std::string out = first ? by : "";
    const auto lines = lines_of(call.own_text() + "\n");
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i) out += '\n';
        if (i && (blank || !lines[i].empty())) out += by;
        out += lines[i];
        call.budget().fits(out.size());
    }
    return Datum::of(std::move(out));
}

/// Lines no wider than `width`, as Python's textwrap breaks them.
class Wrapper {
public:
    Wrapper(std::size_t width, bool break_words, bool at_hyphens)
        : width_(width), break_words_(break_words), at_hyphens_(at_hyphens) {}

    std::vector<std::string> wrap(const std::string& text) {
        auto chunks = split(text);
        std::reverse(chunks.begin(), chunks.end());
        std::vector<std::string> lines;
        while (!chunks.empty()) {
            if (!lines.empty() && is_blank(chunks.back())) chunks.pop_back();
            std::vector<std::string> line;
            std::size_t size = 0;
            while (!chunks.empty() && size + characters(chunks.back()) <= width_) {
                size += characters(chunks.back());
                line.push_back(std::move(chunks.back())), chunks.pop_back();
            }
            if (!chunks.empty() && characters(chunks.back()) > width_) long_word(chunks, line, size);
            if (!line.empty() && is_blank(line.back())) line.pop_back();
            if (!line.empty()) lines.push_back(fmt::format("{}", fmt::join(line, "")));
        }
        return lines;
    }

private:
    static bool is_blank(const std::string& text) { return stripped(text).empty(); }

    std::vector<std::string> split(const std::string& text) const {
        // Blanks; dashes between words; a word up to a hyphen between letters, a blank, or dashes.
        static const Regex hyphens(
            R"([\t\n\v\f\r ]+|(?<=[\w!"'&.,?])-{2,}(?=\w)|[^\t\n\v\f\r ]+?(?:-(?:(?<=[^\d\W]{2}-)|(?<=[^\d\W]-[^\d\W]-))(?=[^\d\W]-?[^\d\W])|(?=[\t\n\v\f\r ]|\Z)|(?<=[\w!"'&.,?])(?=-{2,}\w)))");
        static const Regex blanks(R"([\t\n\v\f\r ]+|[^\t\n\v\f\r ]+)");
        const Regex& pattern = at_hyphens_ ? hyphens : blanks;
        std::vector<std::string> chunks;
        for (std::size_t at = 0; at < text.size();) {
            const auto match = pattern.find(text, at);
            if (!match || (*match)[0].to == (*match)[0].from) {
                chunks.push_back(text.substr(at));
                break;
            }
            if ((*match)[0].from > at) chunks.push_back(text.substr(at, (*match)[0].from - at));
            chunks.emplace_back((*match)[0].in(text));
            at = (*match)[0].to;
        }
        return chunks;
    }

    void long_word(std::vector<std::string>& chunks, std::vector<std::string>& line, std::size_t size) const {
        if (!break_words_) {
            if (line.empty()) line.push_back(std::move(chunks.back())), chunks.pop_back();
            return;
        }
        std::string& word = chunks.back();
        const auto all = characters_of(word);
        std::size_t end = width_ - size;
        if (at_hyphens_)
            for (std::size_t i = std::min(end, all.size()); i-- > 1;)
                if (all[i] == "-") {
                    if (std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                                    [](auto c) { return c != "-"; }))
                        end = i + 1;
                    break;
                }
        const auto bytes = end < all.size() ? static_cast<std::size_t>(all[end].data() - word.data()) : word.size();
        line.push_back(word.substr(0, bytes));
        word.erase(0, bytes);
    }

    std::size_t width_;
    bool break_words_, at_hyphens_;
};

Datum wrapped(Call& call) {
    const auto width = call.integer(0, 79);
    if (width <= 0) throw Error("the width of lines is more than 0");
    Wrapper wrapper(static_cast<std::size_t>(width), call.flag(1, true), call.flag(3, true));
    const std::string between = call.text(2, "\n");
    std::string out;
    bool first = true;
    const std::string text = call.own_text();
    call.budget().spend(text.size() * 4);
    for (const auto& paragraph : lines_of(text)) {
        const auto lines = wrapper.wrap(paragraph);
        if (!std::exchange(first, false)) out += between;
        out += fmt::format("{}", fmt::join(lines, between));
        call.budget().fits(out.size());
    }
    return Datum::of(std::move(out));
}

/// Python's pprint: one line where it fits into 80 characters, else an item a line.
class Pretty {
public:
    explicit Pretty(Budget& budget) : budget_(budget) {}
    std::string out;

    void write(const Datum& datum, std::size_t indent, std::size_t allowance) {
        const Budget::Level level(budget_);
        const std::string line = flat(datum);
        if ((!datum.is_list() && !datum.is_map()) || datum.size() == 0 || characters(line) + indent + allowance <= 80)
            return void(out += line);
        const bool map = datum.is_map(), tuple = datum.is_tuple();
        out += map ? '{' : tuple ? '(' : '[';
        const auto order = order_of(datum);
        for (std::size_t i = 0; i < order.size(); ++i) {
            const bool last = i + 1 == order.size();
            if (i) out += ",\n" + std::string(indent + 1, ' ');
            std::size_t inner = indent + 1;
            if (map) {
                const std::string key = repr_of(datum.key_at(order[i]), budget_) + ": ";
                out += key, inner += characters(key);
            }
            write(datum.at(order[i]), inner, last ? allowance + 1 : 1);
            budget_.fits(out.size());
        }
        if (tuple && datum.size() == 1) out += ',';
        out += map ? '}' : tuple ? ')' : ']';
    }

private:
    std::vector<std::size_t> order_of(const Datum& datum) {
        std::vector<std::size_t> order(datum.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        if (datum.is_map())
            std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
                return compare(datum.key_at(a), datum.key_at(b), budget_) < 0;
            });
        return order;
    }

    std::string flat(const Datum& datum) {
        if (!datum.is_map() && !datum.is_list()) return repr_of(datum, budget_);
        const Budget::Level level(budget_);
        std::string line = datum.is_map() ? "{" : datum.is_tuple() ? "(" : "[";
        bool first = true;
        for (const auto i : order_of(datum)) {
            if (!std::exchange(first, false)) line += ", ";
            if (datum.is_map()) line += repr_of(datum.key_at(i), budget_) + ": ";
            line += flat(datum.at(i));
            budget_.fits(line.size());
        }
        if (datum.is_tuple() && datum.size() == 1) line += ',';
        return line + (datum.is_map() ? "}" : datum.is_tuple() ? ")" : "]");
    }

    Budget& budget_;
};

Datum pretty(Call& call) {
    Pretty printer(call.budget());
    printer.write(call.subject, 0, 0);
    return Datum::of(std::move(printer.out));
}

constexpr Filter filters[] = {
    {"indent", "width=4, first=false, blank=false",
     "Each line but the first (`first`) and empty ones (`blank`) further in.", indented},
    {"pprint", "", "As Python shows data to people.", pretty},
    {"wordwrap", "width=79, break_long_words=true, wrapstring=none, break_on_hyphens=true",
     "In lines no wider than this, broken between words.", wrapped},
};

}  // namespace

Filters layout_filters() {
    return filters;
}

}  // namespace chaos::language
