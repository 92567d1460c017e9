// SPDX-License-Identifier: Apache-2.0
// Filters that make a text of a text.
#include <fmt/format.h>
#include <algorithm>
#include "methods.hpp"
#include "utf8.hpp"

namespace chaos::language {

namespace {

Datum titled_words(Call& call) {
    std::string out;
    bool begins = true;
    const std::string text = call.own_text();
    for (const auto character : characters_of(text)) {
        std::size_t at = 0;
        const auto code = decode_utf8(character, at);
        out += begins ? upper(character) : lower(character);
        begins = is_space(code) || code == '-' || code == '(' || code == '{' || code == '[' || code == '<';
    }
    return Datum::of(std::move(out));
}

Datum replaced(Call& call) {
    return Datum::of(
        replace_in(call.own_text(), call.text(0), call.text(1), call.has(2) ? call.integer(2) : -1, call.budget()));
}

Datum truncated(Call& call) {
    const std::string text = call.own_text(), end = call.text(2, "...");
    const auto all = characters_of(text);
    const auto length = call.integer(0, 255), leeway = call.has(3) ? call.integer(3) : 5;
    const auto tail = static_cast<std::int64_t>(characters(end));
    if (length < tail) throw Error(fmt::format("the length is at least {}, that of what ends the text", tail));
    if (leeway < 0) throw Error("the leeway can not be less than 0");
    if (static_cast<std::int64_t>(all.size()) <= length || static_cast<std::int64_t>(all.size()) - length <= leeway)
        return Datum::of(text);
    const auto keep = static_cast<std::size_t>(length - tail);
    std::string out = keep ? text.substr(0, static_cast<std::size_t>(all[keep].data() - all[0].data())) : "";
    if (!call.flag(1, false)) out = out.substr(0, out.rfind(' '));
    return Datum::of(out + end);
}

Datum centered(Call& call) {
    Call inner{call.evaluator,
               "center",
               call.subject,
               {call.given[0] ? *call.given[0] : Datum::of(std::int64_t{80}), std::nullopt},
               {}};
    const Datum text = Datum::of(call.own_text());
    Arguments arguments{{inner.at(0)}, {}};
    return *call_method(call.evaluator, text, "center", arguments);
}

Datum formatted(Call& call) {
    if (!call.rest.named.empty() && !call.rest.positional.empty())
        throw Error("format takes values by position or by name, not both");
    Datum arguments;
    if (call.rest.named.empty()) {
        arguments = Datum::of(call.rest.positional, Datum::Form::tuple);
    } else {
        Dict names;
        for (const auto& [name, value] : call.rest.named) names.set(Datum::of(name), value);
        arguments = Datum::of(std::move(names));
    }
    return format_percent(Datum::of(call.own_text()), arguments, call.budget());
}

Datum words_counted(Call& call) {
    std::int64_t count = 0;
    bool inside = false;
    const std::string text = call.own_text();
    for (std::size_t at = 0; at < text.size();) {
        const auto code = decode_utf8(text, at);
        const bool is = letter_of(code) != Letter::none || (code >= '0' && code <= '9') || code == '_';
        count += is && !inside;
        inside = is;
    }
    return Datum::of(count);
}

Datum stripped_of(Call& call) {
    const std::string text = call.own_text();
    if (call.has(0) && call.text(0).empty()) return Datum::of(text);
    return Datum::of(stripped(text, call.text(0)));
}

Datum split(Call& call) {
    Arguments arguments;
    if (call.given[0]) arguments.positional.push_back(call.at(0));
    if (call.given[1]) arguments.named.emplace_back("maxsplit", call.at(1));
    return *call_method(call.evaluator, Datum::of(call.own_text()), "split", arguments);
}

Datum text_itself(Call& call) {
    return call.subject.is_text() ? call.subject : Datum::of(call.own_text());
}

/// In single quotes for a shell, where it needs any.
Datum quoted(Call& call) {
    const std::string text = call.own_text();
    const bool plain =
        !text.empty() &&
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_") ==
            std::string::npos;
    if (plain) return Datum::of(text);
    return Datum::of("'" + replace_in(text, "'", "'\"'\"'", -1, call.budget()) + "'");
}

constexpr Filter filters[] = {
    {"capitalize", "", "The first letter in upper case, the rest in lower.",
     [](Call& c) { return Datum::of(capitalized(c.own_text())); }},
    {"center", "width=80", "In the middle of so many characters.", centered},
    {"format", "*values, **named", "Python's `%`: `'%s-%03d' | format('a', 7)` is `a-007`.", formatted},
    {"lower", "", "In lower case.", [](Call& c) { return Datum::of(lower(c.own_text())); }},
    {"quote", "", "Quoted for a shell, where it needs quotes.", quoted, true},
    {"replace", "s, new, count=none", "One text in place of another, at most `count` times.", replaced},
    {"split", "sep=none, maxsplit=-1", "The parts between separators (blanks), a list.", split, true},
    {"string", "", "As text.", text_itself},
    {"title", "", "Each word begins in upper case.", titled_words},
    {"trim", "chars=none", "Without blanks, or these characters, at both ends.", stripped_of},
    {"truncate", "length=255, killwords=false, end='...', leeway=none",
     "Cut to a length at a word, with `end` after it. `leeway` (5) characters more are let pass.", truncated},
    {"upper", "", "In upper case.", [](Call& c) { return Datum::of(upper(c.own_text())); }},
    {"wordcount", "", "How many words it has.", words_counted},
};

}  // namespace

Filters text_filters() {
    return filters;
}

}  // namespace chaos::language
