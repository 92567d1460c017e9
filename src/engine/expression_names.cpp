// SPDX-License-Identifier: Apache-2.0
// Names in an expression, and what stands below them: `vars.a[0].b`, slices, and what is said of those that are not
// there.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include "evaluator.hpp"
#include "expression.hpp"
#include "filters.hpp"
#include "utf8.hpp"

namespace chaos::language {

using Op = Node::Op;
using Kind = Datum::Kind;

const Datum* Evaluator::local(std::string_view name) const {
    for (const Frame* at = frame.get(); at; at = at->outer.get())
        for (const auto& [held, value] : at->names)
            if (held == name) return &value;
    return nullptr;
}

Datum Evaluator::name(const Node& node) {
    if (const Datum* held = local(node.name)) return *held;
    if (const Value* held = names_.root(node.name)) return Datum::borrow(*held);
    if (const Function* function = find_function(node.name)) return Datum::of(function_object(*function));
    const bool yes = node.name == "yes" || node.name == "on";
    if (yes || node.name == "no" || node.name == "off")
        return Datum::undefined(fmt::format("'{}' is not defined", node.name),
                                fmt::format("write {}, or '{}' for the text", yes, node.name));
    const auto variables = names_.members("vars");
    if (std::find(variables.begin(), variables.end(), node.name) != variables.end())
        return Datum::undefined(fmt::format("'{}' is not defined", node.name),
                                fmt::format("did you mean vars.{}?", node.name));
    auto known = names_.members("");
    for (const Frame* at = frame.get(); at; at = at->outer.get())
        for (const auto& local : at->names)
            if (local.first != "self" && local.first != "super" && local.first != "loop") known.push_back(local.first);
    const auto near = nearest(node.name, known);
    std::string hint;
    if (!near.empty())
        hint = fmt::format("did you mean {}?", near);
    else if (known.size() <= 20)
        hint = fmt::format("there are {}", fmt::join(known, ", "));
    return Datum::undefined(fmt::format("'{}' is not defined", node.name), hint);
}

bool Evaluator::is_root(const Tree& tree, std::uint32_t number) const {
    const Node& node = tree.nodes[number];
    return node.op == Op::name && !local(node.name) && names_.has(node.name);
}

/// `vars.a.b`, for messages.
std::string Evaluator::path_of(const Tree& tree, std::uint32_t number) const {
    const Node& node = tree.nodes[number];
    if (node.op == Op::name) return node.name;
    if (node.op == Op::member) return path_of(tree, node.of[0]) + "." + node.name;
    if (node.op != Op::index || tree.nodes[node.of[1]].op != Op::literal) return "it";
    const Datum& key = tree.nodes[node.of[1]].literal;
    if (key.is_text()) return fmt::format("{}[{}]", path_of(tree, node.of[0]), key.text());
    return key.is_integral() ? fmt::format("{}[{}]", path_of(tree, node.of[0]), key.integer()) : "it";
}

namespace {

Datum missing(std::string_view whole, std::string_view name, const std::vector<std::string>& known) {
    const auto near = nearest(name, known);
    std::string hint;
    if (!near.empty())
        hint = fmt::format("did you mean {}.{}?", whole, near);
    else if (!known.empty() && known.size() <= 20)
        hint = fmt::format("there {} {}", known.size() == 1 ? "is" : "are", fmt::join(known, ", "));
    return Datum::undefined(fmt::format("'{}.{}' is not defined", whole, name), hint);
}

}  // namespace

Datum Evaluator::below_root(const std::string& root, const std::string& key, std::size_t at) {
    const Value* held = nullptr;
    try {
        held = names_.member(root, key);
    } catch (const Error& error) {
        if (error.where) throw;
        throw Mistake{at, error.what(), error.hint};
    }
    if (held) return Datum::borrow(*held);
    const auto known = names_.members(root);
    if (root == "facts" && known.empty())
        return Datum::undefined(fmt::format("'facts.{}' is not defined", key),
                                "chaos render looks at this host with --facts");
    return missing(root, key, known);
}

Datum Evaluator::attribute(const Datum& of, const std::string& key, std::string_view path) {
    if (of.is_map()) {
        if (auto held = of.find(key)) return *std::move(held);
        if (path.empty()) return Datum::undefined(fmt::format("this mapping has no '{}'", key));
        std::vector<std::string> known;
        for (std::size_t i = 0; i < std::min<std::size_t>(of.size(), 100); ++i)
            if (const Datum name = of.key_at(i); name.is_text() && !name.secret) known.push_back(name.text());
        return missing(path, key, known);
    }
    if (of.is(Kind::object))
        if (auto held = of.object().member(key)) return *std::move(held);
    if (of.is_list() && of.form() == Datum::Form::group && (key == "grouper" || key == "list"))
        return of.at(key == "list");
    require(of);
    return Datum::undefined(fmt::format("'{}' is {}, and has no '{}'", path.empty() ? "it" : path, name_of(of), key),
                            key == "size" || key == "length" ? "write it as a filter: x | length"
                            : of.is_text()                   ? "only a mapping has names: is it one where it is set?"
                                                             : "");
}

Datum Evaluator::item(const Datum& of, const Datum& key, std::string_view path) {
    require(of), require(key);
    if (of.is_map()) {
        if (auto held = of.find(key)) return *std::move(held);
        if (key.is_text() && !key.secret) return attribute(of, key.text(), path);
        return Datum::undefined(fmt::format("'{}' has no such key", path.empty() ? "this mapping" : path));
    }
    if ((of.is_list() || of.is_text()) && key.is_integral()) {
        const bool ascii = of.is_text() && first_beyond_ascii(of.text()) == std::string::npos;
        const List pieces = of.is_text() && !ascii ? items_of(of, budget_) : List();
        const auto size = static_cast<std::int64_t>(of.is_list() ? of.size()
                                                    : ascii      ? of.text().size()
                                                                 : pieces.size());
        const auto number = key.integer() < 0 ? key.integer() + size : key.integer();
        if (number < 0 || number >= size)
            return Datum::undefined(fmt::format("'{}' has {} {}, and no number {}", path.empty() ? "this" : path, size,
                                                of.is_list() ? "items" : "characters", key.integer()),
                                    "they count from 0");
        const auto at = static_cast<std::size_t>(number);
        if (of.is_list()) return of.at(at);
        return ascii ? Datum::of(of.text().substr(at, 1)).taint(of.secret) : pieces[at];
    }
    if (key.is_text() && !key.secret) return attribute(of, key.text(), path);
    return Datum::undefined(fmt::format("'{}' is {}, and has no such item", path.empty() ? "it" : path, name_of(of)));
}

Datum Evaluator::path(const Datum& of, std::string_view dotted) {
    Datum at = of;
    while (true) {
        const std::string part(dotted.substr(0, dotted.find('.')));
        std::int64_t number = 0;
        const bool counts =
            !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string::npos;
        if (counts) number = std::stol(part);
        at = item(at, counts ? Datum::of(number) : Datum::of(part));
        if (part.size() >= dotted.size()) return at;
        dotted.remove_prefix(part.size() + 1);
    }
}

Datum Evaluator::member(const Tree& tree, const Node& node) {
    if (is_root(tree, node.of[0])) return below_root(tree.nodes[node.of[0]].name, node.name, node.at);
    const Datum whole = defined(tree, node.of[0]);
    return attribute(whole, node.name, path_of(tree, node.of[0]));
}

Datum Evaluator::index(const Tree& tree, const Node& node) {
    const Datum key = defined(tree, node.of[1]);
    if (is_root(tree, node.of[0]) && key.is_text() && !key.secret)
        return below_root(tree.nodes[node.of[0]].name, key.text(), node.at);
    const Datum whole = defined(tree, node.of[0]);
    return item(whole, key, path_of(tree, node.of[0])).taint(key.secret);
}

Datum Evaluator::slice(const Tree& tree, const Node& node) {
    const Datum whole = defined(tree, node.of[0]);
    std::optional<std::int64_t> parts[3];
    bool secret = false;
    for (std::size_t i = 0; i < 3; ++i) {
        const Datum part = defined(tree, node.of[i + 1]);
        secret |= part.secret;
        if (part.is(Kind::none)) continue;
        if (!part.is_integral())
            throw Mistake{tree.nodes[node.of[i + 1]].at,
                          fmt::format("expected a whole number between [ ], found {}", name_of(part)), ""};
        parts[i] = part.integer();
    }
    if (!whole.is_text() && !whole.is_list())
        throw Error(
            fmt::format("'{}' is {}: only lists and texts have slices", path_of(tree, node.of[0]), name_of(whole)));
    const List all = items_of(whole, budget_);
    const auto size = static_cast<std::int64_t>(all.size());
    const auto step = parts[2].value_or(1);
    if (step == 0) throw Error("a slice can not go in steps of 0");
    const auto clamp = [&](std::optional<std::int64_t> at, std::int64_t otherwise) {
        if (!at) return otherwise;
        const auto from_end = *at < 0 ? (*at < -size ? -1 : *at + size) : *at;
        return step > 0 ? std::clamp<std::int64_t>(from_end, 0, size)
                        : std::clamp<std::int64_t>(from_end, -1, size - 1);
    };
    const auto first = clamp(parts[0], step > 0 ? 0 : size - 1), last = clamp(parts[1], step > 0 ? size : -1);
    List out;
    for (auto at = first; step > 0 ? at < last : at > last;) {
        out.push_back(all[static_cast<std::size_t>(at)]);
        if (__builtin_add_overflow(at, step, &at)) break;
    }
    if (whole.is_list())
        return Datum::of(std::move(out), whole.is_tuple() ? Datum::Form::tuple : Datum::Form::list)
            .taint(secret || whole.secret);
    std::string text;
    for (const Datum& character : out) text += character.text();
    return Datum::of(std::move(text), whole.markup()).taint(secret || whole.secret);
}

}  // namespace chaos::language
