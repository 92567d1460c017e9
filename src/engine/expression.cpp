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

std::string_view name_of(Type type) {
    constexpr std::string_view names[] = {"nothing", "a text", "true or false", "a number", "a list", "a mapping"};
    return names[static_cast<std::size_t>(type)];
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

/// Where byte `at` of a value's text stands in its source: by counting the braces before it, which escapes and folding
/// leave as they are.
Place place_in(const Value& text, std::size_t at, const Sources& sources) {
    if (!text.where || text.where.source >= sources.size()) return text.where;
    const std::string& words = text.text();
    const auto open = words.rfind("{{", at);
    std::string_view source = sources[text.where].text;
    if (source.starts_with("\xEF\xBB\xBF")) source.remove_prefix(3);
    std::size_t from = 0;
    for (std::uint32_t line = 1; line < text.where.line; ++line) from = source.find('\n', from) + 1;
    for (std::uint16_t column = 1; column < text.where.column && from < source.size(); ++column) do
            ++from;
        while (from < source.size() && (static_cast<unsigned char>(source[from]) & 0xC0) == 0x80);
    std::size_t found = from;
    if (open == npos) {  // an expression without braces: at its start, but for a quote
        if (found < source.size() && (source[found] == '"' || source[found] == '\'')) ++found;
        if (source.substr(found, words.size()) != words) return text.where;
        found += at;
    } else {
        std::size_t count = 1;
        for (std::size_t i = words.find("{{"); i < open && i != npos; i = words.find("{{", i + 2)) ++count;
        for (found = source.find("{{", from); --count && found != npos;) found = source.find("{{", found + 2);
        if (found == npos) return text.where;
        const auto inside = words.substr(open, at - open);
        if (source.substr(found, inside.size()) == inside) found += inside.size();
    }
    const auto before = source.substr(0, found);
    const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n') + 1);
    const auto column = characters(before.substr(before.rfind('\n') + 1)) + 1;
    return {line, static_cast<std::uint16_t>(std::min<std::size_t>(column, 65535)), text.where.source};
}

[[noreturn]] void tell(const Mistake& mistake, const Value& text, const Names& names) {
    throw Error(place_in(text, mistake.at, names.sources()), mistake.message).help(mistake.hint);
}

/// The end of the expression that begins at `at`: its `}}`, those in quotes not counted.
std::size_t closing_braces(std::string_view text, std::size_t at) {
    char quote = 0;
    for (; at + 1 < text.size(); ++at) {
        if (quote && text[at] == '\\')
            ++at;
        else if (quote)
            quote = text[at] == quote ? '\0' : quote;
        else if (text[at] == '\'' || text[at] == '"')
            quote = text[at];
        else if (text[at] == '}' && text[at + 1] == '}')
            return at;
    }
    return npos;
}

Value inner_value(const std::string& words, std::size_t open, std::size_t& end, Names& names) {
    end = closing_braces(words, open + 2);
    if (end == npos)
        throw Mistake{open, "this {{ is never closed",
                      "close it with }}, or put raw: true on this entry if it is not for chaos"};
    const auto expression = parse_expression(words, open + 2, end);
    end += 2;
    return evaluate(expression, names);
}

void substitute_text(Value& text, Names& names) {
    const std::string words = text.text();
    std::string out;
    bool secret = text.secret;
    try {
        std::size_t at = 0;
        for (auto open = words.find("{{"); open != npos; open = words.find("{{", at)) {
            std::size_t end = 0;
            Value value = inner_value(words, open, end, names);
            if (open == 0 && end == words.size()) {
                const Place where = text.where;
                text = std::move(value);
                text.where = where, text.blank = false;
                return;
            }
            if (!value.is_text())
                throw Mistake{open, fmt::format("{} can not stand inside a text", kind_of(value)),
                              "a list or mapping needs the whole value for itself"};
            out.append(words, at, open - at).append(value.text());
            secret |= value.secret;
            at = end;
        }
        out.append(words, at);
    } catch (const Mistake& mistake) {
        tell(mistake, text, names);
    } catch (Error& error) {
        if (!error.where) error.where = text.where;
        throw;
    }
    text.data = std::move(out), text.secret = secret, text.quoted = true;
}

}  // namespace

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

bool has_expression(const Value& text) {
    return text.is_text() && (text.tag != Value::Tag::none || text.text().find("{{") != npos);
}

void substitute(Value& value, Names& names) {
    if (value.is_text()) {
        if (value.tag == Value::Tag::none) {
            if (value.text().find("{{") != npos) substitute_text(value, names);
            return;
        }
        const Place where = value.where;
        const Value argument(value.text());
        try {
            value = names.call(value.tag == Value::Tag::file ? "file" : "secret", std::span(&argument, 1));
        } catch (Error& error) {
            if (!error.where) error.where = where;
            throw;
        }
        value.where = where;
    } else if (value.is_list()) {
        for (Value& item : std::get<Value::List>(value.data)) substitute(item, names);
    } else if (value.is_map()) {
        for (auto& entry : std::get<Value::Map>(value.data)) {
            if (has_expression(entry.key)) {
                substitute(entry.key, names);
                if (!entry.key.is_text() || entry.key.secret)
                    throw Error(entry.key.where, entry.key.secret
                                                     ? "a secret can not be a key"
                                                     : fmt::format("a key is a text, found {}", kind_of(entry.key)));
            }
            substitute(entry.value, names);
        }
    }
}

namespace {

Value bare_value(const Value& text, Names& names) {
    try {
        const std::string& words = text.text();
        if (words.starts_with("{{") && closing_braces(words, 2) == words.size() - 2)
            return evaluate(parse_expression(words, 2, words.size() - 2), names);
        return evaluate(parse_expression(words, 0, words.size()), names);
    } catch (const Mistake& mistake) {
        tell(mistake, text, names);
    } catch (Error& error) {
        if (!error.where) error.where = text.where;
        throw;
    }
}

}  // namespace

bool decide(const Value& condition, Names& names) {
    if (condition.is_list()) {
        bool all = true;
        for (const Value& one : condition.list()) all = decide(one, names) && all;
        return all;
    }
    if (!condition.is_text())
        throw Error(condition.where, fmt::format("when takes an expression, found {}", kind_of(condition)))
            .help("write it as in when: facts.os.family == 'debian'");
    const Value result = bare_value(condition, names);
    if (result.secret) throw Error(condition.where, "a secret can not decide what exists");
    if (type_of(result) != Type::boolean)
        throw Error(condition.where,
                    fmt::format("when must be true or false, and this is {}", name_of(type_of(result))))
            .help("compare it with something: vars.x == 'y'");
    return result.text() == "true";
}

Value items_of(const Value& each, Names& names) {
    Value items = each;
    if (each.is_text())
        items = bare_value(each, names);
    else
        substitute(items, names);
    if (items.is_list() || items.is_map()) return items;
    throw Error(each.where, fmt::format("each takes a list or a mapping, found {}", kind_of(items)))
        .help("write it as in each: vars.sites");
}

}  // namespace chaos
