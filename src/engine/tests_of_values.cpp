// SPDX-License-Identifier: Apache-2.0
// `x is NAME`.
#include <fmt/format.h>
#include "filters.hpp"

namespace chaos::language {

namespace {

using Kind = Datum::Kind;

std::int64_t remainder_of(const Datum& subject, const Datum& by, Budget& budget) {
    const Datum rest = operate("%", subject, by, budget);
    if (!rest.is_number()) throw Error(fmt::format("expected a number, found {}", name_of(subject)));
    return rest.is_integral() ? rest.integer() : rest.real() == 0 ? 0 : rest.real() == 1 ? 1 : 2;
}

bool parity(Call& call, std::int64_t wanted) {
    if (!call.subject.is_number())
        throw Error(fmt::format("'{}' asks a number, found {}", call.name, name_of(call.subject)));
    return remainder_of(call.subject, Datum::of(std::int64_t{2}), call.budget()) == wanted;
}

int order(Call& call, std::string_view sign) {
    return compare(call.subject, call.at(0), call.budget(), sign);
}

bool is_equal(Call& call) {
    return equal(call.subject, call.at(0), call.budget());
}

bool has_case(Call& call, bool up) {
    Arguments none;
    return call_method(call.evaluator, Datum::of(call.own_text()), up ? "isupper" : "islower", none)->boolean();
}

/// The same thing, not only an equal one: of plain values, of the same kind.
bool is_same(Call& call) {
    const Datum &a = call.subject, &b = call.at(0);
    if (a.kind() != b.kind()) return false;
    if (a.is_list() || a.is_map() || a.is(Kind::object)) return a.identity() == b.identity();
    return equal(a, b, call.budget());
}

bool can_be_walked(const Datum& subject) {
    return subject.is_text() || subject.is_list() || subject.is_map();
}

constexpr Test tests[] = {
    {"!=", "other", "Is not equal.", [](Call& c) { return !is_equal(c); }},
    {"<", "other", "Is less.", [](Call& c) { return order(c, "<") < 0; }},
    {"<=", "other", "Is not greater.", [](Call& c) { return order(c, "<=") <= 0; }},
    {"==", "other", "Is equal.", is_equal},
    {">", "other", "Is greater.", [](Call& c) { return order(c, ">") > 0; }},
    {">=", "other", "Is not less.", [](Call& c) { return order(c, ">=") >= 0; }},
    {"boolean", "", "True or false.", [](Call& c) { return c.subject.is(Kind::boolean); }, false, true},
    {"callable", "", "Something to call: a macro, a function.",
     [](Call& c) { return c.subject.is(Kind::object) && c.subject.object().callable(); }, false, true},
    {"contains", "item", "Has an item, a key or a text in it: `host.groups is contains('web')`.",
     [](Call& c) { return holds(c.subject, c.at(0), c.budget()); }, true},
    {"defined", "", "There is such a thing.", [](Call& c) { return !c.subject.is_undefined(); }, false, true},
    {"divisibleby", "num", "Leaves no rest.",
     [](Call& c) { return remainder_of(c.subject, c.at(0), c.budget()) == 0; }},
    {"eq", "other", "Is equal.", is_equal},
    {"equalto", "other", "Is equal.", is_equal},
    {"escaped", "", "Is marked as HTML.", [](Call& c) { return c.subject.is_text() && c.subject.markup(); }, false,
     true},
    {"even", "", "An even number.", [](Call& c) { return parity(c, 0); }},
    {"false", "", "False itself.", [](Call& c) { return c.subject.is(Kind::boolean) && !c.subject.boolean(); }, false,
     true},
    {"filter", "", "The name of a filter.",
     [](Call& c) { return c.subject.is_text() && find_filter(c.subject.text()); }},
    {"float", "", "A number with a fraction.", [](Call& c) { return c.subject.is(Kind::real); }, false, true},
    {"ge", "other", "Is not less.", [](Call& c) { return order(c, ">=") >= 0; }},
    {"greaterthan", "other", "Is greater.", [](Call& c) { return order(c, ">") > 0; }},
    {"gt", "other", "Is greater.", [](Call& c) { return order(c, ">") > 0; }},
    {"in", "seq", "Is in a list, a mapping or a text.", [](Call& c) { return holds(c.at(0), c.subject, c.budget()); }},
    {"integer", "", "A whole number.", [](Call& c) { return c.subject.is(Kind::integer); }, false, true},
    {"iterable", "", "A list, a mapping or a text.", [](Call& c) { return can_be_walked(c.subject); }},
    {"le", "other", "Is not greater.", [](Call& c) { return order(c, "<=") <= 0; }},
    {"lessthan", "other", "Is less.", [](Call& c) { return order(c, "<") < 0; }},
    {"lower", "", "A text in lower case.", [](Call& c) { return has_case(c, false); }},
    {"lt", "other", "Is less.", [](Call& c) { return order(c, "<") < 0; }},
    {"mapping", "", "A mapping.", [](Call& c) { return c.subject.is_map(); }, false, true},
    {"ne", "other", "Is not equal.", [](Call& c) { return !is_equal(c); }},
    {"none", "", "Nothing.", [](Call& c) { return c.subject.is(Kind::none); }, false, true},
    {"number", "", "A number; true and false count as some.", [](Call& c) { return c.subject.is_number(); }, false,
     true},
    {"odd", "", "An odd number.", [](Call& c) { return parity(c, 1); }},
    {"sameas", "other", "The same thing, not only an equal one.", is_same},
    {"sequence", "", "A list, a mapping or a text.", [](Call& c) { return can_be_walked(c.subject); }},
    {"string", "", "A text.", [](Call& c) { return c.subject.is_text(); }, false, true},
    {"subset", "other", "Every item is in the other list.",
     [](Call& c) {
         for (const Datum& item : c.items())
             if (!holds(c.at(0), item, c.budget())) return false;
         return true;
     },
     true},
    {"superset", "other", "Has every item of the other list.",
     [](Call& c) {
         for (const Datum& item : items_of(c.at(0), c.budget()))
             if (!holds(c.subject, item, c.budget())) return false;
         return true;
     },
     true},
    {"test", "", "The name of a test.", [](Call& c) { return c.subject.is_text() && find_test(c.subject.text()); }},
    {"true", "", "True itself.", [](Call& c) { return c.subject.is(Kind::boolean) && c.subject.boolean(); }, false,
     true},
    {"undefined", "", "There is no such thing.", [](Call& c) { return c.subject.is_undefined(); }, false, true},
    {"upper", "", "A text in upper case.", [](Call& c) { return has_case(c, true); }},
};

}  // namespace

std::span<const Test> plain_tests() {
    return tests;
}

}  // namespace chaos::language
