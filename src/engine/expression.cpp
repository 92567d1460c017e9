// SPDX-License-Identifier: Apache-2.0
#include "expression.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "evaluator.hpp"
#include "filters.hpp"
#include "utf8.hpp"

namespace chaos {

std::string_view name_of(Type type) {
    constexpr std::string_view names[] = {"nothing", "a text", "true or false", "a number", "a list", "a mapping"};
    return names[static_cast<std::size_t>(type)];
}

Type type_of(const Value& value) {
    if (value.is_null()) return Type::nothing;
    if (value.is_list()) return Type::list;
    if (value.is_map()) return Type::map;
    if (value.quoted) return Type::text;
    const std::string& text = value.text();
    if (text == "true" || text == "false") return Type::boolean;
    return language::looks_like_number(text) ? Type::number : Type::text;
}

namespace language {

using Op = Node::Op;
using Kind = Datum::Kind;

Datum* Frame::own(std::string_view name) {
    for (auto& [held, value] : names)
        if (held == name) return &value;
    return nullptr;
}
void Frame::set(std::string_view name, Datum value) {
    if (Datum* held = own(name))
        *held = std::move(value);
    else
        names.emplace_back(name, std::move(value));
}

Evaluator::~Evaluator() {
    for (const auto& object : objects_) object->clear();
}

Datum Evaluator::keep(std::shared_ptr<Object> object) {
    budget_.spend(8);
    objects_.push_back(object);
    return Datum::of(std::move(object));
}

Datum Evaluator::value(const Tree& tree, std::uint32_t number) {
    const Node& node = tree.nodes[number];
    try {
        const Budget::Level level(budget_);
        budget_.spend(1);
        return step(tree, node);
    } catch (Error& error) {
        if (error.where) throw;
        throw Mistake{node.at, error.what(), error.hint};
    }
}

Datum Evaluator::defined(const Tree& tree, std::uint32_t number) {
    Datum datum = value(tree, number);
    if (datum.is_undefined() && !datum.is_blank())
        throw Mistake{tree.nodes[number].at, datum.missing(), datum.missing_hint()};
    return datum;
}

bool Evaluator::truth(const Datum& datum) const {
    if (!strict_truth || datum.is(Kind::boolean)) return truth_of(datum);
    require(datum);
    const bool sized = datum.is_list() || datum.is_map();
    throw Error(fmt::format("expected true or false, found {}", name_of(datum)))
        .help(sized ? "ask for what is meant: x | length > 0" : "compare it with something: x == 'y'");
}

bool Evaluator::decide(const Tree& tree, std::uint32_t number) {
    const Datum datum = defined(tree, number);
    if (!secret_decided && holds_secret(datum, budget_)) secret_decided = true;
    try {
        return truth(datum);
    } catch (Error& error) {
        throw Mistake{tree.nodes[number].at, error.what(), error.hint};
    }
}

Datum Evaluator::step(const Tree& tree, const Node& node) {
    switch (node.op) {
        case Op::literal: return node.literal;
        case Op::name: return name(node);
        case Op::member: return member(tree, node);
        case Op::index: return index(tree, node);
        case Op::slice: return slice(tree, node);
        case Op::list:
        case Op::tuple: {
            List list;
            for (const auto item : node.of) list.push_back(value(tree, item));
            return Datum::of(std::move(list), node.op == Op::tuple ? Datum::Form::tuple : Datum::Form::list);
        }
        case Op::map: {
            Dict dict;
            for (std::size_t i = 0; i + 1 < node.of.size(); i += 2) {
                const Datum key = defined(tree, node.of[i]);
                if (holds_secret(key, budget_))
                    throw Mistake{tree.nodes[node.of[i]].at, "a secret can not be a key",
                                  "keys are shown: let the secret be the value, under a name"};
                dict.set(key, value(tree, node.of[i + 1]));
            }
            return Datum::of(std::move(dict));
        }
        case Op::call: return called(tree, node);
        case Op::filter: return filtered(tree, node);
        case Op::test: return tested(tree, node);
        case Op::negate:
        case Op::both:
        case Op::either: return logical(tree, node);
        case Op::choose: return chosen(tree, node);
        case Op::compare: return compared(tree, node);
        case Op::operate: {
            const Datum a = left_of_minus(tree, node), b = defined(tree, node.of[1]);
            const bool secret = holds_secret(a, budget_) || holds_secret(b, budget_);
            return hiding(secret, "'" + node.name + "'", [&] { return operate(node.name, a, b, budget_); })
                .taint(secret);
        }
        case Op::join: {
            std::string all;
            bool secret = false, markup = autoescape;
            for (const auto part : node.of) {
                const Datum datum = defined(tree, part);
                secret |= holds_secret(datum, budget_);
                all += autoescape && !datum.markup() ? escaped(text(datum)) : text(datum);
                budget_.fits(all.size());
            }
            return Datum::of(std::move(all), markup).taint(secret);
        }
        case Op::minus:
        case Op::plus: {
            const Datum inner = defined(tree, node.of[0]);
            if (!inner.is_number())
                throw Error(fmt::format("'{}' stands before a number, found {}", node.op == Op::minus ? '-' : '+',
                                        name_of(inner)));
            if (node.op == Op::minus && inner.is(Kind::real)) return Datum::of(-inner.real()).taint(inner.secret);
            if (node.op == Op::minus)
                return operate("-", Datum::of(std::int64_t{0}), inner, budget_).taint(inner.secret);
            return operate("+", Datum::of(std::int64_t{0}), inner, budget_).taint(inner.secret);
        }
    }
    throw Error("an expression of an unknown form");
}

/// A name with a hyphen reads as a subtraction: said where it can only have been meant as a name.
Datum Evaluator::left_of_minus(const Tree& tree, const Node& node) {
    const Node &left = tree.nodes[node.of[0]], &right = tree.nodes[node.of[1]];
    if (node.name != "-" || left.op != Op::member || right.op != Op::name) return defined(tree, node.of[0]);
    const Datum datum = value(tree, node.of[0]);
    if (!datum.is_undefined()) return datum;
    throw Mistake{left.at, datum.missing(),
                  fmt::format("a name with a hyphen is written in brackets: {}['{}-{}']", path_of(tree, left.of[0]),
                              left.name, right.name)};
}

Datum Evaluator::logical(const Tree& tree, const Node& node) {
    if (node.op == Op::negate) {
        const Datum inner = defined(tree, node.of[0]);
        try {
            return Datum::of(!truth(inner)).taint(holds_secret(inner, budget_));
        } catch (Error& error) {
            throw Mistake{tree.nodes[node.of[0]].at, error.what(), error.hint};
        }
    }
    const auto truth_at = [&](const Datum& datum, std::uint32_t number) {
        try {
            return truth(datum);
        } catch (Error& error) {
            throw Mistake{tree.nodes[number].at, error.what(), error.hint};
        }
    };
    const Datum first = defined(tree, node.of[0]);
    if (truth_at(first, node.of[0]) == (node.op == Op::either)) return first;
    Datum second = value(tree, node.of[1]);
    if (strict_truth) truth_at(second.is_undefined() ? defined(tree, node.of[1]) : second, node.of[1]);
    return std::move(second).taint(holds_secret(first, budget_));
}

Datum Evaluator::chosen(const Tree& tree, const Node& node) {
    const Datum condition = defined(tree, node.of[1]);
    bool holds = false;
    try {
        holds = truth(condition);
    } catch (Error& error) {
        throw Mistake{tree.nodes[node.of[1]].at, error.what(), error.hint};
    }
    return value(tree, node.of[holds ? 0 : 2]).taint(holds_secret(condition, budget_));
}

Datum Evaluator::compared(const Tree& tree, const Node& node) {
    Datum left = defined(tree, node.of[0]);
    bool secret = holds_secret(left, budget_);
    for (std::size_t i = 1; i < node.of.size(); ++i) {
        Datum right = defined(tree, node.of[i]);
        secret |= holds_secret(right, budget_);
        const std::string& sign = node.words[i];
        bool holds = false;
        if (sign == "==" || sign == "!=")
            holds = equal(left, right, budget_) == (sign == "==");
        else if (sign == "in" || sign == "not in")
            holds = language::holds(right, left, budget_) == (sign == "in");
        else {
            const auto number = [](const Datum& d) { return d.is(Kind::real) && d.real() != d.real(); };
            const int order = number(left) || number(right) ? 2 : compare(left, right, budget_, sign);
            holds = order != 2 && (sign == "<"    ? order < 0
                                   : sign == "<=" ? order <= 0
                                   : sign == ">"  ? order > 0
                                                  : order >= 0);
        }
        if (!holds) return Datum::of(false).taint(secret);
        left = std::move(right);
    }
    return Datum::of(true).taint(secret);
}

Arguments Evaluator::arguments(const Tree& tree, const Node& node) {
    Arguments out;
    for (std::size_t i = 1; i < node.of.size(); ++i) {
        Datum datum = value(tree, node.of[i]);
        const std::string& word = node.words[i];
        if (word.empty()) {
            out.positional.push_back(std::move(datum));
        } else if (word == "*") {
            for (Datum& item : language::items_of(datum, budget_)) out.positional.push_back(std::move(item));
        } else if (word == "**") {
            if (!datum.is_map()) throw Error(fmt::format("'**' takes a mapping, found {}", name_of(datum)));
            for (std::size_t n = 0; n < datum.size(); ++n) {
                const Datum key = datum.key_at(n);
                if (key.secret)
                    throw Error("a secret can not be the name of what is given").help("give it by position");
                out.named.emplace_back(text(key), datum.at(n));
            }
        } else {
            out.named.emplace_back(word, std::move(datum));
        }
    }
    return out;
}

Datum Evaluator::call(const Datum& callable, Arguments& given) {
    require(callable);
    if (!callable.is(Kind::object) || !callable.object().callable())
        throw Error(fmt::format("{} can not be called", name_of(callable)));
    const Budget::Level level(budget_);
    return callable.object().call(*this, given);
}

Datum Evaluator::called(const Tree& tree, const Node& node, std::vector<std::pair<std::string, Datum>> more) {
    const Node& callee = tree.nodes[node.of[0]];
    if (callee.op == Op::name && !local(callee.name) && !names_.root(callee.name) && !find_function(callee.name)) {
        std::vector<Value> values;
        for (const Datum& datum : arguments(tree, node).positional) values.push_back(value_of(datum, budget_));
        try {
            return Datum::of(std::make_shared<const Value>(names_.call(callee.name, values)));
        } catch (const Error& error) {
            throw Mistake{callee.at, error.what(), error.hint};
        }
    }
    if (callee.op != Op::member) {
        const Datum callable = defined(tree, node.of[0]);
        Arguments given = arguments(tree, node);
        for (auto& named : more) given.named.push_back(std::move(named));
        return call(callable, given);
    }
    const Datum self = defined(tree, callee.of[0]);
    Arguments given = arguments(tree, node);
    for (auto& named : more) given.named.push_back(std::move(named));
    try {
        const Budget::Level level(budget_);
        if (self.is(Kind::object)) return self.object().invoke(*this, callee.name, given);
        if (auto result = call_method(*this, self, callee.name, given)) return *std::move(result);
    } catch (Error& error) {
        if (error.where) throw;
        throw Mistake{callee.at, error.what(), error.hint};
    }
    const Datum held = member(tree, callee);
    if (held.is(Kind::object)) return call(held, given);
    throw Mistake{
        callee.at,
        fmt::format("'{}' is {}, and has no method '{}'", path_of(tree, callee.of[0]), name_of(self), callee.name),
        method_hint(self, callee.name)};
}

Datum Evaluator::filtered(const Tree& tree, const Node& node) {
    const Filter* filter_row = find_filter(node.name);
    if (!filter_row)
        throw Mistake{node.at, fmt::format("there is no filter '{}'", printable(node.name)), filter_hint(node.name)};
    const Datum subject = filter_row->undefined ? value(tree, node.of[0]) : defined(tree, node.of[0]);
    Arguments given = arguments(tree, node);
    return filter(node.name, subject, given);
}

Datum Evaluator::tested(const Tree& tree, const Node& node) {
    const Test* row = find_test(node.name);
    if (!row) throw Mistake{node.at, fmt::format("there is no test '{}'", printable(node.name)), test_hint(node.name)};
    const Datum subject = row->undefined ? value(tree, node.of[0]) : defined(tree, node.of[0]);
    Arguments given = arguments(tree, node);
    const bool of_being = node.name == "defined" || node.name == "undefined";  // that there is one is no secret
    bool secret = !of_being && holds_secret(subject, budget_);
    for (const Datum& argument : given.positional) secret |= holds_secret(argument, budget_);
    return Datum::of(test(node.name, subject, given)).taint(secret);
}

}  // namespace language
}  // namespace chaos
