// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <utility>
#include "datum.hpp"

namespace chaos::language {

/// One part of an expression. Parts name each other by number; children come before their parents.
struct Node {
    enum class Op : char {
        literal,
        name,
        member,  ///< a.name
        index,   ///< a[b]
        slice,   ///< a[b:c:d]; what is left out is a literal none
        list,
        tuple,
        map,     ///< key, value, key, value ...
        call,    ///< f(...): of[0] is f
        filter,  ///< of[0] | name(...)
        test,    ///< of[0] is name(...)
        negate,
        both,
        either,
        choose,   ///< of[0] if of[1] else of[2]; without else of[2] is a literal that is not defined
        compare,  ///< of[0] words[1] of[1] words[2] of[2] ...
        operate,  ///< of[0] name of[1]
        join,     ///< of[0] ~ of[1] ~ ...
        minus,
        plus,
    };
    Op op;
    std::uint32_t at;    ///< Byte of the text it was parsed from.
    std::string name{};  ///< Of a name, member, filter, test, operator.
    Datum literal{};
    std::vector<std::uint32_t> of{};  ///< Its operands.
    std::vector<std::string>
        words{};  ///< Beside `of`, for calls: "" by position, a name, "*", "**"; for compare: signs.
};

struct Tree {
    std::vector<Node> nodes;
};

/// What a `for` or `set` gives names to.
struct Target {
    std::uint32_t at = 0;
    std::string name{}, member{};  ///< `ns.member`, where member is not empty.
    std::vector<Target> of{};      ///< A tuple, where not empty.
};

struct Parameter {
    std::string name;
    std::optional<std::uint32_t> otherwise{};
};

/// One statement of a template.
struct Statement {
    enum class Kind : char {
        text,        ///< name is what it says
        print,       ///< of[0]
        choose,      ///< of[i] decides bodies[i]; one more body is the else
        loop,        ///< target in of[0], where of[1] (if any) is true; bodies: each turn, else
        set,         ///< target = of[0]
        set_block,   ///< target = what bodies[0] gives, through of[0] (filters), if any
        with,        ///< targets[i] = of[i], for bodies[0]
        macro,       ///< name(parameters): bodies[0]
        call,        ///< of[0] is called with bodies[0] as its caller(parameters)
        filter,      ///< of[0] (filters of a literal) applied to bodies[0]
        include,     ///< of[0]
        import,      ///< of[0] as name
        from,        ///< of[0]: names, first of each pair there, second here
        extends,     ///< of[0]
        block,       ///< name: bodies[0]
        autoescape,  ///< of[0]: bodies[0]
    };
    Kind kind;
    std::uint32_t at;
    std::string name{};
    std::vector<std::uint32_t> of{};
    std::vector<std::vector<Statement>> bodies{};
    std::vector<Target> targets{};
    std::vector<Parameter> parameters{};
    std::vector<std::pair<std::string, std::string>> names{};
    bool flag = false;          ///< loop: recursive; include: ignore missing; block: scoped
    bool context = false;       ///< include, import, from: with context; block: required
    std::uint32_t subject = 0;  ///< set_block, filter: the literal that stands for the body's text
    bool takes_more = false, takes_named = false,
         takes_caller = false;  ///< macro, call: varargs, kwargs, caller are used
};
using Body = std::vector<Statement>;

/// A template as it was parsed: for as often as it is rendered.
struct Parsed {
    std::string text;
    Tree tree;
    Body body;
};

/// How the blanks around the tags of a template are read; Jinja2's options of these names.
struct Blanks {
    bool trim_blocks = false, lstrip_blocks = false;
};

/// An expression that begins at byte `at` of a text and ends before `end`: the number of its root. Throws Mistake.
std::uint32_t parse_expression(Tree&, std::string_view text, std::size_t at, std::size_t end);

/// A template whose lines end in \n. Throws Mistake.
std::shared_ptr<const Parsed> parse_template(std::string text, Blanks);

/// Line ends as Jinja2 makes them: one newline, whatever they were.
std::string with_newlines(std::string_view text);

/// Where the `}}` or `%}` is that ends what begins at `at`: those in quotes and brackets are not counted. npos: none.
std::size_t closing(std::string_view text, std::size_t at, std::string_view closer);

}  // namespace chaos::language
