// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <chaos/error.hpp>
#include <chaos/value.hpp>
#include <cstring>
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr int deepest = 512;

/// Where the first character is that JSON says otherwise; the end where there is none. Eight bytes are looked at at
/// once: a byte less one has its highest bit where it was zero.
std::size_t plain_up_to(std::string_view text, std::size_t i) {
    constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, text.data() + i, 8);
        const std::uint64_t quote = eight ^ ones * '"', slash = eight ^ ones * '\\';
        const std::uint64_t special = (quote - ones) | (slash - ones) | (eight - ones * 0x20);
        if (special & ~eight & tops) break;  // there is one among them
    }
    while (i < text.size() && static_cast<unsigned char>(text[i]) >= 0x20 && text[i] != '"' && text[i] != '\\') ++i;
    return i;
}

void write_text(std::string& out, std::string_view text) {
    out += '"';
    std::size_t plain = 0;  // from here on nothing has to be said otherwise
    for (std::size_t i = plain_up_to(text, 0); i < text.size(); i = plain_up_to(text, i + 1)) {
        const char c = text[i];
        out += text.substr(plain, i - plain);
        plain = i + 1;
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\t': out += "\\t"; break;
            case '\r': out += "\\r"; break;
            default: out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        }
    }
    out += text.substr(plain);
    out += '"';
}

void write(std::string& out, const Value& value) {
    if (value.is_null()) {
        out += "null";
    } else if (value.is_text()) {
        write_text(out, value.text());
    } else if (value.is_list()) {
        out += '[';
        for (bool first = true; const Value& item : value.list()) {
            if (!std::exchange(first, false)) out += ',';
            write(out, item);
        }
        out += ']';
    } else {
        out += '{';
        for (bool first = true; const auto& entry : value.map()) {
            if (!std::exchange(first, false)) out += ',';
            write_text(out, entry.key.text());
            out += ':';
            write(out, entry.value);
        }
        out += '}';
    }
}

/// RFC 8259, to the letter. Scalars that are not texts keep their spelling.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    Value document() {
        Value value = read(0);
        blanks();
        if (at_ < text_.size()) fail("the end");
        return value;
    }

private:
    [[noreturn]] void fail(std::string_view expected) const {
        const std::string found = at_ < text_.size() ? fmt::format("'{}'", printable(text_.substr(at_, 1))) : "the end";
        throw Error(here(), fmt::format("json: expected {}, found {}", expected, found));
    }

    /// Where at_ is, counted on from where it was asked last: it never goes back.
    Place here() const {
        for (; counted_ < std::min(at_, text_.size()); ++counted_) {
            const auto c = static_cast<unsigned char>(text_[counted_]);
            if (c == '\n')
                ++line_, column_ = 1;
            else
                column_ += (c & 0xC0) != 0x80;
        }
        return {line_, static_cast<std::uint16_t>(std::min<std::size_t>(column_, 65535))};
    }

    void blanks() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
    }

    bool take(char c) { return at_ < text_.size() && text_[at_] == c ? ++at_, true : false; }

    Value read(int depth) {
        blanks();
        if (depth > deepest) fail("fewer than 512 levels");
        if (at_ >= text_.size()) fail("a value");
        const Place where = here_if_small();
        switch (text_[at_]) {
            case '{': return read_map(where, depth);
            case '[': return read_list(where, depth);
            case '"': {
                Value value(read_text(), where);
                value.quoted = true;
                return value;
            }
            default: return read_word(where);
        }
    }

    // Places cost a pass over the text each: they are for messages about small documents, and stay empty in big ones.
    Place here_if_small() const { return text_.size() < 4096 ? here() : Place{}; }

    Value read_word(Place where) {
        const auto end = std::min(text_.find_first_of(" \t\r\n,]}", at_), text_.size());
        const auto word = text_.substr(at_, end - at_);
        if (word != "true" && word != "false" && word != "null" && !is_number(word)) fail("a value");
        at_ = end;
        Value value;
        if (word != "null") value.data = std::string(word);
        value.where = where;
        return value;
    }

    static bool is_number(std::string_view word) {
        const auto digits = [&] {
            std::size_t n = 0;
            while (n < word.size() && word[n] >= '0' && word[n] <= '9') ++n;
            return n;
        };
        if (word.starts_with('-')) word.remove_prefix(1);
        const auto whole = digits();
        if (!whole || (whole > 1 && word[0] == '0')) return false;
        word.remove_prefix(whole);
        if (word.starts_with('.')) {
            word.remove_prefix(1);
            const auto part = digits();
            if (!part) return false;
            word.remove_prefix(part);
        }
        if (word.starts_with('e') || word.starts_with('E')) {
            word.remove_prefix(1);
            if (word.starts_with('+') || word.starts_with('-')) word.remove_prefix(1);
            const auto power = digits();
            if (!power) return false;
            word.remove_prefix(power);
        }
        return word.empty();
    }

    Value read_list(Place where, int depth) {
        Value::List list;
        ++at_, blanks();
        if (!take(']')) do {
                list.push_back(read(depth + 1));
                blanks();
            } while (take(',') || !(take(']') || (fail("',' or ']'"), false)));
        return Value(std::move(list), where);
    }

    Value read_map(Place where, int depth) {
        Value::Map map;
        ++at_, blanks();
        if (!take('}')) do {
                blanks();
                if (at_ >= text_.size() || text_[at_] != '"') fail("a key in quotes");
                const Place at = here_if_small();
                Value key(read_text(), at);
                blanks();
                if (!take(':')) fail("':'");
                map.push_back({std::move(key), read(depth + 1)});
                blanks();
            } while (take(',') || !(take('}') || (fail("',' or '}'"), false)));
        return Value(std::move(map), where);
    }

    std::uint32_t four_digits() {
        std::uint32_t code = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = at_ < text_.size() ? text_[at_] : '\0';
            if (c >= '0' && c <= '9')
                code = code * 16 + static_cast<std::uint32_t>(c - '0');
            else if ((c | 32) >= 'a' && (c | 32) <= 'f')
                code = code * 16 + static_cast<std::uint32_t>((c | 32) - 'a' + 10);
            else
                fail("four hexadecimal digits");
        }
        return code;
    }

    void escape(std::string& out) {
        const char c = at_ < text_.size() ? text_[at_] : '\0';
        constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
        if (const auto which = from.find(c); c && which != std::string_view::npos) {
            out += to[which], ++at_;
            return;
        }
        if (c != 'u') fail("an escape");
        ++at_;
        auto code = four_digits();
        if (code >= 0xDC00 && code <= 0xDFFF) fail("the first half of a pair before its second");
        if (code >= 0xD800 && code <= 0xDBFF) {
            if (!take('\\') || !take('u')) fail("the second half of a pair");
            const auto low = four_digits();
            if (low < 0xDC00 || low > 0xDFFF) fail("the second half of a pair");
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        append_utf8(out, code);
    }

    std::string read_text() {
        std::string out;
        for (++at_; at_ < text_.size();) {
            const char c = text_[at_];
            if (c == '"') return ++at_, out;
            if (static_cast<unsigned char>(c) < 0x20) fail("no control character in a text");
            ++at_;
            if (c == '\\')
                escape(out);
            else
                out += c;
        }
        fail("'\"'");
    }

    std::string_view text_;
    std::size_t at_ = 0;
    mutable std::size_t counted_ = 0, column_ = 1;  ///< Of here().
    mutable std::uint32_t line_ = 1;
};

}  // namespace

void append_json(std::string& out, const Value& value) {
    write(out, value);
}

std::string to_json(const Value& value) {
    std::string out;
    append_json(out, value);
    return out;
}

Value from_json(std::string_view text) {
    if (const auto bad = first_invalid_utf8(text); bad != std::string_view::npos)
        throw Error(fmt::format("json: byte {} is not UTF-8", bad + 1));
    return Reader(text).document();
}

}  // namespace chaos
