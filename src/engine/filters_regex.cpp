// SPDX-License-Identifier: Apache-2.0
// Filters and tests of regular expressions, as Ansible has them.
#include <fmt/format.h>
#include "filters.hpp"
#include "regex.hpp"
#include "utf8.hpp"

namespace chaos::language {

namespace {

Regex pattern_of(const Call& call, std::size_t pattern, std::size_t ignore_case, std::size_t multiline) {
    return Regex(call.text(pattern),
                 {.ignore_case = call.flag(ignore_case, false), .multiline = call.flag(multiline, false)});
}

/// `\1`, `\g<name>` and `\n` of a replacement.
std::string expanded(std::string_view by, const Regex& regex, const Regex::Match& match, std::string_view text) {
    std::string out;
    const auto group = [&](std::size_t number) {
        if (number >= match.size()) throw Error(fmt::format("the pattern has no group {}", number));
        out += match[number].in(text);
    };
    for (std::size_t at = 0; at < by.size(); ++at) {
        if (by[at] != '\\' || at + 1 == by.size()) {
            out += by[at];
            continue;
        }
        const char c = by[++at];
        if (c >= '0' && c <= '9') {
            std::size_t number = static_cast<std::size_t>(c - '0');
            if (at + 1 < by.size() && by[at + 1] >= '0' && by[at + 1] <= '9' && c != '0')
                number = number * 10 + static_cast<std::size_t>(by[++at] - '0');
            group(number);
        } else if (c == 'g' && at + 1 < by.size() && by[at + 1] == '<') {
            const auto end = by.find('>', at);
            if (end == std::string_view::npos) throw Error("'\\g<' is closed by '>'");
            const std::string name(by.substr(at + 2, end - at - 2));
            const bool counts =
                !name.empty() && name.size() < 4 && name.find_first_not_of("0123456789") == std::string::npos;
            const auto number = counts ? std::optional<std::size_t>(std::stoul(name)) : regex.group(name);
            if (!number) throw Error(fmt::format("the pattern has no group '{}'", printable(name)));
            group(*number);
            at = end;
        } else if (const auto known = std::string_view("nrtfv\\").find(c); known != std::string_view::npos) {
            out += "\n\r\t\f\v\\"[known];
        } else {
            out += '\\', out += c;
        }
    }
    return out;
}

/// Calls act(match) for each match that Python's finditer would give.
template <class Act>
void each_match(const Regex& regex, std::string_view text, Budget& budget, Act act) {
    std::size_t at = 0;
    bool not_empty = false;
    while (at <= text.size()) {
        budget.spend(100 + (text.size() - at) / 64);
        const auto match = regex.find(text, at, false, not_empty);
        if (!match) break;
        if (!act(*match)) break;
        not_empty = (*match)[0].to == (*match)[0].from;  // an empty match is followed by one that is not, here
        at = (*match)[0].to;
    }
}

Datum replaced(Call& call) {
    const std::string text = call.own_text(), by = call.text(1);
    const Regex regex = pattern_of(call, 0, 2, 3);
    const auto most = call.integer(4, 0);
    std::string out;
    std::size_t done = 0;
    std::int64_t count = 0;
    each_match(regex, text, call.budget(), [&](const Regex::Match& match) {
        if (most > 0 && count++ == most) return false;
        out.append(text, done, match[0].from - done).append(expanded(by, regex, match, text));
        done = match[0].to;
        call.budget().fits(out.size());
        return true;
    });
    return Datum::of(out.append(text, done));
}

Datum searched(Call& call) {
    const std::string text = call.own_text();
    bool ignore = false, multiline = false;
    for (const auto& [name, value] : call.rest.named) {
        if (name == "ignorecase")
            ignore = truth_of(value);
        else if (name == "multiline")
            multiline = truth_of(value);
        else
            throw Error(fmt::format("regex_search takes no '{}'", name));
    }
    const Regex searching(call.text(0), {.ignore_case = ignore, .multiline = multiline});
    const auto match = searching.find(text);
    if (!match) return Datum::none();
    if (call.rest.positional.empty()) return Datum::of((*match)[0].in(text));
    List groups;
    for (const Datum& wanted : call.rest.positional)
        groups.push_back(Datum::of(expanded(call.evaluator.text(wanted), searching, *match, text)));
    return Datum::of(std::move(groups));
}

Datum found_all(Call& call) {
    const std::string text = call.own_text();
    const Regex regex = pattern_of(call, 0, 2, 1);
    List all;
    each_match(regex, text, call.budget(), [&](const Regex::Match& match) {
        if (match.size() < 3) return all.push_back(Datum::of(match.back().in(text))), true;
        List groups;
        for (std::size_t i = 1; i < match.size(); ++i) groups.push_back(Datum::of(match[i].in(text)));
        all.push_back(Datum::of(std::move(groups), Datum::Form::tuple));
        return true;
    });
    return Datum::of(std::move(all));
}

Datum escaped_pattern(Call& call) {
    std::string out;
    for (const char c : call.own_text()) {
        if (std::string_view("()[]{}?*+-|^$\\.&~# \t\n\r\v\f").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return Datum::of(std::move(out));
}

bool found(Call& call, bool at_start) {
    return pattern_of(call, 0, 1, 2).find(call.own_text(), 0, at_start).has_value();
}

constexpr Filter filters[] = {
    {"regex_escape", "", "What a pattern would read as signs, as plain characters.", escaped_pattern, true},
    {"regex_findall", "regex, multiline=false, ignorecase=false",
     "All matches: texts, or tuples where the pattern has groups.", found_all, true},
    {"regex_replace", "pattern, replacement='', ignorecase=false, multiline=false, count=0",
     "Each match by another text, in which `\\1` and `\\g<name>` are groups.", replaced, true},
    {"regex_search", "regex, *groups, **named",
     "The first match, or these groups of it (`'\\1'`, `'\\g<name>'`); none where there is none.", searched, true},
};

constexpr Test tests[] = {
    {"match", "pattern, ignorecase=false, multiline=false", "Begins with what a regular expression describes.",
     [](Call& c) { return found(c, true); }, true},
    {"regex", "pattern, ignorecase=false, multiline=false", "The same as `search`.",
     [](Call& c) { return found(c, false); }, true},
    {"search", "pattern, ignorecase=false, multiline=false", "Has what a regular expression describes somewhere.",
     [](Call& c) { return found(c, false); }, true},
};

}  // namespace

Filters regex_filters() {
    return filters;
}
std::span<const Test> sought_tests() {
    return tests;
}

}  // namespace chaos::language
