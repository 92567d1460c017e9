// SPDX-License-Identifier: Apache-2.0
// Jinja2's expressions as far as they are understood yet; whatever is not is named in the error.
#include <fmt/format.h>
#include "expression.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr int deepest = 100;

struct Token {
    enum class Kind : char { end, name, text, number, sign } kind = Kind::end;
    std::string_view is{};  ///< As written.
    std::size_t at = 0;
    std::string text{};  ///< What a text says.
};

bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

class Lexer {
public:
    Lexer(std::string_view text, std::size_t at, std::size_t end) : text_(text.substr(0, end)), at_(at) {}

    Token next() {
        while (at_ < text_.size() && std::string_view(" \t\n").find(text_[at_]) != std::string_view::npos) ++at_;
        Token token{Token::Kind::end, {}, at_};
        if (at_ == text_.size()) return token;
        const char c = text_[at_];
        std::size_t end = at_ + 1;
        if (starts_name(c)) {
            while (end < text_.size() && (starts_name(text_[end]) || is_digit(text_[end]))) ++end;
            token.kind = Token::Kind::name;
        } else if (is_digit(c)) {
            while (end < text_.size() && is_digit(text_[end])) ++end;
            if (end + 1 < text_.size() && text_[end] == '.' && is_digit(text_[end + 1])) {
                while (++end < text_.size() && is_digit(text_[end])) continue;
            }
            token.kind = Token::Kind::number;
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
        at_ = end;
        return token;
    }

private:
    std::size_t quoted(std::string& out) const {
        const char quote = text_[at_];
        for (std::size_t at = at_ + 1; at < text_.size(); ++at) {
            if (text_[at] == quote) return at + 1;
            if (text_[at] == '\\' && at + 1 < text_.size()) {
                const char c = text_[++at];
                out += c == 'n' ? '\n' : c == 't' ? '\t' : c;
            } else {
                out += text_[at];
            }
        }
        throw Mistake{at_, "this quote is never closed", fmt::format("close it with {}", quote)};
    }

    std::string_view text_;
    std::size_t at_;
};

class Parser {
    using Op = Expression::Op;
    using Index = std::uint32_t;

public:
    Parser(std::string_view text, std::size_t at, std::size_t end) : lexer_(text, at, end), token_(lexer_.next()) {}

    Expression whole() {
        if (token_.kind == Token::Kind::end) throw Mistake{token_.at, "expected an expression, found nothing", ""};
        out_.root = either(0);
        if (token_.kind != Token::Kind::end) unknown();
        return std::move(out_);
    }

private:
    bool sign(std::string_view is) const { return token_.kind == Token::Kind::sign && token_.is == is; }
    bool word(std::string_view is) const { return token_.kind == Token::Kind::name && token_.is == is; }
    Token take() { return std::exchange(token_, lexer_.next()); }

    Index add(Op op, std::size_t at, std::string_view name = {}, std::vector<Index> of = {}) {
        out_.nodes.push_back({op, static_cast<Index>(at), std::string(name), {}, std::move(of)});
        return static_cast<Index>(out_.nodes.size() - 1);
    }
    Index literal(std::size_t at, Value value) {
        const auto node = add(Op::literal, at);
        out_.nodes[node].literal = std::move(value);
        return node;
    }

    [[noreturn]] void unknown() const {
        const std::string is = printable(token_.is);
        if (token_.kind == Token::Kind::end) throw Mistake{token_.at, "this expression ends too early", ""};
        for (const std::string_view known :
             {"+", "-", "*", "/", "//", "%", "**", "~", "<", ">", "<=", ">=", "if", "is"})
            if (token_.is == known)
                throw Mistake{token_.at, fmt::format("'{}' is not understood by chaos " CHAOS_VERSION " yet", is),
                              is == "-" ? "a name with a hyphen is written in brackets: vars['a-b']" : ""};
        if (is == "=") throw Mistake{token_.at, "'=' compares nothing", "write =="};
        if (is == "&" || is == "!")
            throw Mistake{token_.at, fmt::format("'{}' is no operator", is), "write and, or, not"};
        throw Mistake{token_.at, fmt::format("'{}' was not expected here", is),
                      "braces that are not for chaos? put raw: true on this entry"};
    }

    void expect(std::string_view what) {
        if (sign(what)) return void(take());
        if (token_.kind == Token::Kind::end) throw Mistake{token_.at, fmt::format("expected '{}'", what), ""};
        unknown();
    }

    Index either(int depth) {
        if (depth > deepest) throw Mistake{token_.at, "this expression is nested too deeply", ""};
        auto left = both(depth);
        while (word("or")) {
            const auto at = take().at;
            const auto right = both(depth);
            left = add(Op::either, at, {}, {left, right});
        }
        return left;
    }

    Index both(int depth) {
        auto left = negation(depth);
        while (word("and")) {
            const auto at = take().at;
            const auto right = negation(depth);
            left = add(Op::both, at, {}, {left, right});
        }
        return left;
    }

    Index negation(int depth) {
        std::vector<std::size_t> nots;
        while (word("not")) nots.push_back(take().at);
        auto node = comparison(depth);
        for (; !nots.empty(); nots.pop_back()) node = add(Op::negate, nots.back(), {}, {node});
        return node;
    }

    Index comparison(int depth) {
        const auto left = filtered(depth);
        const auto at = token_.at;
        Op op{};
        if (sign("==")) {
            op = Op::equal;
        } else if (sign("!=")) {
            op = Op::unequal;
        } else if (word("in")) {
            op = Op::in;
        } else if (word("not")) {
            take();
            if (!word("in")) unknown();
            op = Op::not_in;
        } else {
            return left;
        }
        take();
        const auto right = filtered(depth);
        return add(op, at, {}, {left, right});
    }

    Index filtered(int depth) {
        auto node = postfix(depth);
        while (sign("|")) {
            take();
            if (token_.kind != Token::Kind::name)
                throw Mistake{token_.at, "expected the name of a filter after '|'", ""};
            const Token name = take();
            std::vector<Index> of{node};
            if (sign("(")) arguments(of, depth);
            node = add(Op::filter, name.at, name.is, std::move(of));
        }
        return node;
    }

    void arguments(std::vector<Index>& of, int depth) {
        take();
        while (!sign(")")) {
            of.push_back(either(depth + 1));
            if (!sign(",")) break;
            take();
        }
        expect(")");
    }

    Index postfix(int depth) {
        auto node = primary(depth);
        while (true) {
            if (sign(".")) {
                take();
                if (token_.kind != Token::Kind::name && token_.kind != Token::Kind::number)
                    throw Mistake{token_.at, "expected a name after '.'",
                                  "braces that are not for chaos? put raw: true on this entry"};
                const Token name = take();
                if (sign("("))
                    throw Mistake{
                        name.at,
                        fmt::format("the method '{}' is not understood by chaos " CHAOS_VERSION " yet", name.is), ""};
                node = add(Op::member, name.at, name.is, {node});
            } else if (sign("[")) {
                const auto at = take().at;
                const auto index = either(depth + 1);
                expect("]");
                node = add(Op::index, at, {}, {node, index});
            } else {
                return node;
            }
        }
    }

    Index primary(int depth) {
        switch (token_.kind) {
            case Token::Kind::text: {
                Token token = take();
                Value value(std::move(token.text));
                value.quoted = true;
                return literal(token.at, std::move(value));
            }
            case Token::Kind::number: {
                const Token token = take();
                return literal(token.at, Value(std::string(token.is)));
            }
            case Token::Kind::name: {
                const Token token = take();
                if (token.is == "true" || token.is == "True") return literal(token.at, Value(std::string("true")));
                if (token.is == "false" || token.is == "False") return literal(token.at, Value(std::string("false")));
                if (token.is == "none" || token.is == "None" || token.is == "null") return literal(token.at, Value());
                if (!sign("(")) return add(Op::name, token.at, token.is);
                std::vector<Index> of;
                arguments(of, depth);
                return add(Op::call, token.at, token.is, std::move(of));
            }
            default: break;
        }
        if (sign("-")) {
            const auto at = take().at;
            if (token_.kind != Token::Kind::number) throw Mistake{at, "'-' stands only before a number yet", ""};
            return literal(at, Value("-" + std::string(take().is)));
        }
        if (sign("(")) {
            take();
            const auto inner = either(depth + 1);
            expect(")");
            return inner;
        }
        if (sign("[")) {
            const auto at = take().at;
            std::vector<Index> of;
            while (!sign("]")) {
                of.push_back(either(depth + 1));
                if (!sign(",")) break;
                take();
            }
            expect("]");
            return add(Op::list, at, {}, std::move(of));
        }
        unknown();
    }

    Lexer lexer_;
    Token token_;
    Expression out_;
};

}  // namespace

Expression parse_expression(std::string_view text, std::size_t at, std::size_t end) {
    return Parser(text, at, end).whole();
}

}  // namespace chaos
