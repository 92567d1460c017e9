// SPDX-License-Identifier: Apache-2.0
// Jinja2's expressions, with its precedence.
#include "expression_parser.hpp"
#include <fmt/format.h>
#include <charconv>
#include <cmath>
#include "utf8.hpp"

namespace chaos::language {

namespace {
constexpr int deepest = 100;
constexpr std::string_view not_ours = "braces that are not for chaos? put raw: true on this entry";
}  // namespace

ExpressionParser::Deeper::Deeper(ExpressionParser& p) : parser(p) {
    if (p.depth_ >= deepest) throw Mistake{p.token_.at, "this expression is nested too deeply", ""};
    ++p.depth_;
}

ExpressionParser::Index ExpressionParser::whole() {
    if (at_end()) throw Mistake{token_.at, "expected an expression, found nothing", "write one, as in {{ vars.port }}"};
    const Index root = tuple(true);
    expect_end();
    return root;
}

ExpressionParser::Index ExpressionParser::add(Op op, std::size_t at, std::string_view name, std::vector<Index> of) {
    out_.nodes.push_back({op, static_cast<Index>(at), std::string(name), {}, std::move(of), {}});
    return static_cast<Index>(out_.nodes.size() - 1);
}

ExpressionParser::Index ExpressionParser::literal(std::size_t at, Datum datum) {
    const auto node = add(Op::literal, at);
    out_.nodes[node].literal = std::move(datum);
    return node;
}

void ExpressionParser::unknown() const {
    const std::string is = printable(token_.is);
    if (at_end()) throw Mistake{token_.at, "this expression ends too early", ""};
    if (is == "=") throw Mistake{token_.at, "'=' compares nothing", "write =="};
    if (is == "&" || is == "!" || is == "&&")
        throw Mistake{token_.at, fmt::format("'{}' is no operator", is), "write and, or, not"};
    throw Mistake{token_.at, fmt::format("'{}' was not expected here", is), std::string(not_ours)};
}

void ExpressionParser::expect(std::string_view what) {
    if (take_sign(what)) return;
    if (at_end()) throw Mistake{token_.at, fmt::format("expected '{}'", what), fmt::format("add {}", what)};
    unknown();
}

void ExpressionParser::expect_word(std::string_view what) {
    if (take_word(what)) return;
    throw Mistake{token_.at,
                  at_end() ? fmt::format("expected '{}'", what)
                           : fmt::format("expected '{}', found '{}'", what, printable(token_.is)),
                  ""};
}

void ExpressionParser::expect_end() {
    if (!at_end()) unknown();
}

Token ExpressionParser::name(std::string_view what) {
    if (token_.kind != Token::Kind::name) throw Mistake{token_.at, fmt::format("expected {}", what), ""};
    return take();
}

std::string ExpressionParser::dotted(std::string_view what) {
    std::string all(name(what).is);
    while (take_sign(".")) all += "." + std::string(name(what).is);
    return all;
}

ExpressionParser::Index ExpressionParser::tuple(bool conditions, std::string_view until) {
    const auto at = token_.at;
    const auto one = [&] { return conditions ? conditional() : either(); };
    const auto ends = [&] { return at_end() || sign(")") || (!until.empty() && word(until)); };
    std::vector<Index> of{one()};
    if (!sign(",")) return of[0];
    while (take_sign(",")) {
        if (ends()) break;
        of.push_back(one());
    }
    return add(Op::tuple, at, {}, std::move(of));
}

Target ExpressionParser::target(bool members) {
    const auto at = token_.at;
    const auto one = [&] {
        const Deeper deeper(*this);
        if (take_sign("(")) {
            Target inner = target(members);
            expect(")");
            return inner;
        }
        const Token token = name("a name");
        for (const std::string_view word : {"true", "false", "none", "True", "False", "None"})
            if (token.is == word) throw Mistake{token.at, fmt::format("'{}' can be given no other meaning", word), ""};
        Target target{static_cast<std::uint32_t>(token.at), std::string(token.is), {}, {}};
        if (members && take_sign(".")) target.member = name("a name after '.'").is;
        return target;
    };
    std::vector<Target> all{one()};
    if (!sign(",")) return all[0];
    while (take_sign(",")) {
        if (at_end() || sign(")") || sign("=") || word("in")) break;
        all.push_back(one());
    }
    return {static_cast<std::uint32_t>(at), {}, {}, std::move(all)};
}

ExpressionParser::Index ExpressionParser::conditional() {
    const Deeper deeper(*this);
    auto node = either();
    while (word("if")) {
        const auto at = take().at;
        const auto condition = either();
        const auto otherwise = take_word("else") ? conditional() : literal(at, Datum::blank());
        node = add(Op::choose, at, {}, {node, condition, otherwise});
    }
    return node;
}

ExpressionParser::Index ExpressionParser::either() {
    auto left = both();
    while (word("or")) {
        const auto at = take().at;
        const auto right = both();
        left = add(Op::either, at, {}, {left, right});
    }
    return left;
}

ExpressionParser::Index ExpressionParser::both() {
    auto left = negation();
    while (word("and")) {
        const auto at = take().at;
        const auto right = negation();
        left = add(Op::both, at, {}, {left, right});
    }
    return left;
}

ExpressionParser::Index ExpressionParser::negation() {
    const Deeper deeper(*this);
    if (!word("not")) return comparison();
    const auto at = take().at;
    const auto node = negation();
    return add(Op::negate, at, {}, {node});
}

ExpressionParser::Index ExpressionParser::comparison() {
    const auto at = token_.at;
    std::vector<Index> of{sums()};
    std::vector<std::string> signs{""};
    std::size_t first = at;
    while (true) {
        std::string op;
        const auto here = token_.at;
        for (const std::string_view known : {"==", "!=", "<=", ">=", "<", ">"})
            if (sign(known)) op = known;
        if (!op.empty() || word("in")) {
            if (op.empty()) op = "in";
            take();
        } else if (word("not")) {
            take();
            if (!word("in")) unknown();
            take(), op = "not in";
        } else {
            break;
        }
        if (of.size() == 1) first = here;
        signs.push_back(std::move(op));
        of.push_back(sums());
    }
    if (of.size() == 1) return of[0];
    const auto node = add(Op::compare, first, {}, std::move(of));
    out_.nodes[node].words = std::move(signs);
    return node;
}

ExpressionParser::Index ExpressionParser::sums() {
    auto left = joined();
    while (sign("+") || sign("-")) {
        const Token op = take();
        const auto right = joined();
        left = add(Op::operate, op.at, op.is, {left, right});
    }
    return left;
}

ExpressionParser::Index ExpressionParser::joined() {
    const auto at = token_.at;
    std::vector<Index> of{products()};
    while (take_sign("~")) of.push_back(products());
    return of.size() == 1 ? of[0] : add(Op::join, at, {}, std::move(of));
}

ExpressionParser::Index ExpressionParser::products() {
    auto left = powers();
    while (sign("*") || sign("/") || sign("//") || sign("%")) {
        const Token op = take();
        const auto right = powers();
        left = add(Op::operate, op.at, op.is, {left, right});
    }
    return left;
}

ExpressionParser::Index ExpressionParser::powers() {
    auto left = unary(true);
    while (sign("**")) {
        const Token op = take();
        const auto right = unary(true);
        left = add(Op::operate, op.at, op.is, {left, right});
    }
    return left;
}

ExpressionParser::Index ExpressionParser::unary(bool with_filters) {
    const Deeper deeper(*this);
    Index node = 0;
    if (sign("-") || sign("+")) {
        const Token op = take();
        const auto inner = unary(false);
        node = add(op.is == "-" ? Op::minus : Op::plus, op.at, {}, {inner});
    } else {
        node = primary();
    }
    node = postfix(node);
    return with_filters ? filtered(node) : node;
}

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
                throw Mistake{token_.at, "expected a name after '.'", std::string(not_ours)};
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

std::uint32_t parse_expression(Tree& tree, std::string_view text, std::size_t at, std::size_t end) {
    return ExpressionParser(tree, text, at, end).whole();
}

}  // namespace chaos::language
