// SPDX-License-Identifier: Apache-2.0
// Python's two ways to format: 'x %05d' % 3 and '{:>5}'.format(3).
#include <fmt/format.h>
#include <cmath>
#include "filters.hpp"
#include "utf8.hpp"

namespace chaos::language {

namespace {

constexpr std::size_t widest = 1 << 20;

/// What stands between a colon and a brace, or behind a percent sign.
struct Spec {
    std::string fill = " ";
    char align = 0, sign = '-', type = 0, group = 0;
    bool alternate = false, zero = false;
    std::size_t width = 0;
    std::optional<std::size_t> precision;
};

std::size_t number_at(std::string_view& text) {
    std::size_t number = 0;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
        number = number * 10 + static_cast<std::size_t>(text[0] - '0');
        if (number > widest) throw Error("this format is too wide");
        text.remove_prefix(1);
    }
    return number;
}

Spec parse_spec(std::string_view text) {
    Spec spec;
    const std::string_view whole = text;
    const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
    std::size_t first = 0;
    if (!text.empty()) decode_utf8(text, first);
    if (first && first < text.size() && is_align(text[first]))
        spec.fill = text.substr(0, first), spec.align = text[first], text.remove_prefix(first + 1);
    else if (!text.empty() && is_align(text[0]))
        spec.align = text[0], text.remove_prefix(1);
    const auto take = [&](std::string_view any) {
        if (text.empty() || any.find(text[0]) == std::string_view::npos) return '\0';
        const char c = text[0];
        return text.remove_prefix(1), c;
    };
    if (const char sign = take("+- ")) spec.sign = sign;
    spec.alternate = take("#") != 0;
    if (take("0")) {
        spec.zero = true;
        if (!spec.align) spec.fill = "0", spec.align = '=';
    }
    spec.width = number_at(text);
    spec.group = take(",_");
    if (take(".")) {
        if (text.empty() || text[0] < '0' || text[0] > '9') throw Error("this format lacks its precision");
        spec.precision = number_at(text);
    }
    if (!text.empty()) spec.type = text[0], text.remove_prefix(1);
    if (!text.empty()) throw Error(fmt::format("'{}' is no format", printable(whole)));
    return spec;
}

std::string padded(const std::string& sign, std::string body, const Spec& spec, char align) {
    const auto size = characters(sign) + characters(body);
    const auto missing = spec.width > size ? spec.width - size : 0;
    const auto fill = [&](std::size_t count) {
        std::string out;
        for (std::size_t i = 0; i < count; ++i) out += spec.fill;
        return out;
    };
    if (align == '=') return sign + fill(missing) + body;
    if (align == '>') return fill(missing) + sign + body;
    if (align == '^') return fill(missing / 2) + sign + body + fill(missing - missing / 2);
    return sign + body + fill(missing);
}

/// Digits before the point in threes (or fours, of binary forms).
std::string grouped(const std::string& digits, char mark, std::size_t by) {
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i && (digits.size() - i) % by == 0) out += mark;
        out += digits[i];
    }
    return out;
}

std::string with_groups(std::string body, const Spec& spec, std::size_t by = 3) {
    if (!spec.group) return body;
    const auto end = std::min(body.find_first_not_of("0123456789abcdefABCDEF"), body.size());
    auto whole = std::min(body.find_first_of(".e"), end);
    if (by == 4) whole = body.size();
    return grouped(body.substr(0, whole), spec.group, by) + body.substr(whole);
}

std::string sign_of(bool negative, char rule) {
    return negative ? "-" : rule == '+' ? "+" : rule == ' ' ? " " : "";
}

std::string c_format(char type, int precision, double number, bool alternate) {
    const std::string format = fmt::format("{{:{}.{}{}}}", alternate ? "#" : "", precision, type);
    return fmt::format(fmt::runtime(format), number);
}

std::string of_real(double number, Spec spec) {
    const std::string sign = sign_of(std::signbit(number) && !std::isnan(number), spec.sign);
    const double magnitude = std::fabs(number);
    std::string body;
    const int precision = static_cast<int>(std::min<std::size_t>(spec.precision.value_or(6), 5000));
    if (std::isnan(number) || std::isinf(number)) {
        body = std::isnan(number) ? "nan" : "inf";
        if (spec.type == 'F' || spec.type == 'E' || spec.type == 'G') body = upper(body);
    } else if (!spec.type && !spec.precision) {
        body = with_groups(text_of(magnitude), spec);
    } else if (!spec.type) {
        body = c_format('g', std::max(precision, 1), magnitude, false);
        if (body.find_first_of(".e") == std::string::npos) body += ".0";
    } else if (spec.type == '%') {
        body = with_groups(c_format('f', precision, magnitude * 100, false), spec) + "%";
    } else if (std::string_view("eEfFgGn").find(spec.type) != std::string_view::npos) {
        body = with_groups(c_format(spec.type == 'n' ? 'g' : spec.type, precision, magnitude, spec.alternate), spec);
    } else {
        throw Error(fmt::format("a number with a fraction has no format '{}'", spec.type));
    }
    return padded(sign, std::move(body), spec, spec.align ? spec.align : '>');
}

std::string of_integer(std::int64_t number, const Spec& spec) {
    if (std::string_view("eEfFgG%").find(spec.type ? spec.type : 'd') != std::string_view::npos)
        return of_real(static_cast<double>(number), spec);
    if (spec.precision) throw Error("a whole number has no precision");
    if (spec.type == 'c') {
        if (number < 0 || number > 0x10FFFF || (number >> 11) == 0x1B) throw Error("this number is no character");
        std::string body;
        append_utf8(body, static_cast<std::uint32_t>(number));
        return padded("", std::move(body), spec, spec.align ? spec.align : '<');
    }
    const auto magnitude = number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    std::string body, sign = sign_of(number < 0, spec.sign);
    switch (spec.type) {
        case 0:
        case 'd':
        case 'n': body = with_groups(std::to_string(magnitude), spec); break;
        case 'x': body = with_groups(fmt::format("{:x}", magnitude), spec, 4); break;
        case 'X': body = with_groups(fmt::format("{:X}", magnitude), spec, 4); break;
        case 'o': body = with_groups(fmt::format("{:o}", magnitude), spec, 4); break;
        case 'b': body = with_groups(fmt::format("{:b}", magnitude), spec, 4); break;
        default: throw Error(fmt::format("a number has no format '{}'", spec.type));
    }
    if (spec.alternate && spec.type && spec.type != 'd' && spec.type != 'n') sign += '0', sign += spec.type;
    return padded(sign, std::move(body), spec, spec.align ? spec.align : '>');
}

std::string of_text(const std::string& text, const Spec& spec) {
    if ((spec.type && spec.type != 's') || spec.align == '=' || spec.group)
        throw Error("this format is one of numbers, and what it is for is a text");
    std::string body = text;
    if (spec.precision) {
        const auto all = characters_of(text);
        body.clear();
        for (std::size_t i = 0; i < std::min(all.size(), *spec.precision); ++i) body += all[i];
    }
    return padded("", std::move(body), spec, spec.align ? spec.align : '<');
}

std::string formatted(const Datum& datum, std::string_view text, Budget& budget) {
    require(datum);
    if (text.empty()) return text_of(datum, budget);
    const Spec spec = parse_spec(text);
    if (datum.is(Datum::Kind::boolean) && spec.type == 0 && !datum.written()) return of_integer(datum.integer(), spec);
    if (datum.is_integral()) return of_integer(datum.integer(), spec);
    if (datum.is(Datum::Kind::real)) return of_real(datum.real(), spec);
    if (!datum.is_text()) throw Error(fmt::format("{} has no such format", name_of(datum)));
    return of_text(datum.text(), spec);
}

// ---- percent

class Percent {
public:
    Percent(const Datum& format, const Datum& arguments, Budget& budget)
        : rest_(format.text()), arguments_(arguments), budget_(budget), markup_(format.markup()) {}

    std::string run() {
        while (!rest_.empty()) {
            const auto sign = std::min(rest_.find('%'), rest_.size());
            out_ += rest_.substr(0, sign);
            rest_.remove_prefix(sign);
            if (!rest_.empty()) rest_.remove_prefix(1), one();
            budget_.fits(out_.size());
        }
        const bool all = !arguments_.is_tuple() ? used_ > 0 || arguments_.is_map() || arguments_.is_list()
                                                : used_ >= arguments_.size();
        if (!all) throw Error("not all values have a place in this format").help("each %s takes one");
        return std::move(out_);
    }

private:
    Datum next() {
        if (!arguments_.is_tuple()) {
            if (used_++ > 0) throw Error("this format has more places than values");
            return arguments_;
        }
        if (used_ >= arguments_.size()) throw Error("this format has more places than values");
        return arguments_.at(used_++);
    }

    std::size_t width() {
        if (!rest_.starts_with('*')) return number_at(rest_);
        rest_.remove_prefix(1);
        const Datum number = next();
        if (!number.is_integral()) throw Error("'*' takes a whole number");
        if (number.integer() < 0) left_ = true;
        const auto size = static_cast<std::size_t>(number.integer() < 0 ? -number.integer() : number.integer());
        if (size > widest) throw Error("this format is too wide");
        return size;
    }

    void one() {
        std::optional<Datum> named;
        if (rest_.starts_with('(')) {
            const auto end = rest_.find(')');
            if (end == std::string_view::npos) throw Error("this format has a '(' without ')'");
            if (!arguments_.is_map()) throw Error("this format takes a mapping");
            named = arguments_.find(rest_.substr(1, end - 1));
            if (!named)
                throw Error(fmt::format("there is no '{}' for this format", printable(rest_.substr(1, end - 1))));
            rest_.remove_prefix(end + 1);
        }
        Spec spec;
        left_ = false;
        for (; !rest_.empty() && std::string_view("#0- +").find(rest_[0]) != std::string_view::npos;
             rest_.remove_prefix(1)) {
            if (rest_[0] == '#') spec.alternate = true;
            if (rest_[0] == '0') spec.zero = true;
            if (rest_[0] == '-') left_ = true;
            if (rest_[0] == '+' || (rest_[0] == ' ' && spec.sign != '+')) spec.sign = rest_[0];
        }
        spec.width = width();
        if (rest_.starts_with('.')) rest_.remove_prefix(1), spec.precision = width();
        while (!rest_.empty() && std::string_view("hlL").find(rest_[0]) != std::string_view::npos)
            rest_.remove_prefix(1);
        if (rest_.empty()) throw Error("this format ends too early").help("write %% for a percent sign");
        const char type = rest_[0];
        rest_.remove_prefix(1);
        if (type == '%') return void(out_ += '%');
        if (std::string_view("diuoxXeEfFgGcrsa").find(type) == std::string_view::npos)
            throw Error(fmt::format("'%{}' is no format", type)).help("write %% for a percent sign");
        out_ += value(named ? *named : next(), spec, type);
    }

    std::string value(const Datum& datum, Spec spec, char type) {
        require(datum);
        if (type == 's' && markup_) return cut(datum.markup() ? datum.text() : escaped(text_of(datum, budget_)), spec);
        if (type == 's' || type == 'r' || type == 'a')
            return cut(type == 's' ? text_of(datum, budget_) : repr_of(datum, budget_), spec);
        if (type == 'c') {
            if (datum.is_text() && characters(datum.text()) == 1) return cut(datum.text(), spec);
            if (!datum.is_integral()) throw Error("%c takes a number or one character");
            spec.type = 'c', spec.precision.reset();
            spec.align = left_ ? '<' : '>';
            return of_integer(datum.integer(), spec);
        }
        if (!datum.is_number())
            throw Error(fmt::format("%{} takes a number, found {}", type, name_of(datum)))
                .help("write %s, or make it one: x | int");
        spec.align = left_ ? '<' : spec.zero ? '=' : '>';
        if (spec.zero && !left_) spec.fill = "0";
        if (std::string_view("eEfFgG").find(type) != std::string_view::npos)
            return spec.type = type, of_real(datum.real(), spec);
        if (datum.is(Datum::Kind::real) && (type == 'x' || type == 'X' || type == 'o'))
            throw Error(fmt::format("%{} takes a whole number", type));
        if (datum.is(Datum::Kind::real) && !(std::fabs(datum.real()) < 9e18))
            throw Error("this number does not fit in 64 bits");
        const auto number = datum.is_integral() ? datum.integer() : static_cast<std::int64_t>(datum.real());
        spec.type = type == 'i' || type == 'u' ? 'd' : type;
        const auto digits = std::exchange(spec.precision, std::nullopt);
        if (!digits) return of_integer(number, spec);
        Spec bare;
        bare.type = spec.type, bare.width = *digits, bare.fill = "0", bare.align = '=';
        std::string body = of_integer(number < 0 ? -number : number, bare);
        if (spec.align == '=') spec.fill = "0";
        return padded(sign_of(number < 0, spec.sign), std::move(body), spec, spec.align);
    }

    std::string cut(const std::string& text, Spec spec) const {
        spec.type = 's', spec.align = left_ ? '<' : '>';
        return of_text(text, spec);
    }

    std::string_view rest_;
    const Datum& arguments_;
    Budget& budget_;
    std::string out_;
    std::size_t used_ = 0;
    bool left_ = false, markup_;
};

// ---- braces

class Braces {
public:
    Braces(Evaluator& evaluator, Arguments& arguments) : evaluator_(evaluator), arguments_(arguments) {}

    std::string run(std::string_view text, int depth = 0) {
        if (depth > 2) throw Error("this format is nested too deeply");
        std::string out;
        while (!text.empty()) {
            const auto brace = std::min(text.find_first_of("{}"), text.size());
            out += text.substr(0, brace);
            text.remove_prefix(brace);
            if (text.empty()) break;
            if (text.size() > 1 && text[1] == text[0]) {
                out += text[0];
                text.remove_prefix(2);
                continue;
            }
            if (text[0] == '}') throw Error("this format has a '}' too many").help("write }} for a brace");
            out += field(text, depth);
            evaluator_.budget().fits(out.size());
        }
        return out;
    }

private:
    std::string field(std::string_view& text, int depth) {
        std::size_t end = 1;
        for (int open = 1; open; ++end) {
            if (end >= text.size()) throw Error("this format has a '{' without '}'").help("write {{ for a brace");
            open += text[end] == '{' ? 1 : text[end] == '}' ? -1 : 0;
        }
        std::string_view inside = text.substr(1, end - 2);
        text.remove_prefix(end);
        const auto colon = std::min(inside.find(':'), inside.size());
        auto name = inside.substr(0, colon);
        char conversion = 0;
        if (const auto mark = name.find('!'); mark != std::string_view::npos) {
            if (mark + 2 != name.size()) throw Error("'!' is followed by r or s");
            conversion = name[mark + 1], name = name.substr(0, mark);
        }
        Datum datum = value(name);
        const std::string spec = colon < inside.size() ? run(inside.substr(colon + 1), depth + 1) : "";
        if (conversion == 'r' || conversion == 'a')
            datum = Datum::of(repr_of(datum, evaluator_.budget()));
        else if (conversion == 's')
            datum = Datum::of(evaluator_.text(datum));
        else if (conversion)
            throw Error("'!' is followed by r or s");
        return formatted(datum, spec, evaluator_.budget());
    }

    Datum value(std::string_view name) {
        const auto end = std::min(name.find_first_of(".["), name.size());
        const std::string first(name.substr(0, end));
        name.remove_prefix(end);
        Datum at = first_value(first);
        while (!name.empty()) {
            if (name[0] == '.') {
                const auto stop = std::min(name.find_first_of(".[", 1), name.size());
                at = evaluator_.attribute(at, std::string(name.substr(1, stop - 1)));
                if (at.is_undefined() || stop == 1) throw Error("this format asks for what is not there");
                name.remove_prefix(stop);
                continue;
            }
            const auto stop = name.find(']');
            if (name[0] != '[' || stop == std::string_view::npos || stop == 1)
                throw Error("this format has a '[' without ']'");
            const std::string key(name.substr(1, stop - 1));
            const bool counts = key.size() < 10 && key.find_first_not_of("0123456789") == std::string::npos;
            at = evaluator_.item(at, counts ? Datum::of(std::int64_t{std::stol(key)}) : Datum::of(key));
            require(at);
            name.remove_prefix(stop + 1);
        }
        return at;
    }

    Datum first_value(const std::string& name) {
        if (name.empty() || name.find_first_not_of("0123456789") == std::string::npos) {
            const bool counted = name.empty();
            if (counted ? numbered_ : next_ > 0) throw Error("'{}' and '{0}' can not be mixed in one format");
            if (!counted) numbered_ = true;
            if (name.size() > 9) throw Error("this format has more places than values");
            const std::size_t at = counted ? next_++ : static_cast<std::size_t>(std::stol(name));
            if (at >= arguments_.positional.size()) throw Error("this format has more places than values");
            return arguments_.positional[at];
        }
        for (const auto& [held, datum] : arguments_.named)
            if (held == name) return datum;
        throw Error(fmt::format("there is no '{}' for this format", printable(name)));
    }

    Evaluator& evaluator_;
    Arguments& arguments_;
    std::size_t next_ = 0;
    bool numbered_ = false;
};

}  // namespace

Datum format_percent(const Datum& format, const Datum& arguments, Budget& budget) {
    return Datum::of(Percent(format, arguments, budget).run(), format.markup());
}

std::string format_braces(const std::string& format, Evaluator& evaluator, Arguments& arguments) {
    return Braces(evaluator, arguments).run(format);
}

}  // namespace chaos::language
