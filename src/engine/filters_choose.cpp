// SPDX-License-Identifier: Apache-2.0
// Filters that ask each item, or choose between values.
#include <fmt/format.h>
#include "filters.hpp"

namespace chaos::language {

namespace {

Datum defaulted(Call& call) {
    const bool stands = !call.subject.is_undefined() && (!call.flag(1, false) || truth_of(call.subject));
    if (stands) return call.subject;
    return call.given[0] ? call.at(0) : Datum::of("");
}

Datum mapped(Call& call) {
    Arguments& rest = call.rest;
    List out;
    const auto named = [&](std::string_view name) -> const Datum* {
        for (const auto& [held, datum] : rest.named)
            if (held == name) return &datum;
        return nullptr;
    };
    if (rest.positional.empty()) {
        const Datum *attribute = named("attribute"), *otherwise = named("default");
        if (!attribute || rest.named.size() != (otherwise ? 2U : 1U))
            throw Error("map takes the name of a filter, or attribute='NAME'")
                .help("it is written map('upper') or map(attribute='name')");
        const std::string path = call.evaluator.text(*attribute);
        for (const Datum& item : call.items()) {
            Datum found = call.evaluator.path(item, path);
            out.push_back(found.is_undefined() && otherwise && !otherwise->is(Datum::Kind::none) ? *otherwise : found);
        }
        return Datum::of(std::move(out));
    }
    const std::string filter = call.evaluator.text(rest.positional[0]);
    for (const Datum& item : call.items()) {
        Arguments each{List(rest.positional.begin() + 1, rest.positional.end()), rest.named};
        call.budget().spend(1);
        out.push_back(call.evaluator.filter(filter, item, each));
    }
    return Datum::of(std::move(out));
}

Datum chosen(Call& call, bool wanted, bool by_attribute) {
    Arguments& rest = call.rest;
    const std::size_t at = by_attribute;
    if (rest.positional.size() < at) throw Error(fmt::format("{} takes the name of an attribute", call.name));
    const std::string path = by_attribute ? call.evaluator.text(rest.positional[0]) : "";
    List out;
    for (const Datum& item : call.items()) {
        const Datum subject = by_attribute ? call.evaluator.path(item, path) : item;
        call.budget().spend(1);
        bool is = false;
        if (rest.positional.size() > at) {
            Arguments each{List(rest.positional.begin() + static_cast<std::ptrdiff_t>(at) + 1, rest.positional.end()),
                           rest.named};
            is = call.evaluator.test(call.evaluator.text(rest.positional[at]), subject, each);
        } else {
            is = truth_of(subject);
        }
        if (is == wanted) out.push_back(item);
    }
    return Datum::of(std::move(out));
}

Datum attribute(Call& call) {
    const std::string name = call.text(0);
    if (call.subject.is(Datum::Kind::object)) return call.evaluator.attribute(call.subject, name);
    return Datum::undefined(fmt::format("{} has no attribute '{}'", name_of(call.subject), name),
                            "keys of a mapping: x[name]");
}

Datum ternary(Call& call) {
    if (call.given[2] && call.subject.is(Datum::Kind::none)) return call.at(2);
    return call.at(call.evaluator.truth(call.subject) ? 0 : 1);
}

constexpr Filter filters[] = {
    {"attr", "name", "An attribute of an object like `loop`; never a key.", attribute},
    {"d", "default_value='', boolean=false", "The same as `default`.", defaulted, false, true, true},
    {"default", "default_value='', boolean=false",
     "Another value where this one is not defined; with `boolean`, where it is empty or false, too.", defaulted, false,
     true, true},
    {"map", "*arguments, **named",
     "What a filter makes of each item, or an attribute of each: `map('upper')`, `map(attribute='name', default='x')`.",
     mapped},
    {"reject", "*arguments, **named", "The items that fail a test: `reject('none')`.",
     [](Call& c) { return chosen(c, false, false); }},
    {"rejectattr", "*arguments, **named", "The items whose attribute fails a test: `rejectattr('port', 'lt', 1024)`.",
     [](Call& c) { return chosen(c, false, true); }},
    {"select", "*arguments, **named", "The items that pass a test (without one: that are true).",
     [](Call& c) { return chosen(c, true, false); }},
    {"selectattr", "*arguments, **named", "The items whose attribute passes a test.",
     [](Call& c) { return chosen(c, true, true); }},
    {"ternary", "true_value, false_value, none_value=none", "One value where it is true, another where it is false.",
     ternary, true},
};

}  // namespace

Filters choosing_filters() {
    return filters;
}

}  // namespace chaos::language
