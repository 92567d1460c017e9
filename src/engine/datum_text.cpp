// SPDX-License-Identifier: Apache-2.0
// How values print: as Python prints them, but for what the manifest wrote.
#include <fmt/format.h>
#include <charconv>
#include <cmath>
#include "datum.hpp"
#include "utf8.hpp"

namespace chaos::language {

namespace {

/// The code at a byte of valid UTF-8, and how many bytes it has.
std::uint32_t code_at(std::string_view text, std::size_t at, std::size_t& size) {
    const auto byte = [&](std::size_t i) {
        return static_cast<unsigned char>(at + i < text.size() ? text[at + i] : 0);
    };
    const unsigned first = byte(0);
    size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (size == 1) return first;
    std::uint32_t code = first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) code = code << 6 | (byte(i) & 0x3FU);
    return code;
}

bool is_shown(std::uint32_t code) {
    if (code < 0x20 || (code >= 0x7F && code <= 0xA0) || code == 0xAD) return false;
    if ((code >= 0x2000 && code <= 0x200F) || (code >= 0x2028 && code <= 0x202F)) return false;
    if ((code >= 0x205F && code <= 0x206F) || code == 0x3000 || code == 0xFEFF) return false;
    return !(code >= 0xE000 && code <= 0xF8FF) && code < 0xE0000;
}

/// A text between quotes, as Python writes it.
void quote(std::string& out, std::string_view text) {
    const bool single = text.find('\'') == std::string_view::npos || text.find('"') != std::string_view::npos;
    const char mark = single ? '\'' : '"';
    out += mark;
    for (std::size_t at = 0, size = 0; at < text.size(); at += size) {
        const auto code = code_at(text, at, size);
        if (code == '\\' || code == static_cast<unsigned char>(mark))
            out += '\\', out += static_cast<char>(code);
        else if (code == '\n')
            out += "\\n";
        else if (code == '\r')
            out += "\\r";
        else if (code == '\t')
            out += "\\t";
        else if (is_shown(code))
            out += text.substr(at, size);
        else if (code < 0x100)
            out += fmt::format("\\x{:02x}", code);
        else
            out += code < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
    }
    out += mark;
}

class Writer {
public:
    explicit Writer(Budget& budget) : budget_(budget) {}
    std::string out;

    void repr(const Datum& datum) {
        budget_.spend(1);
        if (out.size() > Budget::longest_text) budget_.text(out.size());
        if (datum.is_text()) return quote_text(datum);
        if (datum.is_list() || datum.is_map()) {
            const Budget::Level level(budget_);
            return datum.is_list() ? list(datum) : map(datum);
        }
        plain(datum);
    }

    void plain(const Datum& datum) {
        if (const std::string* written = datum.written()) return void(out += *written);
        switch (datum.kind()) {
            case Datum::Kind::undefined: require(datum); break;
            case Datum::Kind::none: out += "None"; break;
            case Datum::Kind::boolean: out += datum.boolean() ? "True" : "False"; break;
            case Datum::Kind::integer: out += std::to_string(datum.integer()); break;
            case Datum::Kind::real: out += text_of(datum.real()); break;
            case Datum::Kind::object: out += datum.object().text(); break;
            default: break;
        }
    }

private:
    void quote_text(const Datum& datum) {
        if (datum.markup()) out += "Markup(";
        quote(out, datum.text());
        if (datum.markup()) out += ')';
    }

    void list(const Datum& datum) {
        using Form = Datum::Form;
        const Form form = datum.form();
        if (form == Form::range) return range(datum);
        const std::string_view name = form == Form::keys     ? "dict_keys("
                                      : form == Form::values ? "dict_values("
                                      : form == Form::items  ? "dict_items("
                                                             : "";
        const bool tuple = datum.is_tuple();
        out.append(name).append(tuple ? "(" : "[");
        for (std::size_t i = 0; i < datum.size(); ++i) {
            if (i) out += ", ";
            repr(datum.at(i));
        }
        if (tuple && datum.size() == 1) out += ',';
        out.append(tuple ? ")" : "]").append(name.empty() ? "" : ")");
    }

    void range(const Datum& datum) {
        const auto size = static_cast<std::int64_t>(datum.size());
        const auto first = size ? datum.at(0).integer() : 0;
        const auto step = size > 1 ? datum.at(1).integer() - first : 1;
        out += fmt::format("range({}, {}", first, first + size * step);
        out += step == 1 ? ")" : fmt::format(", {})", step);
    }

    void map(const Datum& datum) {
        out += '{';
        for (std::size_t i = 0; i < datum.size(); ++i) {
            if (i) out += ", ";
            repr(datum.key_at(i));
            out += ": ";
            repr(datum.at(i));
        }
        out += '}';
    }

    Budget& budget_;
};

}  // namespace

std::string text_of(double number) {
    if (std::isnan(number)) return "nan";
    if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
    char digits[400];
    const auto scientific = std::to_chars(digits, digits + sizeof digits, number, std::chars_format::scientific);
    const std::string_view shortest(digits, static_cast<std::size_t>(scientific.ptr - digits));
    const auto mark = shortest.find('e');
    int exponent = 0;
    const char* sign = shortest.data() + mark + (shortest[mark + 1] == '+' ? 2 : 1);
    std::from_chars(sign, shortest.data() + shortest.size(), exponent);
    if (number != 0 && (exponent < -4 || exponent >= 16)) return std::string(shortest);
    const auto fixed = std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed);
    std::string text(digits, fixed.ptr);
    if (text.find('.') == std::string::npos) text += ".0";
    return text;
}

std::string repr_of(const Datum& datum, Budget& budget) {
    Writer writer(budget);
    writer.repr(datum);
    budget.text(writer.out.size());
    return std::move(writer.out);
}

std::string text_of(const Datum& datum, Budget& budget) {
    if (datum.is_text()) return datum.text();
    return repr_of(datum, budget);
}

bool looks_like_number(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    const auto whole = std::min(text.find('.'), text.size());
    const auto digits = [](std::string_view part) {
        return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    };
    if (!digits(text.substr(0, whole)) || (whole > 1 && text[0] == '0')) return false;
    return whole == text.size() || digits(text.substr(whole + 1));
}

}  // namespace chaos::language
