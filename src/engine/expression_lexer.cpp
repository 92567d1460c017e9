// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <charconv>
#include "expression_parser.hpp"
#include "utf8.hpp"

namespace chaos::language {

namespace {

constexpr auto npos = std::string_view::npos;

bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

Token Lexer::next() {
    while (at_ < text_.size() && std::string_view(" \t\r\n\f\v").find(text_[at_]) != npos) ++at_;
    Token token{Token::Kind::end, {}, at_};
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    std::size_t end = at_ + 1;
    if (starts_name(c)) {
        while (end < text_.size() && (starts_name(text_[end]) || is_digit(text_[end]))) ++end;
        token.kind = Token::Kind::name;
    } else if (is_digit(c)) {
        end = number(token);
    } else if (c == '\'' || c == '"') {
        end = quoted(token.text);
        token.kind = Token::Kind::text;
    } else {
        for (const std::string_view sign : {"==", "!=", "<=", ">=", "//", "**"})
            if (text_.substr(at_).starts_with(sign)) end = at_ + 2;
        while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) ++end;
        token.kind = Token::Kind::sign;
    }
    token.is = text_.substr(at_, end - at_);
    after_dot_ = token.is == ".";
    at_ = end;
    return token;
}

std::size_t Lexer::number(Token& token) const {
    const auto digits = [&](std::size_t at, std::string_view allowed) {
        while (at < text_.size() && (allowed.find(text_[at]) != npos || (text_[at] == '_' && at + 1 < text_.size() &&
                                                                         allowed.find(text_[at + 1]) != npos)))
            ++at;
        return at;
    };
    constexpr std::string_view decimal = "0123456789", hexadecimal = "0123456789abcdefABCDEF";
    token.kind = Token::Kind::integer;
    if (text_[at_] == '0' && at_ + 1 < text_.size() && !after_dot_) {
        const char base = static_cast<char>(text_[at_ + 1] | 0x20);
        if (base == 'x') return digits(at_ + 2, hexadecimal);
        if (base == 'o') return digits(at_ + 2, "01234567");
        if (base == 'b') return digits(at_ + 2, "01");
    }
    std::size_t end = digits(at_ + 1, decimal);
    if (after_dot_) return end;
    if (end + 1 < text_.size() && text_[end] == '.' && is_digit(text_[end + 1]))
        end = digits(end + 1, decimal), token.kind = Token::Kind::real;
    if (end + 1 < text_.size() && (text_[end] | 0x20) == 'e') {
        const std::size_t sign = text_[end + 1] == '+' || text_[end + 1] == '-' ? 1 : 0;
        if (end + 1 + sign < text_.size() && is_digit(text_[end + 1 + sign]))
            end = digits(end + 1 + sign, decimal), token.kind = Token::Kind::real;
    }
    return end;
}

std::size_t Lexer::quoted(std::string& out) const {
    const char quote = text_[at_];
    for (std::size_t at = at_ + 1; at < text_.size(); ++at) {
        if (text_[at] == quote) return at + 1;
        if (text_[at] == '\\' && at + 1 < text_.size())
            at = escaped(at + 1, out);
        else
            out += text_[at];
    }
    throw Mistake{at_, "this quote is never closed", fmt::format("close it with {}", quote)};
}

/// What a backslash says, as in Python; the last byte that belongs to it.
std::size_t Lexer::escaped(std::size_t at, std::string& out) const {
    const auto code = [&](std::size_t digits) -> std::size_t {
        std::uint32_t number = 0;
        const char* from = text_.data() + at + 1;
        const auto have = std::min(digits, text_.size() - at - 1);
        const auto [end, error] = std::from_chars(from, from + have, number, 16);
        if (error != std::errc() || end != from + digits || number > 0x10FFFF || (number >> 11) == 0x1B)
            throw Mistake{at, fmt::format("\\{} is followed by {} hexadecimal digits", text_[at], digits), ""};
        append_utf8(out, number);
        return at + digits;
    };
    constexpr std::string_view letters = "abfnrtv\\'\"", codes = "\a\b\f\n\r\t\v\\'\"";
    const char c = text_[at];
    if (const auto known = letters.find(c); known != npos) return out += codes[known], at;
    if (c == '\n') return at;  // the line goes on
    if (c == 'x') return code(2);
    if (c == 'u') return code(4);
    if (c == 'U') return code(8);
    if (c >= '0' && c <= '7') {
        std::uint32_t number = 0;
        std::size_t end = at;
        for (; end < std::min(at + 3, text_.size()) && text_[end] >= '0' && text_[end] <= '7'; ++end)
            number = number * 8 + static_cast<std::uint32_t>(text_[end] - '0');
        append_utf8(out, number);
        return end - 1;
    }
    out += '\\', out += c;
    return at;
}

std::size_t closing(std::string_view text, std::size_t at, std::string_view closer) {
    char quote = 0;
    int depth = 0;
    std::size_t first = npos;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (quote && c == '\\') {
            ++at;
        } else if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (text.substr(at).starts_with(closer) && (depth <= 0 || first == npos)) {
            if (depth <= 0) return at;
            first = at;
            --depth;  // as the bracket it may be
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '(' || c == '[' || c == '{') {
            ++depth;
        } else if (c == ')' || c == ']' || c == '}') {
            --depth;
        }
    }
    return first;
}

}  // namespace chaos::language
