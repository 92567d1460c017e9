// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <chaos/value.hpp>
#include <span>

namespace chaos {

/// A mistake in an expression, at a byte of its text: whoever knows where the text stands makes an Error of it.
struct Mistake {
    std::size_t at;
    std::string message, hint;
};

/// What expressions have cost so far, all that use the same names together: a variable may need the next one, and each
/// may hold the next one twice.
struct Effort {
    int levels = 0;                   ///< How deep it is now: of data, of calls, of what is evaluated within what.
    std::uint64_t made = 0;           ///< Bytes of all values that came out.
    std::uint64_t steps = 0;          ///< Of all evaluations: each has its own bound, and so have all together.
    std::size_t turns = 0;            ///< Of all that is written with `each`.
    void add(const Value& made_now);  ///< Throws Error where it becomes too much.

    static constexpr std::uint64_t most_steps = 50'000'000;
};

/// What the names of an expression stand for. What it hands out lives as long as it does.
class Names {
public:
    Names() : effort(own_effort_) {}
    explicit Names(Effort& shared) : effort(shared) {}  ///< Names of a module: what they cost, they cost the site.
    Names(const Names&) = delete;
    Effort& effort;
    bool touched_unknown = false;  ///< A secret was looked at whose key is lacking: what came of it means nothing.

    /// A module that comes with chaos can be mended by nobody who uses it: what it makes of a value that it was given
    /// stands where that value stands.
    bool lends_places = false;
    Place lent{};  ///< Of what the last expression looked at; nowhere: it was given nothing of that.

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

private:
    Effort own_effort_;
};

/// What a scalar is where no schema types it (F33): quoted is text, `true`, `-12`, `1.5` are what they look like.
enum class Type : char { nothing, text, boolean, number, list, map };
Type type_of(const Value&);
std::string_view name_of(Type);  ///< "a number": for messages.

/// The value of an expression that begins at byte `at` of a text and ends before `end`. Throws Mistake.
Value evaluate(std::string_view text, std::size_t at, std::size_t end, Names&);

/// Replaces every `{{ }}` in a value and in what it holds; a text that is one `{{ }}` and nothing else becomes what it
/// gives, of whatever type. !file and !secret are calls. Throws Error at the exact place.
void substitute(Value&, Names&);

/// True where a text has a `{{` in it, or a tag that stands for one.
bool has_expression(const Value& text);

/// `when`: an expression without braces (a list: all must hold), true or false; all else is an Error.
bool decide(const Value& condition, Names&);

/// What an expression without braces gives, or the value itself where it is a list or mapping.
Value bare_value(const Value&, Names&);

/// `each`: an expression without braces, or a list or mapping as it stands.
Value items_of(const Value& each, Names&);

}  // namespace chaos
