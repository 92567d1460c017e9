// SPDX-License-Identifier: Apache-2.0
// Filters of numbers, and what makes numbers of other things.
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include "filters.hpp"
#include "utf8.hpp"

namespace chaos::language {

namespace {

/// Digits with Python's underscores between them taken out; nothing where they stand elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
    std::string out;
    const auto is_digit = [&](std::size_t i) {
        return i < text.size() &&
               ((text[i] >= '0' && text[i] <= '9') || ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z'));
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_')
            out += text[i];
        else if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1))
            return std::nullopt;
    }
    return out;
}

[[noreturn]] void too_big() {
    throw Error("this number does not fit in 64 bits");
}

/// int(text, base) of Python.
std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t base) {
    text = stripped(text);
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
    const char mark = text.size() > 1 && text[0] == '0' ? static_cast<char>(text[1] | 0x20) : '\0';
    const std::int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked && (base == 0 || base == marked)) {
        text.remove_prefix(2), base = marked;
        if (text.starts_with('_')) text.remove_prefix(1);
    } else if (base == 0) {
        if (text.size() > 1 && text[0] == '0' && text.find_first_not_of("0_") != std::string_view::npos)
            return std::nullopt;
        base = 10;
    }
    const auto digits = without_underscores(text);
    if (!digits || digits->empty() || (*digits)[0] == '-') return std::nullopt;
    std::uint64_t value = 0;
    const auto read = std::from_chars(digits->data(), digits->data() + digits->size(), value, static_cast<int>(base));
    if (read.ptr != digits->data() + digits->size() || read.ec == std::errc::invalid_argument) return std::nullopt;
    if (read.ec != std::errc() || value > static_cast<std::uint64_t>(INT64_MAX) + negative) too_big();
    return negative ? static_cast<std::int64_t>(0 - value) : static_cast<std::int64_t>(value);
}

/// float(text) of Python.
std::optional<double> real_number(std::string_view text) {
    text = stripped(text);
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const std::string word = lower(text);
    if (word == "inf" || word == "infinity") return negative ? -INFINITY : INFINITY;
    if (word == "nan") return std::nan("");
    const auto digits = without_underscores(word);
    if (!digits || digits->empty() || digits->find_first_not_of("0123456789.e+-") != std::string::npos ||
        (*digits)[0] == '-')
        return std::nullopt;
    double value = 0;
    const auto read = std::from_chars(digits->data(), digits->data() + digits->size(), value);
    if (read.ptr != digits->data() + digits->size() || read.ec == std::errc::invalid_argument) return std::nullopt;
    if (read.ec == std::errc::result_out_of_range) value = std::strtod(digits->c_str(), nullptr);
    return negative ? -value : value;
}

std::int64_t truncated(double number) {
    if (!(std::fabs(number) < 9.2233720368547758e18)) too_big();
    return static_cast<std::int64_t>(number);
}

Datum to_integer(Call& call) {
    const Datum& subject = call.subject;
    const auto otherwise = [&] { return call.given[0] ? call.at(0) : Datum::of(std::int64_t{0}); };
    if (subject.is_integral()) return Datum::of(subject.integer());
    if (subject.is(Datum::Kind::real))
        return std::isnan(subject.real()) ? otherwise() : Datum::of(truncated(subject.real()));
    if (!subject.is_text()) return otherwise();
    if (const auto number = whole_number(subject.text(), call.integer(1, 10))) return Datum::of(*number);
    if (const auto number = real_number(subject.text()); number && !std::isnan(*number))
        return Datum::of(truncated(*number));
    return otherwise();
}

Datum to_real(Call& call) {
    const Datum& subject = call.subject;
    if (subject.is_number()) return Datum::of(subject.real());
    if (subject.is_text())
        if (const auto number = real_number(subject.text())) return Datum::of(*number);
    return call.given[0] ? call.at(0) : Datum::of(0.0);
}

Datum to_boolean(Call& call) {
    const Datum& subject = call.subject;
    if (subject.is(Datum::Kind::boolean)) return Datum::of(subject.boolean());
    if (subject.is(Datum::Kind::none)) return Datum::of(false);
    const std::string word = lower(call.own_text());
    for (const std::string_view yes : {"yes", "on", "1", "true", "1.0"})
        if (word == yes) return Datum::of(true);
    for (const std::string_view no : {"no", "off", "0", "false", "0.0"})
        if (word == no) return Datum::of(false);
    throw Error(fmt::format("{} is neither true nor false", name_of(subject)))
        .help("bool reads yes, no, on, off, true, false, 1 and 0");
}

double number_of(const Call& call) {
    if (!call.subject.is_number())
        throw Error(fmt::format("'{}' takes a number, found {}", call.name, name_of(call.subject)))
            .help("x | int makes one of a text");
    return call.subject.real();
}

/// Python's round() of a whole number to tens, hundreds ...
std::int64_t rounded_to(std::int64_t number, std::int64_t digits) {
    if (digits < -18) return 0;
    std::int64_t unit = 1;
    for (; digits < 0; ++digits) unit *= 10;
    const auto rest = ((number % unit) + unit) % unit, down = number - rest;
    const bool up = rest > unit - rest || (rest == unit - rest && (down / unit) % 2 != 0);
    std::int64_t out = 0;
    if (__builtin_add_overflow(down, up ? unit : 0, &out)) too_big();
    return out;
}

Datum rounded(Call& call) {
    const auto digits = call.integer(0, 0);
    const std::string method = call.text(1, "common");
    const double number = number_of(call);
    if (method == "common") {
        if (call.subject.is_integral())
            return Datum::of(digits >= 0 ? call.subject.integer() : rounded_to(call.subject.integer(), digits));
        if (digits > 300 || !std::isfinite(number)) return Datum::of(number);
        if (digits < -300) return Datum::of(std::copysign(0.0, number));
        if (digits < 0) {
            const double unit = std::pow(10.0, static_cast<double>(-digits));
            return Datum::of(std::nearbyint(number / unit) * unit);
        }
        const std::string text = fmt::format("{:.{}f}", number, static_cast<int>(digits));
        return Datum::of(std::strtod(text.c_str(), nullptr));
    }
    if (method != "ceil" && method != "floor") throw Error("round goes by 'common', 'ceil' or 'floor'");
    const double unit = std::pow(10.0, static_cast<double>(digits));
    const double whole = method == "ceil" ? std::ceil(number * unit) : std::floor(number * unit);
    return Datum::of(whole / unit);
}

Datum absolute(Call& call) {
    number_of(call);
    if (!call.subject.is_integral()) return Datum::of(std::fabs(call.subject.real()));
    if (call.subject.integer() == INT64_MIN) too_big();
    return Datum::of(std::abs(call.subject.integer()));
}

Datum summed(Call& call) {
    Datum sum = call.given[1] ? call.at(1) : Datum::of(std::int64_t{0});
    if (sum.is_text()) throw Error("texts are put together by join, not by sum").help("write x | join");
    for (Datum item : call.items()) {
        if (call.has(0)) item = call.evaluator.path(item, call.text(0));
        require(item);
        sum = operate("+", sum, item, call.budget());
    }
    return sum;
}

Datum length(Call& call) {
    const Datum& subject = call.subject;
    if (subject.is_text()) return Datum::of(static_cast<std::int64_t>(characters(subject.text())));
    if (subject.is_list() || subject.is_map()) return Datum::of(static_cast<std::int64_t>(subject.size()));
    throw Error(fmt::format("{} has no length", name_of(subject)));
}

Datum file_size(Call& call) {
    double bytes = 0;
    if (call.subject.is_number())
        bytes = call.subject.real();
    else if (const auto number = call.subject.is_text() ? real_number(call.subject.text()) : std::nullopt)
        bytes = *number;
    else
        throw Error(fmt::format("filesizeformat takes a number, found {}", name_of(call.subject)));
    const bool binary = call.flag(0, false);
    const double base = binary ? 1024 : 1000;
    if (bytes == 1) return Datum::of("1 Byte");
    if (bytes < base) return Datum::of(fmt::format("{} Bytes", truncated(bytes)));
    std::string_view prefix = "kMGTPEZY";
    double unit = base * base;
    while (bytes >= unit && prefix.size() > 1) unit *= base, prefix.remove_prefix(1);
    const char letter = binary && prefix[0] == 'k' ? 'K' : prefix[0];
    return Datum::of(fmt::format("{:.1f} {}{}B", base * bytes / unit, letter, binary ? "i" : ""));
}

constexpr Filter filters[] = {
    {"abs", "", "Without its sign.", absolute},
    {"bool", "", "yes, on, true and 1 are true; no, off, false and 0 are false; all else is an error.", to_boolean,
     true},
    {"count", "", "The same as `length`.", length},
    {"filesizeformat", "binary=false", "As people say sizes: `13 kB`, with `binary` `13 KiB`.", file_size},
    {"float", "default=0.0", "As a number with a fraction; `default` where it is none.", to_real},
    {"int", "default=0, base=10", "As a whole number; `default` where it is none.", to_integer},
    {"length", "", "How many items, entries or characters it has.", length},
    {"round", "precision=0, method='common'", "To so many digits after the point; `method` is common, ceil or floor.",
     rounded},
    {"sum", "attribute=none, start=0", "All numbers, or an attribute of all items, added to `start`.", summed},
};

}  // namespace

Filters number_filters() {
    return filters;
}

}  // namespace chaos::language
