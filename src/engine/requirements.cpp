// SPDX-License-Identifier: Apache-2.0
#include "requirements.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include "beside.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

std::vector<int> version_numbers(std::string_view text) {
    std::vector<int> numbers;
    while (!text.empty()) {
        int number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc()) return {};
        numbers.push_back(number);
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (!text.empty() && text.front() != '.') return {};
        if (!text.empty()) text.remove_prefix(1);
    }
    numbers.resize(std::max<std::size_t>(numbers.size(), 3));
    return numbers;
}

}  // namespace

void check_version(const Value& needs) {
    std::string_view rest = needs.text();
    const auto mine = version_numbers(CHAOS_VERSION);
    while (!rest.empty()) {
        auto one = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        const auto sign_end = std::min(one.find_first_not_of("<>="), one.size());
        const auto sign = one.substr(0, sign_end);
        auto version = one.substr(sign_end);
        while (version.starts_with(' ')) version.remove_prefix(1);
        const auto asked = version_numbers(version);
        const bool known =
            sign == ">=" || sign == ">" || sign == "<=" || sign == "<" || sign == "=" || sign == "==" || sign.empty();
        if (asked.empty() || !known)
            throw Error(needs.where, fmt::format("'{}' is no version of chaos", one))
                .help("write it as in chaos: \">= 0.1\"");
        const bool holds = sign == ">=" || sign.empty() ? mine >= asked
                           : sign == ">"                ? mine > asked
                           : sign == "<="               ? mine <= asked
                           : sign == "<"                ? mine < asked
                                                        : mine == asked;
        if (!holds)
            throw Error(needs.where, fmt::format("this manifest needs chaos {}, this is " CHAOS_VERSION, one))
                .help("install that version, or change what the manifest says under chaos:");
    }
}

void check_assertion(const Value& item, Scope& scope, Diagnostics& problems) {
    constexpr std::string_view shape = "write it as in - {that: vars.port > 1024, say: the port must be above 1024}";
    if (!item.is_map())
        throw Error(item.where, fmt::format("assert takes mappings of that and say, found {}", kind_of(item)))
            .help(std::string(shape));
    const Value* that = nullptr;
    Value say;
    bool warns = false;
    for (const auto& [key, value] : item.map()) {
        if (key.text() == "that")
            that = &value;
        else if (key.text() == "say")
            value.text(), say = value;
        else if (key.text() == "warn")
            warns = Codec<bool>::decode(value);
        else
            throw Error(key.where, fmt::format("an item of assert has no '{}'", printable(key.text())))
                .help("it has that, say and warn");
    }
    if (!that || that->is_null()) throw Error(item.where, "this does not say what must hold").help(std::string(shape));
    for (const Value& one : items_in(*that)) {
        scope.stand_in(one.where);
        scope.touched_unknown = false;
        Value result;
        try {
            result = bare_value(one, scope);
        } catch (const Error&) {
            if (!scope.touched_unknown) throw;
        }
        if (scope.touched_unknown) continue;  // what holds of a secret shows where its key is
        if (type_of(result) != Type::boolean)
            throw Error(one.where, fmt::format("that must be true or false, and this is {}", name_of(type_of(result))))
                .help("compare it with something: vars.x == 'y'");
        if (result.text() == "true") continue;
        scope.stand_in(say.where);
        if (!say.is_null()) substitute(say, scope);
        const bool told = !say.is_null() && !say.secret;
        Error error(one.where,
                    told ? printable(say.text()) : fmt::format("this does not hold: {}", printable(one.text())));
        if (told) error.hint = (warns ? "what should hold: " : "what must hold: ") + printable(one.text());
        if (!warns) throw error;
        problems.note(std::move(error));
    }
}

}  // namespace chaos
