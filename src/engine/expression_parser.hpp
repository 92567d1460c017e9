// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "expression.hpp"
#include "syntax.hpp"

namespace chaos::language {

struct Token {
    enum class Kind : char { end, name, text, integer, real, sign } kind = Kind::end;
    std::string_view is{};  ///< As written.
    std::size_t at = 0;
    std::string text{};  ///< What a text says.
};

class Lexer {
public:
    Lexer(std::string_view text, std::size_t at, std::size_t end) : text_(text.substr(0, end)), at_(at) {}
    Token next();

private:
    std::size_t quoted(std::string& out) const;
    std::size_t escaped(std::size_t at, std::string& out) const;
    std::size_t number(Token& token) const;

    std::string_view text_;
    std::size_t at_;
    bool after_dot_ = false;  // x.0.1: no fraction
};

/// Jinja2's grammar of expressions, by descent. Statements of templates use its parts.
class ExpressionParser {
public:
    using Index = std::uint32_t;
    using Op = Node::Op;
    ExpressionParser(Tree& out, std::string_view text, std::size_t at, std::size_t end)
        : out_(out), lexer_(text, at, end), token_(lexer_.next()) {}

    Index whole();  ///< All of it.
    Index expression() { return conditional(); }
    Index without_condition() { return either(); }
    Index tuple(bool conditions, std::string_view until = "");  ///< `a, b` is one, `a` is itself.
    Index filters(Index subject);                               ///< `name(...) | name ...`, without a first bar.
    Target target(bool members);
    void arguments(Node&);

    bool at_end() const { return token_.kind == Token::Kind::end; }
    bool sign(std::string_view is) const { return token_.kind == Token::Kind::sign && token_.is == is; }
    bool word(std::string_view is) const { return token_.kind == Token::Kind::name && token_.is == is; }
    bool take_word(std::string_view is) { return word(is) && (take(), true); }
    bool take_sign(std::string_view is) { return sign(is) && (take(), true); }
    Token take() { return std::exchange(token_, lexer_.next()); }
    Token name(std::string_view what);
    const Token& token() const { return token_; }
    void expect(std::string_view sign);
    void expect_word(std::string_view word);
    void expect_end();
    [[noreturn]] void unknown() const;
    /// What helps where text is no expression at all.
    static std::string not_ours() { return "braces that are not for chaos? put raw: true on this entry"; }
    Index literal(std::size_t at, Datum);
    Index add(Op, std::size_t at, std::string_view name = {}, std::vector<Index> of = {});

private:
    /// One level down; too many are a Mistake.
    struct Deeper {
        explicit Deeper(ExpressionParser&);
        ~Deeper() { --parser.depth_; }
        ExpressionParser& parser;
    };
    Index conditional();
    Index either();
    Index both();
    Index negation();
    Index comparison();
    Index sums();
    Index joined();
    Index products();
    Index powers();
    Index unary(bool with_filters);
    Index primary();
    Index name_or_constant();
    Index in_parentheses();
    Index bracketed_list();
    Index mapping();
    Index postfix(Index node);
    Index subscript(Index node);
    Index filtered(Index node);
    Index filter(Index node);
    Index test(Index node);
    Index call(Index node);
    std::string dotted(std::string_view what);

    Tree& out_;
    Lexer lexer_;
    Token token_;
    int depth_ = 0;
};

}  // namespace chaos::language
