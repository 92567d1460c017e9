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
    throw Mistake{token_.at, fmt::format("'{}' was not expected here", is), not_ours()};
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

std::uint32_t parse_expression(Tree& tree, std::string_view text, std::size_t at, std::size_t end) {
    return ExpressionParser(tree, text, at, end).whole();
}

}  // namespace chaos::language
