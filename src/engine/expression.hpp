// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <chaos/value.hpp>
#include <deque>
#include <span>

namespace chaos {

/// A parsed expression. A tree by number: nodes[root] is the whole, children come before their parents.
struct Expression {
    enum class Op : char {
        literal,
        name,
        member,
        index,
        list,
        call,
        filter,
        negate,
        both,
        either,
        equal,
        unequal,
        in,
        not_in
    };
    struct Node {
        Op op;
        std::uint32_t at;                 ///< Byte of the text it was parsed from.
        std::string name{};               ///< Of a name, a member, a call or a filter.
        Value literal{};                  ///< Of a literal.
        std::vector<std::uint32_t> of{};  ///< Its operands.
    };
    std::vector<Node> nodes;
    std::uint32_t root = 0;
};

/// A mistake in an expression, at a byte of its text: whoever knows where the text stands makes an Error of it.
struct Mistake {
    std::size_t at;
    std::string message, hint;
    bool undefined = false;  ///< Something is not there: what `default` is for.
};

/// Parses what begins at byte `at` of a text and ends before `end`. Throws Mistake.
Expression parse_expression(std::string_view text, std::size_t at, std::size_t end);

/// What the names of an expression stand for. What it hands out lives as long as it does.
class Names {
public:
    virtual const Value* root(std::string_view name) = 0;  ///< `item`, all of `vars`; null: no such name.
    virtual const Value* member(std::string_view root, std::string_view name) = 0;  ///< `vars.port`; null: not there.
    virtual bool has(std::string_view root) const = 0;                              ///< Whether there is such a name.
    virtual std::vector<std::string> members(
        std::string_view root) const = 0;  ///< For "did you mean"; of "" the roots.
    virtual Value call(std::string_view function,
                       std::span<const Value> arguments) = 0;  ///< Throws Error without a place.
    virtual const Sources& sources() const = 0;

protected:
    ~Names() = default;
};

/// What a scalar is where no schema types it (F33): quoted is text, `true`, `-12`, `1.5` are what they look like.
enum class Type : char { nothing, text, boolean, number, list, map };
Type type_of(const Value&);
std::string_view name_of(Type);  ///< "a number": for messages.

/// The value of an expression. Throws Mistake.
Value evaluate(const Expression&, Names&);

/// Replaces every `{{ }}` in a value and in what it holds; a text that is one `{{ }}` and nothing else becomes what it
/// gives, of whatever type. !file and !secret are calls. Throws Error at the exact place.
void substitute(Value&, Names&);

/// True where a text has a `{{` in it, or a tag that stands for one.
bool has_expression(const Value& text);

/// `when`: an expression without braces (a list: all must hold), true or false; all else is an Error.
bool decide(const Value& condition, Names&);

/// `each`: an expression without braces, or a list or mapping as it stands.
Value items_of(const Value& each, Names&);

}  // namespace chaos
