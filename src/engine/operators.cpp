// SPDX-License-Identifier: Apache-2.0
// Arithmetic as Python has it, on whole numbers of 64 bits and on doubles.
#include <fmt/format.h>
#include <cmath>
#include "filters.hpp"

namespace chaos::language {

namespace {

[[noreturn]] void overflow(std::string_view sign) {
    throw Error(fmt::format("the result of '{}' does not fit in 64 bits", sign))
        .help("whole numbers end at 9223372036854775807; a number with a point goes further");
}
[[noreturn]] void by_zero() {
    throw Error("division by zero").help("ask first: a / b if b else 0");
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    if (b == 0) by_zero();
    if (b == -1 && a == INT64_MIN) overflow("//");
    const auto whole = a / b;
    return whole - ((a % b != 0) && ((a < 0) != (b < 0)));
}

std::int64_t modulo(std::int64_t a, std::int64_t b) {
    if (b == 0) by_zero();
    if (b == -1) return 0;
    const auto rest = a % b;
    return rest != 0 && ((rest < 0) != (b < 0)) ? rest + b : rest;
}

double modulo(double a, double b) {
    if (b == 0) by_zero();
    const double rest = std::fmod(a, b);
    return rest != 0 && ((rest < 0) != (b < 0)) ? rest + b : rest == 0 ? std::copysign(0.0, b) : rest;
}

Datum power(std::int64_t base, std::int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) by_zero();
        return Datum::of(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    }
    std::int64_t result = 1;
    while (exponent) {
        if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) overflow("**");
        exponent >>= 1;
        if (exponent && __builtin_mul_overflow(base, base, &base)) overflow("**");
    }
    return Datum::of(result);
}

Datum integers(std::string_view sign, std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    if (sign == "+") return __builtin_add_overflow(a, b, &result) ? (overflow(sign), Datum()) : Datum::of(result);
    if (sign == "-") return __builtin_sub_overflow(a, b, &result) ? (overflow(sign), Datum()) : Datum::of(result);
    if (sign == "*") return __builtin_mul_overflow(a, b, &result) ? (overflow(sign), Datum()) : Datum::of(result);
    if (sign == "//") return Datum::of(floor_divide(a, b));
    if (sign == "%") return Datum::of(modulo(a, b));
    if (sign == "**") return power(a, b);
    if (b == 0) by_zero();
    return Datum::of(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
}

Datum reals(std::string_view sign, double a, double b) {
    if (sign == "+") return Datum::of(a + b);
    if (sign == "-") return Datum::of(a - b);
    if (sign == "*") return Datum::of(a * b);
    if (sign == "%") return Datum::of(modulo(a, b));
    if (sign == "//") {
        if (b == 0) by_zero();
        return Datum::of(std::floor((a - modulo(a, b)) / b + 0.5 - 0.5));
    }
    if (sign == "/") {
        if (b == 0) by_zero();
        return Datum::of(a / b);
    }
    if (a == 0 && b < 0) by_zero();
    const double result = std::pow(a, b);
    if (std::isnan(result) && !std::isnan(a) && !std::isnan(b))
        throw Error("a negative number has no such power among the real numbers");
    if (std::isinf(result) && !std::isinf(a) && !std::isinf(b)) throw Error("the result of '**' is too big");
    return Datum::of(result);
}

Datum repeated(const Datum& what, std::int64_t times, Budget& budget) {
    const auto count = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
    if (what.is_text()) {
        const std::string& text = what.text();
        if (!text.empty() && count > Budget::longest_text / text.size()) budget.text(Budget::longest_text + 1);
        budget.text(text.size() * count);
        std::string out;
        out.reserve(text.size() * count);
        for (std::size_t i = 0; i < count && !text.empty(); ++i) out += text;
        return Datum::of(std::move(out), what.markup());
    }
    if (what.size() && count > Budget::most_steps / what.size()) budget.spend(Budget::most_steps + 1);
    budget.spend(count * what.size());
    List out;
    for (std::size_t i = 0; i < count && what.size(); ++i)
        for (std::size_t n = 0; n < what.size(); ++n) out.push_back(what.at(n));
    return Datum::of(std::move(out), what.form());
}

Datum joined(const Datum& a, const Datum& b, Budget& budget) {
    if (a.is_text()) {
        budget.text(a.text().size() + b.text().size());
        if (!a.markup() && !b.markup()) return Datum::of(a.text() + b.text());
        return Datum::of((a.markup() ? a.text() : escaped(a.text())) + (b.markup() ? b.text() : escaped(b.text())),
                         true);
    }
    List out = items_of(a, budget);
    for (Datum& item : items_of(b, budget)) out.push_back(std::move(item));
    return Datum::of(std::move(out), a.form());
}

}  // namespace

Datum operate(std::string_view sign, const Datum& a, const Datum& b, Budget& budget) {
    if (a.is_integral() && b.is_integral()) return integers(sign, a.integer(), b.integer());
    if (a.is_number() && b.is_number()) return reals(sign, a.real(), b.real());
    const auto plain = [](const Datum& d) {
        return d.is_list() && (d.form() == Datum::Form::list || d.form() == Datum::Form::tuple);
    };
    if (sign == "+" && a.is_text() && b.is_text()) return joined(a, b, budget);
    if (sign == "+" && plain(a) && plain(b) && a.is_tuple() == b.is_tuple()) return joined(a, b, budget);
    if (sign == "*" && (a.is_text() || plain(a)) && b.is_integral()) return repeated(a, b.integer(), budget);
    if (sign == "*" && (b.is_text() || plain(b)) && a.is_integral()) return repeated(b, a.integer(), budget);
    if (sign == "%" && a.is_text()) return format_percent(a, b, budget);
    std::string hint;
    if (sign == "+" && (a.is_text() || b.is_text()))
        hint = "'~' joins anything as text; x | int makes a number of a text";
    else if (a.is_text() || b.is_text())
        hint = "x | int makes a number of a text";
    throw Error(fmt::format("'{}' does not work on {} and {}", sign, name_of(a), name_of(b))).help(hint);
}

}  // namespace chaos::language
