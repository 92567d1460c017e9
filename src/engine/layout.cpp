// SPDX-License-Identifier: Apache-2.0
// The layout of a manifest: line by line, with what a line belongs to kept on a stack. It knows of YAML where tokens
// end and what is indented, and no more: whether the meaning stayed is for the parser to say, entry by entry.
#include <algorithm>
#include <chaos/format.hpp>
#include <chaos/manifest.hpp>
#include <optional>
#include <utility>
#include "yaml_hints.hpp"
#include "yaml_text.hpp"

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;

/// Something this does not know how to lay out.
struct Beyond {};

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/// Lays out one entry of the top level, with the comments before it.
class Layout {
public:
    explicit Layout(std::string_view text) : text_(text) {}

    std::string run() {
        while (at_ < text_.size()) line();
        show_waiting(0, npos);
        return std::move(out_);
    }

private:
    /// A block mapping or list that is open: the column it stood in, and the one it stands in now.
    struct Level {
        std::size_t was, is;
        bool list;
    };
    /// What continued lines must be indented more than, before and now; npos is nothing.
    struct Parent {
        std::size_t was, is;
    };

    char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n'; }
    bool ends(std::size_t ahead) const { return is_blank(peek(ahead)) || peek(ahead) == '\n'; }
    std::size_t end_of_line(std::size_t from) const { return std::min(text_.find('\n', from), text_.size()); }
    std::size_t column(std::size_t at) const { return at - line_; }
    void skip_blanks() {
        while (is_blank(peek()) && at_ < text_.size()) ++at_;
    }
    void next_line() {
        at_ = std::min(end_of_line(at_) + 1, text_.size());
        line_ = at_;
    }

    void line() {
        line_ = at_;
        skip_blanks();
        if (peek() == '\n') {
            if (waiting_.empty() || waiting_.back().comment.size()) waiting_.push_back({});
            return next_line();
        }
        if (peek() == '#') {
            waiting_.push_back({column(at_), rest_of_line()});
            return next_line();
        }
        const std::string_view whole = text_.substr(line_, end_of_line(line_) - line_);
        if (whole.starts_with("%") || whole.starts_with("...") || whole.starts_with("---")) return marker(whole);
        entry();
    }

    void marker(std::string_view whole) {
        if (whole.starts_with("---") && whole.find_last_not_of(" \t") != 2) throw Beyond();
        show_waiting(0, npos);
        out_.append(whole.substr(0, whole.find_last_not_of(" \t") + 1)).append("\n");
        next_line();
    }

    std::string rest_of_line() const {
        auto rest = text_.substr(at_, end_of_line(at_) - at_);
        while (!rest.empty() && is_blank(rest.back())) rest.remove_suffix(1);
        return std::string(rest);
    }

    /// Comments and empty lines are shown when it is known what they stand before.
    void show_waiting(std::size_t is, std::size_t was) {
        for (std::size_t i = 0; i < waiting_.size(); ++i) {
            if (waiting_[i].comment.empty()) {
                if (!out_.empty() || begun_) out_ += '\n';
                continue;
            }
            begun_ = true;
            out_.append(waiting_[i].column == was ? is : column_of(waiting_[i].column), ' ');
            out_.append(waiting_[i].comment).append("\n");
        }
        waiting_.clear();
    }

    std::size_t column_of(std::size_t was) const {
        for (auto level = levels_.rbegin(); level != levels_.rend(); ++level)
            if (level->was <= was) return level->was == was ? level->is : level->is + 2;
        return 0;
    }

    /// The column that a line moves to which begins an entry of a mapping or list in this one.
    std::size_t open(std::size_t was, bool list) {
        while (!levels_.empty() && levels_.back().was > was) levels_.pop_back();
        while (levels_.size() > 1 && levels_.back().was == was && levels_.back().list && !list) levels_.pop_back();
        if (!levels_.empty() && levels_.back().was == was && levels_.back().list == list) return levels_.back().is;
        const std::size_t is = levels_.empty() ? 0 : levels_.back().is + 2;
        levels_.push_back({was, is, list});
        return is;
    }

    void entry() {
        const std::size_t was = column(at_);
        const bool dash = peek() == '-' && ends(1);
        const bool opens = dash || is_key(at_);
        if (was > 0 && text_.substr(line_, was).find('\t') != npos) throw Beyond();
        const auto shown = levels_;  // comments before it stand where it was open until now
        std::size_t is = 0;
        if (opens) {
            is = open(was, dash);
        } else {
            while (!levels_.empty() && levels_.back().was >= was) levels_.pop_back();
            is = levels_.empty() ? 0 : levels_.back().is + 2;
        }
        auto now = std::move(levels_);
        levels_ = shown;
        show_waiting(is, was);
        levels_ = std::move(now);
        begun_ = true;
        out_.append(is, ' ');
        Parent parent{npos, npos};
        if (!opens && !levels_.empty()) parent = {levels_.back().was, levels_.back().is};
        content(parent);
    }

    /// From the first character of an entry to the end of its last line.
    void content(Parent parent) {
        while (peek() == '-' && ends(1)) {
            parent = {levels_.back().was, levels_.back().is};
            ++at_;
            skip_blanks();
            out_ += '-';
            if (peek() == '\n' || peek() == '#') return finish();
            out_ += ' ';
            const bool dash = peek() == '-' && ends(1);
            if (dash || is_key(at_)) levels_.push_back({column(at_), levels_.back().is + 2, dash});
        }
        if (is_key(at_)) {
            parent = {levels_.back().was, levels_.back().is};
            properties();
            const bool alias = peek() == '*';
            scalar_of_a_line();
            skip_blanks();
            out_ += alias ? " :" : ":";
            ++at_;
            skip_blanks();
            if (peek() == '\n' || peek() == '#') return finish();
            out_ += ' ';
        }
        value(parent);
    }

    void value(Parent parent) {
        if (properties() && (peek() == '\n' || peek() == '#')) {
            while (!out_.empty() && out_.back() == ' ') out_.pop_back();
            return finish();
        }
        if (peek() == '|' || peek() == '>') return block(parent);
        if (peek() == '[' || peek() == '{') {
            flow(parent);
        } else if (peek() == '"' || peek() == '\'') {
            quoted(parent);
        } else {
            return plain(parent);
        }
        const std::size_t from = at_;
        skip_blanks();
        if (peek() != '\n' && (peek() != '#' || from == at_)) throw Beyond();
        finish();
    }

    /// `&anchor` and `!tag`.
    bool properties() {
        bool any = false;
        while ((peek() == '&' || peek() == '!') && at_ < text_.size()) {
            while (!ends(0)) out_ += text_[at_++];
            skip_blanks();
            if (peek() != '\n') out_ += ' ';
            any = true;
        }
        return any;
    }

    /// What is left of the line: nothing, or a comment at the distance its author gave it.
    void finish() {
        std::size_t blanks = at_;
        while (blanks > line_ && is_blank(text_[blanks - 1])) --blanks;
        if (peek() == '#') {
            while (!out_.empty() && out_.back() == ' ') out_.pop_back();
            out_.append(std::max<std::size_t>(at_ - blanks, 1), ' ').append(rest_of_line());
        } else if (peek() != '\n') {
            throw Beyond();
        }
        out_ += '\n';
        next_line();
    }

    /// Whether a key begins here: a scalar of one line, and its colon.
    bool is_key(std::size_t from) const {
        const std::size_t stop = end_of_line(from);
        auto at = from;
        while (at < stop && (text_[at] == '&' || text_[at] == '!')) {
            while (at < stop && !is_blank(text_[at])) ++at;
            while (at < stop && is_blank(text_[at])) ++at;
        }
        if (at < stop && (text_[at] == '"' || text_[at] == '\'')) {
            at = end_of_quotes(text_, at);
            if (at == npos || at > stop) return false;
            while (at < stop && is_blank(text_[at])) ++at;
            return at < stop && text_[at] == ':' && (at + 1 == stop || is_blank(text_[at + 1]));
        }
        if (at < stop && (text_[at] == '[' || text_[at] == '{' || text_[at] == '|' || text_[at] == '>')) return false;
        if (at + 1 < stop && text_[at] == '?' && is_blank(text_[at + 1])) throw Beyond();
        return colon(at, stop) != npos;
    }

    /// The colon that ends a plain key.
    std::size_t colon(std::size_t at, std::size_t stop) const {
        for (; at < stop; ++at) {
            if (text_[at] == ':' && (at + 1 == stop || is_blank(text_[at + 1]))) return at;
            if (text_[at] == '#' && at > line_ && is_blank(text_[at - 1])) return npos;
        }
        return npos;
    }

    void scalar_of_a_line() {
        std::size_t end = peek() == '"' || peek() == '\'' ? end_of_quotes(text_, at_) : colon(at_, end_of_line(at_));
        const std::size_t from = at_;
        at_ = end;
        while (end > from && is_blank(text_[end - 1])) --end;
        out_.append(text_.substr(from, end - from));
    }

    /// The end of a line of a plain text: before its comment, and before blanks.
    std::size_t end_of_plain(std::size_t from) const {
        const std::size_t stop = end_of_line(from);
        std::size_t end = from;
        for (std::size_t at = from; at < stop; ++at) {
            if (text_[at] == '#' && at > from && is_blank(text_[at - 1])) break;
            if (!is_blank(text_[at])) end = at + 1;
        }
        return end;
    }

    /// Where the further lines of a text stand.
    static std::size_t continued(Parent parent) { return parent.is == npos ? 2 : parent.is + 2; }

    void plain(Parent parent) {
        while (true) {
            const std::size_t end = end_of_plain(at_);
            out_.append(text_.substr(at_, end - at_));
            at_ = end;
            skip_blanks();
            if (peek() == '#') return finish();
            // Lines that follow belong to it where they are indented more than what it is the value of.
            std::size_t next = end_of_line(at_) + 1, empty = 0;
            const auto first = [&] { return std::min(text_.find_first_not_of(" \t", next), text_.size()); };
            while (next < text_.size() && first() < text_.size() && text_[first()] == '\n') next = first() + 1, ++empty;
            if (next >= text_.size() || first() >= text_.size() || text_[first()] == '#' || parent.was == npos ||
                first() - next <= parent.was)
                return finish();
            out_.append(empty + 1, '\n');
            line_ = next;
            at_ = first();
            out_.append(continued(parent), ' ');
        }
    }

    /// Kept as it is, but for how its lines are indented.
    void quoted(Parent parent) {
        const std::size_t end = end_of_quotes(text_, at_);
        if (end == npos) throw Beyond();
        while (at_ < end) {
            const std::size_t stop = std::min(text_.find('\n', at_), end);
            out_.append(text_.substr(at_, stop - at_));
            at_ = stop;
            if (at_ == end) return;
            out_ += '\n';
            line_ = ++at_;
            while (is_blank(peek()) && at_ < end) ++at_;
            if (peek() != '\n') out_.append(continued(parent), ' ');
        }
    }

    /// The lines of `|` and `>`: each keeps what it has beyond the indentation of all.
    void block(Parent parent) {
        std::string header;
        while (!ends(0)) header += text_[at_++];
        const auto digit = header.find_first_of("123456789");
        const bool keeps = header.find('+') != std::string::npos;
        out_ += header;
        skip_blanks();
        finish();
        if (parent.was == npos) throw Beyond();
        std::size_t indent = 0, to = parent.is + 2;
        if (digit != std::string::npos) {
            indent = parent.was + static_cast<std::size_t>(header[digit] - '0');
            to = parent.is + static_cast<std::size_t>(header[digit] - '0');
        } else {
            for (std::size_t at = at_; at < text_.size(); at = end_of_line(at) + 1)
                if (const auto blanks = blanks_at(at); text_[std::min(at + blanks, text_.size() - 1)] != '\n') {
                    indent = blanks;
                    break;
                }
        }
        if (indent <= parent.was) return;  // it is empty
        std::string empty;                 // lines that may be the end of it
        while (at_ < text_.size()) {
            const std::size_t blanks = blanks_at(at_), stop = end_of_line(at_);
            const bool nothing = at_ + blanks >= stop;
            if (!nothing && blanks < indent) break;
            if (nothing && blanks <= indent) {
                empty += '\n';
            } else {
                out_ += empty;
                empty.clear();
                out_.append(to, ' ').append(text_.substr(at_ + indent, stop - at_ - indent)).append("\n");
            }
            next_line();
        }
        if (keeps)
            out_ += empty;
        else if (!empty.empty())
            waiting_.push_back({});
    }

    std::size_t blanks_at(std::size_t line) const {
        return std::min(text_.find_first_not_of(' ', line), text_.size()) - line;
    }

    /// `[...]` and `{...}`, over lines or not.
    void flow(Parent parent) {
        std::string before;  // the token before: its first character tells what may stand after it
        std::size_t depth = 0;
        do {
            const std::size_t from = at_;
            skip_blanks();
            const bool apart = at_ > from;
            if (at_ >= text_.size()) throw Beyond();
            if (peek() == '\n') {
                out_ += '\n';
                next_line();
                while (at_ < text_.size() && blanks_at(at_) == end_of_line(at_) - at_) {  // at most one empty line
                    if (!out_.ends_with("\n\n")) out_ += '\n';
                    next_line();
                }
                skip_blanks();
                const bool closes = peek() == ']' || peek() == '}';
                out_.append((parent.is == npos ? 0 : parent.is) + 2 * (depth - closes), ' ');
                before = "\n";
                continue;
            }
            if (peek() == '#' && (apart || before == "\n")) {
                if (before != "\n") out_.append(std::max<std::size_t>(at_ - from, 1), ' ');
                out_ += rest_of_line();
                at_ = end_of_line(at_);
                before = "#";
                continue;
            }
            const std::string token = flow_token(before);
            const char first = token[0];
            const bool opened = before.empty() || before == "[" || before == "{" || before == "\n";
            const bool tight = opened || token == "]" || token == "}" || token == "," ||
                               (token == ":" && before[0] != '*' && before != ",");
            if (!tight) out_ += ' ';
            if (first == '"' || first == '\'') {
                quoted(parent);
            } else {
                out_ += token;
                at_ += token.size();
            }
            if (token == "[" || token == "{") ++depth;
            if (token == "]" || token == "}") --depth;
            before = token;
        } while (depth > 0);
    }

    /// A bracket, a comma, a colon, the mark of a quoted text (which is taken elsewhere), or a plain text of one line.
    std::string flow_token(const std::string& before) const {
        const char c = peek();
        if (std::string_view("[]{},\"'").find(c) != npos) return std::string(1, c);
        const auto ends_word = [&](std::size_t at) {
            return at >= text_.size() || is_blank(text_[at]) || text_[at] == '\n' ||
                   std::string_view(",[]{}").find(text_[at]) != npos;
        };
        const bool after_quotes = !before.empty() && std::string_view("\"'").find(before[0]) != npos;
        if (c == ':' && (ends_word(at_ + 1) || after_quotes)) return ":";
        if (c == '?' && ends_word(at_ + 1)) throw Beyond();
        const bool mark = c == '&' || c == '*' || c == '!';
        std::size_t end = at_, at = at_;
        for (; at < text_.size(); ++at) {
            const char d = text_[at];
            if (d == '\n' || std::string_view(",[]{}").find(d) != npos || (mark && is_blank(d))) break;
            if (d == ':' && ends_word(at + 1)) break;
            if (d == '#' && at > at_ && is_blank(text_[at - 1])) break;
            if (!is_blank(d)) end = at + 1;
        }
        if (end == at_) throw Beyond();
        return std::string(text_.substr(at_, end - at_));
    }

    struct Waiting {
        std::size_t column = 0;
        std::string comment{};  // empty: an empty line
    };

    std::string_view text_;
    std::size_t at_ = 0, line_ = 0;
    std::vector<Level> levels_;
    std::vector<Waiting> waiting_;
    std::string out_;
    bool begun_ = false;
};

/// Where the entries of the top level begin: lines that begin in its column, and are neither comment nor end of one
/// above. Comments before an entry are its own.
std::vector<std::size_t> entries_of(std::string_view text) {
    std::vector<std::size_t> found{0};
    std::size_t comments = npos;  // the first line of those that stand before an entry
    bool first = true;
    for (std::size_t at = 0; at < text.size(); at = std::min(text.find('\n', at), text.size()) + 1) {
        const char c = text[at];
        if (c == '\n' || c == '#') {
            if (comments == npos) comments = at;
            continue;
        }
        if (std::string_view(" \t-]}%.").find(c) == npos) {
            if (!first) found.push_back(comments == npos ? at : comments);
            first = false;
        }
        comments = npos;
    }
    return found;
}

Value parsed(std::string text) {
    Sources sources;
    return parse_yaml(sources, sources.add("text", "/", std::move(text)));
}

/// The same data, as text or not, blank or null, with the same tags. As deep as a manifest may be, which is little.
bool same_meaning(const Value& a, const Value& b) {
    if (a.data.index() != b.data.index() || a.quoted != b.quoted || a.blank != b.blank || a.tag != b.tag) return false;
    if (a.is_list())
        return std::equal(a.list().begin(), a.list().end(), b.list().begin(), b.list().end(), same_meaning);
    if (a.is_map())
        return std::equal(a.map().begin(), a.map().end(), b.map().begin(), b.map().end(),
                          [](const Value::Entry& one, const Value::Entry& other) {
                              return same_meaning(one.key, other.key) && same_meaning(one.value, other.value);
                          });
    return a == b;
}

bool means(const std::string& text, const Value& value) {
    try {
        const Value other = parsed(text);
        return same_meaning(other, value);
    } catch (const Error&) {
        return false;
    }
}

std::optional<std::string> laid_out(std::string_view text) {
    try {
        std::string out = Layout(text).run();
        if (Layout(out).run() != out) return std::nullopt;
        return out;
    } catch (const Beyond&) {
        return std::nullopt;
    }
}

void end_with_one_newline(std::string& text) {
    while (text.ends_with("\n\n")) text.pop_back();
    if (!text.ends_with('\n')) text += '\n';
}

}  // namespace

Formatted format_manifest(Sources& sources, std::uint16_t source) {
    const Value value = parse_yaml(sources, source);
    std::string room;
    std::string text(normal(sources[Place{1, 1, source}].text, room));
    const bool ended = text.ends_with('\n');
    if (!ended) text += '\n';
    Formatted result;
    if (auto out = laid_out(text)) {
        const std::string whole = *out;
        end_with_one_newline(*out);
        const std::string open = out->substr(0, out->size() - 1);  // a text in its last line that ends without one
        for (const std::string* one : {&std::as_const(*out), &whole, &open})
            if (means(*one, value)) return {*one, {}};
    }
    // Entry by entry: those that it can not lay out, or that would mean something else, stay as they are.
    const auto begins = entries_of(text);
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < begins.size(); ++i)
        parts.push_back(text.substr(begins[i], (i + 1 < begins.size() ? begins[i + 1] : text.size()) - begins[i]));
    std::vector<std::string> laid = parts;
    const auto joined = [&](const std::vector<std::string>& all) {
        std::string whole;
        for (const auto& one : all) whole += one;
        if (!ended && whole.ends_with('\n')) whole.pop_back();
        return whole;
    };
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto out = laid_out(parts[i]);
        bool well = out && begins.size() <= 200;
        if (well) {
            if (i > 0 && parts[i].starts_with('\n') && !out->starts_with('\n')) out->insert(0, "\n");
            auto tried = laid;
            tried[i] = *out;
            well = means(joined(tried), value);
        }
        if (well)
            laid[i] = std::move(*out);
        else
            result.untouched.push_back(place_of({text, begins[i]}, source));
    }
    result.text = joined(laid);
    return result;
}

}  // namespace chaos
