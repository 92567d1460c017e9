// SPDX-License-Identifier: Apache-2.0
// Equality and order, as Python has them.
#include <fmt/format.h>
#include "datum.hpp"

namespace chaos::language {

namespace {

int sign_of(bool less, bool more) {
    return less ? -1 : more ? 1 : 0;
}

int compare_numbers(const Datum& a, const Datum& b) {
    if (a.is_integral() && b.is_integral()) return sign_of(a.integer() < b.integer(), a.integer() > b.integer());
    const auto x = static_cast<long double>(a.is_integral() ? static_cast<long double>(a.integer()) : a.real());
    const auto y = static_cast<long double>(b.is_integral() ? static_cast<long double>(b.integer()) : b.real());
    return sign_of(x<y, x> y);
}

bool equal_maps(const Datum& a, const Datum& b, Budget& budget) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto other = b.find(a.key_at(i));
        if (!other || !equal(a.at(i), *other, budget)) return false;
    }
    return true;
}

}  // namespace

bool equal(const Datum& a, const Datum& b, Budget& budget) {
    require(a), require(b);
    budget.spend(1);
    if (a.is_number() && b.is_number()) {
        if (a.is(Datum::Kind::real) && a.real() != a.real()) return false;
        if (b.is(Datum::Kind::real) && b.real() != b.real()) return false;
        return compare_numbers(a, b) == 0;
    }
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Datum::Kind::undefined:
        case Datum::Kind::none: return true;
        case Datum::Kind::text: return budget.spend(a.text().size() / 32), a.text() == b.text();
        case Datum::Kind::object: return a.identity() == b.identity();
        case Datum::Kind::map: {
            const Budget::Level level(budget);
            return equal_maps(a, b, budget);
        }
        default: break;
    }
    if (a.is_tuple() != b.is_tuple() || a.size() != b.size()) return false;
    const Budget::Level level(budget);
    for (std::size_t i = 0; i < a.size(); ++i)
        if (!equal(a.at(i), b.at(i), budget)) return false;
    return true;
}

int compare(const Datum& a, const Datum& b, Budget& budget, std::string_view sign) {
    require(a), require(b);
    budget.spend(1);
    if (a.is_number() && b.is_number()) return compare_numbers(a, b);
    if (a.is_text() && b.is_text()) {
        budget.spend(a.text().size() / 32);
        const int order = a.text().compare(b.text());
        return sign_of(order<0, order> 0);
    }
    if (a.is_list() && b.is_list() && a.is_tuple() == b.is_tuple()) {
        const Budget::Level level(budget);
        for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
            const Datum x = a.at(i), y = b.at(i);
            if (!equal(x, y, budget)) return compare(x, y, budget, sign);
        }
        return sign_of(a.size() < b.size(), a.size() > b.size());
    }
    throw Error(
        fmt::format("{} and {} have no order: '{}' needs two numbers or two texts", name_of(a), name_of(b), sign))
        .help("turn one into the other: x | int, x | string");
}

std::string key_of(const Datum& key, Budget& budget) {
    require(key);
    budget.spend(1);
    if (key.is_text()) return "t" + key.text();
    if (key.is_integral()) return "n" + std::to_string(key.integer());
    if (key.is(Datum::Kind::real)) {
        const double number = key.real();
        if (number >= -9e15 && number <= 9e15 && number == static_cast<double>(static_cast<std::int64_t>(number)))
            return "n" + std::to_string(static_cast<std::int64_t>(number));
        return "n" + text_of(number);
    }
    if (key.is(Datum::Kind::none)) return "-";
    if (key.is(Datum::Kind::object)) return fmt::format("o{}", key.identity());
    if (!key.is_tuple()) throw Error(fmt::format("{} can not be a key", name_of(key)));
    const Budget::Level level(budget);
    std::string all = "(";
    for (std::size_t i = 0; i < key.size(); ++i) {
        const std::string part = key_of(key.at(i), budget);
        all += fmt::format("{}:{}", part.size(), part);
    }
    return all;
}

}  // namespace chaos::language
