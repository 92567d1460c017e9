// SPDX-License-Identifier: Apache-2.0
#include "expression.hpp"
#include <fmt/format.h>
#include <charconv>
#include "utf8.hpp"

namespace chaos {

namespace {

using Op = Expression::Op;
constexpr auto npos = std::string_view::npos;

bool is_number(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    const auto whole = std::min(text.find('.'), text.size());
    const auto digits = [](std::string_view part) {
        return !part.empty() && part.find_first_not_of("0123456789") == npos;
    };
    if (!digits(text.substr(0, whole)) || (whole > 1 && text[0] == '0')) return false;
    return whole == text.size() || digits(text.substr(whole + 1));
}

/// Walks an expression. What it makes on the way lives in `made_`, what it only looks at where it is.
class Evaluator {
public:
    Evaluator(const Expression& expression, Names& names) : expression_(expression), names_(names) {}

    const Value& value(std::uint32_t number) {
        const auto& node = expression_.nodes[number];
        switch (node.op) {
            case Op::literal: return node.literal;
            case Op::name: return name(node);
            case Op::member: return member(node, node.name, node.of[0]);
            case Op::index: return index(node);
            case Op::list: {
                Value::List list;
                for (const auto item : node.of) list.push_back(value(item));
                return keep(Value(std::move(list)));
            }
            case Op::call: return call(node);
            case Op::filter: return filter(node);
            case Op::negate: return truth(!boolean(node.of[0]));
            case Op::both: return truth(boolean(node.of[0]) && boolean(node.of[1]));
            case Op::either: return truth(boolean(node.of[0]) || boolean(node.of[1]));
            case Op::equal: return truth(equal(value(node.of[0]), value(node.of[1])), node.of);
            case Op::unequal: return truth(!equal(value(node.of[0]), value(node.of[1])), node.of);
            case Op::in: return truth(holds(node), node.of);
            case Op::not_in: return truth(!holds(node), node.of);
        }
        throw Mistake{node.at, "an expression of an unknown form", ""};
    }

private:
    using Node = Expression::Node;

    const Value& keep(Value value) { return made_.emplace_back(std::move(value)); }
    const Value& truth(bool flag, const std::vector<std::uint32_t>& of = {}) {
        Value result{std::string(flag ? "true" : "false")};
        for (const auto operand : of) result.secret |= value(operand).secret;
        return keep(std::move(result));
    }

    bool boolean(std::uint32_t number) {
        const Value& held = value(number);
        if (type_of(held) == Type::boolean) return held.text() == "true";
        throw Mistake{expression_.nodes[number].at,
                      fmt::format("expected true or false, found {}", name_of(type_of(held))),
                      "compare it with something: x == 'y'"};
    }

    static bool equal(const Value& a, const Value& b) {
        const Type type = type_of(a);
        if (type != type_of(b)) return false;
        if (type != Type::number) return a == b;
        double x = 0, y = 0;
        std::from_chars(a.text().data(), a.text().data() + a.text().size(), x);
        std::from_chars(b.text().data(), b.text().data() + b.text().size(), y);
        return x == y;
    }

    bool holds(const Node& node) {
        const Value &one = value(node.of[0]), &all = value(node.of[1]);
        if (all.is_list()) {
            for (const Value& item : all.list())
                if (equal(item, one)) return true;
            return false;
        }
        if (all.is_map()) return one.is_text() && all.find(one.text());
        if (all.is_text() && one.is_text()) return all.text().find(one.text()) != npos;
        throw Mistake{node.at, fmt::format("'in' looks in a list, a mapping or a text, found {}", kind_of(all)), ""};
    }

    [[noreturn]] void missing(std::size_t at, std::string_view whole, std::string_view name,
                              const std::vector<std::string>& known) const {
        const auto near = nearest(name, known);
        const std::string dot = whole.empty() ? "" : ".";
        std::string hint;
        if (!near.empty())
            hint = fmt::format("did you mean {}{}{}?", whole, dot, near);
        else if (!known.empty() && known.size() <= 20)
            hint = fmt::format("there {} {}", known.size() == 1 ? "is" : "are", fmt::join(known, ", "));
        throw Mistake{at, fmt::format("'{}{}{}' is not defined", whole, dot, name), hint, true};
    }

    const Value& name(const Node& node) {
        if (const Value* held = names_.root(node.name)) return *held;
        const auto variables = names_.members("vars");
        if (std::find(variables.begin(), variables.end(), node.name) != variables.end())
            throw Mistake{node.at, fmt::format("'{}' is not defined", node.name),
                          fmt::format("did you mean vars.{}?", node.name), true};
        missing(node.at, "", node.name, names_.members(""));
    }

    /// `vars.a.b`, for messages.
    std::string path_of(std::uint32_t number) const {
        const auto& node = expression_.nodes[number];
        if (node.op == Op::name) return node.name;
        if (node.op == Op::member) return path_of(node.of[0]) + "." + node.name;
        if (node.op == Op::index && expression_.nodes[node.of[1]].literal.is_text())
            return fmt::format("{}[{}]", path_of(node.of[0]), expression_.nodes[node.of[1]].literal.text());
        return "it";
    }

    const Value& member(const Node& node, const std::string& key, std::uint32_t of) {
        const auto& base = expression_.nodes[of];
        if (base.op == Op::name && names_.has(base.name)) {
            const Value* held = nullptr;
            try {
                held = names_.member(base.name, key);
            } catch (const Error& error) {
                if (error.where) throw;
                throw Mistake{node.at, error.what(), error.hint};
            }
            if (held) return *held;
            missing(node.at, base.name, key, names_.members(base.name));
        }
        const Value& whole = value(of);
        if (const Value* held = item_of(whole, key)) {
            if (!whole.secret || held->secret) return *held;
            Value copy = *held;
            copy.secret = true;
            return keep(std::move(copy));
        }
        std::vector<std::string> known;
        if (whole.is_map()) {
            for (const auto& entry : whole.map()) known.push_back(entry.key.text());
            missing(node.at, path_of(of), key, known);
        }
        if (whole.is_list())
            throw Mistake{node.at, fmt::format("'{}' has {} items, and no '{}'", path_of(of), whole.list().size(), key),
                          "they count from 0", true};
        throw Mistake{node.at, fmt::format("'{}' is {}, and has no '{}'", path_of(of), kind_of(whole), key), ""};
    }

    static const Value* item_of(const Value& whole, const std::string& key) {
        if (!whole.is_list()) return whole.find(key);
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
        if (error != std::errc() || end != key.data() + key.size()) return nullptr;
        const auto size = static_cast<std::int64_t>(whole.list().size());
        if (number < 0) number += size;
        return number >= 0 && number < size ? &whole.list()[static_cast<std::size_t>(number)] : nullptr;
    }

    const Value& index(const Node& node) {
        const Value& key = value(node.of[1]);
        if (!key.is_text())
            throw Mistake{node.at, fmt::format("expected a key or a number between [ ], found {}", kind_of(key)), ""};
        return member(node, key.text(), node.of[0]);
    }

    const Value& call(const Node& node) {
        std::vector<Value> arguments;
        for (const auto argument : node.of) arguments.push_back(value(argument));
        try {
            return keep(names_.call(node.name, arguments));
        } catch (const Error& error) {
            throw Mistake{node.at, error.what(), error.hint};
        }
    }

    const Value& filter(const Node& node) {
        if (node.name != "default" && node.name != "d")
            throw Mistake{node.at,
                          fmt::format("the filter '{}' is not understood by chaos " CHAOS_VERSION " yet", node.name),
                          ""};
        if (node.of.size() != 2) throw Mistake{node.at, "default takes one value: x | default('y')", ""};
        try {
            return value(node.of[0]);
        } catch (const Mistake& mistake) {  // only what is not there has a default; any other mistake stays one
            if (!mistake.undefined) throw;
            return value(node.of[1]);
        }
    }

    const Expression& expression_;
    Names& names_;
    std::deque<Value> made_;
};

}  // namespace

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
    return is_number(text) ? Type::number : Type::text;
}

Value evaluate(const Expression& expression, Names& names) {
    return Evaluator(expression, names).value(expression.root);
}

}  // namespace chaos
