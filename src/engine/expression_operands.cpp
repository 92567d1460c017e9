// SPDX-License-Identifier: Apache-2.0
// What stands between the operators: literals, names, calls, subscripts, filters and tests.
#include <fmt/format.h>
#include <charconv>
#include <cmath>
#include "expression_parser.hpp"
#include "utf8.hpp"

namespace chaos::language {

ExpressionParser::Index ExpressionParser::primary() {
    const auto number = [&](const Token& token) {
        std::string digits;
        for (const char c : token.is)
            if (c != '_') digits += c;
        return digits;
    };
    if (token_.kind == Token::Kind::text) {
        const Token first = take();
        std::string all = first.text;
        while (token_.kind == Token::Kind::text) all += take().text;  // texts side by side are one
        return literal(first.at, Datum::of(std::move(all)));
    }
    if (token_.kind == Token::Kind::real) {
        const Token token = take();
        double value = 0;
        const std::string digits = number(token);
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (read.ec == std::errc::result_out_of_range)
            throw Mistake{token.at, "this number is too big or too small", ""};
        return literal(token.at, Datum::of(value));
    }
    if (token_.kind == Token::Kind::integer) {
        const Token token = take();
        std::string digits = number(token);
        int base = 10;
        if (digits.size() > 1 && digits[0] == '0' && (digits[1] | 0x20) > 'a')
            base = (digits[1] | 0x20) == 'x' ? 16 : (digits[1] | 0x20) == 'o' ? 8 : 2, digits.erase(0, 2);
        if (base == 10 && digits.size() > 1 && digits[0] == '0' && digits.find_first_not_of('0') != std::string::npos)
            throw Mistake{token.at, "a number does not begin with 0", "quote it, where it is a text: '0644'"};
        std::int64_t value = 0;
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
        if (read.ec == std::errc::result_out_of_range)
            throw Mistake{token.at, "this number does not fit in 64 bits", "quote it, where it is a text"};
        if (read.ec != std::errc()) throw Mistake{token.at, "this number has no digits", ""};
        return literal(token.at, Datum::of(value));
    }
    if (token_.kind == Token::Kind::name) return name_or_constant();
    if (sign("(")) return in_parentheses();
    if (sign("[")) return bracketed_list();
    if (sign("{")) return mapping();
    unknown();
}

ExpressionParser::Index ExpressionParser::name_or_constant() {
    const Token token = take();
    const std::string_view is = token.is;
    if (is == "true" || is == "True") return literal(token.at, Datum::of(true));
    if (is == "false" || is == "False") return literal(token.at, Datum::of(false));
    if (is == "none" || is == "None" || is == "null") return literal(token.at, Datum::none());
    return add(Op::name, token.at, is);
}

ExpressionParser::Index ExpressionParser::in_parentheses() {
    const Deeper deeper(*this);
    const auto at = take().at;
    if (take_sign(")")) return add(Op::tuple, at);
    const auto inner = tuple(true);
    expect(")");
    return inner;
}

ExpressionParser::Index ExpressionParser::bracketed_list() {
    const Deeper deeper(*this);
    const auto at = take().at;
    std::vector<Index> of;
    while (!sign("]")) {
        of.push_back(conditional());
        if (!take_sign(",")) break;
    }
    expect("]");
    return add(Op::list, at, {}, std::move(of));
}

ExpressionParser::Index ExpressionParser::mapping() {
    const Deeper deeper(*this);
    const auto at = take().at;
    std::vector<Index> of;
    while (!sign("}")) {
        of.push_back(conditional());
        expect(":");
        of.push_back(conditional());
        if (!take_sign(",")) break;
    }
    expect("}");
    return add(Op::map, at, {}, std::move(of));
}

ExpressionParser::Index ExpressionParser::postfix(Index node) {
    while (true) {
        if (sign(".")) {
            take();
            if (token_.kind != Token::Kind::name && token_.kind != Token::Kind::integer)
                throw Mistake{token_.at, "expected a name after '.'", not_ours()};
            const Token token = take();
            if (token.kind == Token::Kind::name) {
                node = add(Op::member, token.at, token.is, {node});
                continue;
            }
            std::int64_t number = 0;
            std::from_chars(token.is.data(), token.is.data() + token.is.size(), number);
            const auto index = literal(token.at, Datum::of(number));
            node = add(Op::index, token.at, {}, {node, index});
        } else if (sign("[")) {
            node = subscript(node);
        } else if (sign("(")) {
            node = call(node);
        } else {
            return node;
        }
    }
}

ExpressionParser::Index ExpressionParser::subscript(Index node) {
    const Deeper deeper(*this);
    const auto at = take().at;
    const auto nothing = [&] { return literal(token_.at, Datum::none()); };
    std::vector<Index> parts;
    bool slice = false;
    parts.push_back(sign(":") ? nothing() : conditional());
    while (parts.size() < 3 && take_sign(":")) {
        slice = true;
        parts.push_back(sign(":") || sign("]") ? nothing() : conditional());
    }
    if (slice) {
        while (parts.size() < 3) parts.push_back(nothing());
        expect("]");
        parts.insert(parts.begin(), node);
        return add(Op::slice, at, {}, std::move(parts));
    }
    if (sign(",")) {
        while (take_sign(","))
            if (!sign("]")) parts.push_back(conditional());
        parts = {add(Op::tuple, at, {}, parts)};
    }
    expect("]");
    return add(Op::index, at, {}, {node, parts[0]});
}

void ExpressionParser::arguments(Node& node) {
    const Deeper deeper(*this);
    expect("(");
    bool named = false;
    while (!sign(")")) {
        std::string word;
        if (take_sign("**")) {
            word = "**", named = true;
        } else if (take_sign("*")) {
            word = "*";
        } else if (token_.kind == Token::Kind::name) {
            const auto lexer = lexer_;
            const Token token = take();
            if (take_sign("=")) {
                word = token.is, named = true;
            } else {
                lexer_ = lexer, token_ = token;  // no name of an argument
            }
        }
        if (word.empty() && named)
            throw Mistake{token_.at, "an argument without a name stands before those with one", ""};
        for (const auto& other : node.words)
            if (!word.empty() && word[0] != '*' && other == word)
                throw Mistake{token_.at, fmt::format("'{}' is given twice", word), ""};
        node.words.push_back(std::move(word));
        node.of.push_back(conditional());
        if (!take_sign(",")) break;
    }
    expect(")");
}

ExpressionParser::Index ExpressionParser::call(Index node) {
    Node made{Op::call, static_cast<Index>(token_.at), {}, {}, {node}, {""}};
    arguments(made);
    out_.nodes.push_back(std::move(made));
    return static_cast<Index>(out_.nodes.size() - 1);
}

ExpressionParser::Index ExpressionParser::filtered(Index node) {
    while (true) {
        if (sign("|")) {
            take();
            node = filter(node);
        } else if (word("is")) {
            take();
            node = test(node);
        } else if (sign("(")) {
            node = call(node);
        } else {
            return node;
        }
    }
}

ExpressionParser::Index ExpressionParser::filters(Index node) {
    node = filter(node);
    while (take_sign("|")) node = filter(node);
    return node;
}

ExpressionParser::Index ExpressionParser::filter(Index node) {
    const auto at = token_.at;
    Node made{Op::filter, static_cast<Index>(at), dotted("the name of a filter after '|'"), {}, {node}, {""}};
    if (sign("(")) arguments(made);
    out_.nodes.push_back(std::move(made));
    return static_cast<Index>(out_.nodes.size() - 1);
}

ExpressionParser::Index ExpressionParser::test(Index node) {
    const bool negated = take_word("not");
    const auto at = token_.at;
    Node made{Op::test, static_cast<Index>(at), dotted("the name of a test after 'is'"), {}, {node}, {""}};
    const bool begins = token_.kind == Token::Kind::name || token_.kind == Token::Kind::text ||
                        token_.kind == Token::Kind::integer || token_.kind == Token::Kind::real || sign("[") ||
                        sign("{");
    if (sign("(")) {
        arguments(made);
    } else if (begins && !word("else") && !word("or") && !word("and") && !word("if") && !word("in") && !word("not")) {
        if (word("is")) throw Mistake{token_.at, "tests do not follow each other", "write and between them"};
        const auto argument = postfix(primary());
        made.of.push_back(argument), made.words.emplace_back();
    }
    out_.nodes.push_back(std::move(made));
    const auto number = static_cast<Index>(out_.nodes.size() - 1);
    return negated ? add(Op::negate, at, "is not", {number}) : number;
}

}  // namespace chaos::language
