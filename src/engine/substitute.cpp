// SPDX-License-Identifier: Apache-2.0
// Expressions where they stand: in values, keys, `when` and `each`, with every mistake at its place in the source.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "evaluator.hpp"
#include "shipped.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;

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
    const Place here = place_in(text, mistake.at, names.sources());
    if (!names.lends_places || !names.lent) throw Error(here, mistake.message).help(mistake.hint);
    throw Error(names.lent, mistake.message).note(here, std::string(in_shipped)).help(mistake.hint);
}

/// The value that a path (`params.links[0].to`) leads to, or the last one on the way; null for what is computed.
const Value* value_at(const language::Tree& tree, std::uint32_t number, Names& names) {
    const language::Node& node = tree.nodes[number];
    using Op = language::Node::Op;
    if (node.op == Op::name) return names.has(node.name) ? nullptr : names.root(node.name);
    if (node.op != Op::member && node.op != Op::index) return nullptr;
    const language::Node& base = tree.nodes[node.of[0]];
    if (base.op == Op::name && base.name == "vars" && node.op == Op::member) return names.member("vars", node.name);
    const Value* held = value_at(tree, node.of[0], names);
    if (!held) return nullptr;
    const language::Datum* key = node.op == Op::index ? &tree.nodes[node.of[1]].literal : nullptr;
    const Value* inner = !key             ? held->find(node.name)
                         : key->is_text() ? held->find(key->text())
                         : key->is_integral() && held->is_list() && key->integer() >= 0 &&
                                 static_cast<std::uint64_t>(key->integer()) < held->list().size()
                             ? &held->list()[static_cast<std::size_t>(key->integer())]
                             : nullptr;
    return inner ? inner : held;
}

/// Where the first value stands that an expression was given from outside of the module it is in.
Place place_lent(const language::Tree& tree, std::uint32_t root, Names& names) {
    std::vector<std::uint32_t> open{root};
    while (!open.empty()) {
        const std::uint32_t number = open.back();
        open.pop_back();
        if (const Value* held = value_at(tree, number, names)) {
            if (held->where && !is_shipped(names.sources()[held->where])) return held->where;
            continue;
        }
        const auto& parts = tree.nodes[number].of;
        open.insert(open.end(), parts.rbegin(), parts.rend());
    }
    return {};
}

/// How a value prints inside a text: as it was written, where it was.
struct Printed {
    std::string text;
    bool secret = false;
};

Printed print_at(language::Evaluator& evaluator, const language::Tree& tree, std::uint32_t root, std::size_t open) {
    const auto datum = evaluator.defined(tree, root);
    if (datum.is_list() || datum.is_map() || datum.is(language::Datum::Kind::none))
        throw Mistake{open, fmt::format("{} can not stand inside a text", language::name_of(datum)),
                      datum.is(language::Datum::Kind::none)
                          ? "say what stands for it: x or 'y'"
                          : "a list or mapping needs the whole value for itself; as text: x | join(', '), x | to_json"};
    return {evaluator.text(datum), datum.secret};
}

/// What is made of a secret that nobody knows is not known, and whatever fails on it is no mistake.
template <class Act>
void where_known(Value& text, Names& names, Act act) {
    const bool before = std::exchange(names.touched_unknown, false);
    try {
        act();
    } catch (const Error&) {
        if (!names.touched_unknown) throw;
        const Place where = text.where;
        text = Value(std::string(), where);
        text.secret = text.quoted = true;
    }
    names.touched_unknown |= before;
}

void note_lent(const language::Tree& tree, std::uint32_t root, Names& names) {
    names.lent = {};
    if (!names.lends_places) return;
    try {
        const Place place = place_lent(tree, root, names);
        names.lent = place;
    } catch (const Error&) {  // evaluating it says so
    }
}

void add_to_effort(const Value& made, Names& names) {
    try {
        names.effort.add(made);
    } catch (Error& error) {
        error.where = made.where;
        throw;
    }
}

void substitute_text(Value& text, Names& names) {
    const std::string words = text.text();
    std::string out;
    bool secret = text.secret;
    Place lent;
    try {
        std::size_t at = 0;
        for (auto open = words.find("{{"); open != npos; open = words.find("{{", at)) {
            const auto end = language::closing(words, open + 2, "}}");
            if (end == npos)
                throw Mistake{open, "this {{ is never closed",
                              "close it with }}, or put raw: true on this entry if it is not for chaos"};
            if (open == 0 && end + 2 == words.size()) {
                const Place where = text.where;
                text = evaluate(words, 2, end, names);
                text.where = names.lent ? names.lent : where, text.blank = false;
                return add_to_effort(text, names);
            }
            language::Tree tree;
            language::Evaluator evaluator(names);
            const auto root = language::parse_expression(tree, words, open + 2, end);
            note_lent(tree, root, names);
            if (names.lent) lent = names.lent;
            const Printed printed = print_at(evaluator, tree, root, open);
            language::Budget::fits(out.size() + open - at + printed.text.size());
            out.append(words, at, open - at).append(printed.text);
            secret |= printed.secret;
            at = end + 2;
        }
        out.append(words, at);
    } catch (const Mistake& mistake) {
        tell(mistake, text, names);
    } catch (Error& error) {
        if (!error.where) error.where = text.where;
        throw;
    }
    text.data = std::move(out), text.secret = secret, text.quoted = true;
    if (lent) text.where = lent;
    add_to_effort(text, names);
}

}  // namespace

bool has_expression(const Value& text) {
    return text.is_text() && (text.tag != Value::Tag::none || text.text().find("{{") != npos);
}

void substitute(Value& value, Names& names) {
    language::Budget budget(names.effort);
    const language::Budget::Level level(budget);
    if (value.is_text()) {
        if (value.tag == Value::Tag::none) {
            if (value.text().find("{{") != npos) where_known(value, names, [&] { substitute_text(value, names); });
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

Value evaluate(std::string_view text, std::size_t at, std::size_t end, Names& names) {
    language::Tree tree;
    const auto root = language::parse_expression(tree, text, at, end);
    note_lent(tree, root, names);
    language::Evaluator evaluator(names);
    const auto result = evaluator.defined(tree, root);
    try {
        return language::value_of(result, evaluator.budget());
    } catch (Error& error) {
        if (error.where) throw;
        throw Mistake{tree.nodes[root].at, error.what(), error.hint};
    }
}

Value bare_value(const Value& text, Names& names) {
    try {
        const std::string& words = text.text();
        if (words.starts_with("{{") && language::closing(words, 2, "}}") == words.size() - 2)
            return evaluate(words, 2, words.size() - 2, names);
        return evaluate(words, 0, words.size(), names);
    } catch (const Mistake& mistake) {
        tell(mistake, text, names);
    } catch (Error& error) {
        if (!error.where) error.where = text.where;
        throw;
    }
}

bool decide(const Value& condition, Names& names) {
    if (condition.is_list())  // the first may be why the next has a meaning: x is defined
        return std::ranges::all_of(condition.list(), [&](const Value& one) { return decide(one, names); });
    if (!condition.is_text())
        throw Error(condition.where, fmt::format("when takes an expression, found {}", kind_of(condition)))
            .help("write it as in when: facts.os.family == 'debian'");
    const Value result = bare_value(condition, names);
    if (result.secret)
        throw Error(condition.where, "a secret can not decide what exists")
            .help("decide it by a variable or a fact, which may be seen");
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
    throw Error(each.where, fmt::format("each takes a list or a mapping, found {}", name_of(type_of(items))))
        .help("write it as in each: vars.sites");
}

}  // namespace chaos
