// SPDX-License-Identifier: Apache-2.0
#include "gvariant.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace chaos::resources {
namespace {

/// Types of numbers, as GVariant writes them before one; int32 and double need no word.
constexpr std::array<std::string_view, 9> numbers{"int32",  "double", "byte",   "int16", "uint16",
                                                  "uint32", "int64",  "uint64", "handle"};

bool is_number(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.empty() || !is_digit(text.front()) || !is_digit(text.back())) return false;
    return std::count(text.begin(), text.end(), '.') <= 1 &&
           std::all_of(text.begin(), text.end(), [&](char c) { return is_digit(c) || c == '.'; });
}

bool is_word(std::string_view text) {
    return text == "true" || text == "false" || is_number(text);
}

/// A text as g_variant_print writes it.
std::string in_quotes(std::string_view text) {
    const char quote = text.find('\'') == text.npos ? '\'' : '"';
    std::string out(1, quote);
    for (const char c : text) {
        switch (c) {
            case '\n': out += "\\n"; break;
            case '\t': out += "\\t"; break;
            case '\r': out += "\\r"; break;
            case '\a': out += "\\a"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            case '\v': out += "\\v"; break;
            case '\\': out += "\\\\"; break;
            default:
                if (c == quote)
                    (out += '\\') += c;
                else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
                    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                else
                    out += c;
        }
    }
    return out += quote;
}

void append_character(std::string& out, unsigned code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | (code >> 6));
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        out += static_cast<char>(0xe0 | (code >> 12));
        out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    }
}

Error no_variant(std::string_view text, std::string_view why) {
    return Error(fmt::format("this is no GVariant: {}: '{}'", why, text))
        .help("write it as dconf read prints it: uint32 5, [('xkb', 'us')], @as []");
}

/// Takes a text in quotes off the front.
std::string take_quoted(std::string_view& rest, std::string_view whole) {
    const char quote = rest.front();
    std::string out;
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] == quote) {
            rest.remove_prefix(i + 1);
            return out;
        }
        if (rest[i] != '\\') {
            out += rest[i];
            continue;
        }
        if (++i == rest.size()) break;
        constexpr std::string_view escapes = "ntrabfv", meant = "\n\t\r\a\b\f\v";
        if (rest[i] == 'u' && i + 4 < rest.size()) {
            unsigned code = 0;
            for (const char digit : rest.substr(i + 1, 4)) {
                const auto value = std::string_view("0123456789abcdef").find(static_cast<char>(digit | 0x20));
                if (value == std::string_view::npos) throw no_variant(whole, "\\u wants four digits");
                code = code * 16 + static_cast<unsigned>(value);
            }
            append_character(out, code);
            i += 4;
        } else {
            const auto at = escapes.find(rest[i]);
            out += at == escapes.npos ? rest[i] : meant[at];
        }
    }
    throw no_variant(whole, "a quote is not closed");
}

/// The text of what is nothing but one in quotes.
std::optional<std::string> text_in(std::string_view variant) {
    if (!variant.starts_with('\'') && !variant.starts_with('"')) return std::nullopt;
    auto rest = variant;
    auto text = take_quoted(rest, variant);
    return rest.empty() ? std::optional(std::move(text)) : std::nullopt;
}

/// The texts of what is nothing but a list of them.
std::optional<std::vector<std::string>> texts_in(std::string_view variant) {
    if (variant == "@as []") return std::vector<std::string>();
    if (!variant.starts_with("['") && !variant.starts_with("[\"")) return std::nullopt;
    std::vector<std::string> texts;
    auto rest = variant.substr(1);
    while (rest.starts_with('\'') || rest.starts_with('"')) {
        texts.push_back(take_quoted(rest, variant));
        if (rest == "]") return texts;
        if (rest.starts_with(", ")) rest.remove_prefix(2);
    }
    return std::nullopt;
}

}  // namespace

std::string clean_variant(std::string_view text) {
    std::string out, open;
    for (std::string_view rest = text; !rest.empty();) {
        const char c = rest.front();
        const bool begins = out.empty() || std::string_view("([{<").find(out.back()) != std::string_view::npos;
        if (c == ' ' || c == '\t' || c == '\n') {
            rest.remove_prefix(1);
            const bool ends =
                rest.empty() || std::string_view(")]}>,: \t\n").find(rest.front()) != std::string_view::npos;
            if (!begins && !ends && out.back() != ' ') out += ' ';
            continue;
        }
        if (c == '\'' || c == '"') {
            out += in_quotes(take_quoted(rest, text));
            continue;
        }
        rest.remove_prefix(1);
        if (c == '(' || c == '[' || c == '{' || c == '<') open += c;
        if (c == ')' || c == ']' || c == '}' || c == '>') {
            const char match = c == ')' ? '(' : c == ']' ? '[' : c == '}' ? '{' : '<';
            if (open.empty() || open.back() != match) throw no_variant(text, fmt::format("'{}' closes nothing", c));
            open.pop_back();
        }
        out += c;
        const bool one_of = c == ',' && rest == ")";  // (1,) is a tuple of one
        if ((c == ',' && !one_of) || (c == ':' && !open.empty())) out += ' ';
    }
    if (!open.empty()) throw no_variant(text, fmt::format("'{}' is not closed", open.back()));
    if (out.empty()) throw no_variant(text, "it is empty");
    return out;
}

std::string_view type_of(const Variant& variant) {
    const std::string_view text = variant.text;
    if (text_in(text)) return "string";
    if (texts_in(text)) return "strings";
    if (text == "true" || text == "false") return "boolean";
    if (is_number(text)) return text.find('.') == text.npos ? "int32" : "double";
    const auto space = text.find(' ');
    if (space != text.npos && is_number(text.substr(space + 1)))
        for (const auto type : numbers)
            if (text.substr(0, space) == type) return type;
    return {};
}

Variant typed(const Variant& said, std::string_view type, Place where) {
    const auto is = type_of(said);
    if (type.empty() || type == is || is.empty()) return said;
    const auto wrong = [&] {
        return Error(where, fmt::format("expected a value of the type {}, found {}", type, said.text))
            .help("give it one of that type, or write {variant: TEXT} as dconf read prints it");
    };
    if (type == "string") {
        if (is == "strings") throw wrong();
        return {in_quotes(said.text)};
    }
    if (is != "int32" && !(is == "double" && type == "double")) throw wrong();
    if (type == "double") return {said.text + ".0"};
    if (std::find(numbers.begin(), numbers.end(), type) == numbers.end()) throw wrong();
    if (said.text.starts_with('-') && (type.starts_with('u') || type == "byte")) throw wrong();
    if (type == "byte") {
        const int number = said.text.size() > 3 ? 256 : std::stoi(said.text);
        if (number > 255) throw wrong();
        return {fmt::format("byte 0x{:02x}", number)};
    }
    return {fmt::format("{} {}", type, said.text)};
}

}  // namespace chaos::resources

chaos::resources::Variant chaos::Codec<chaos::resources::Variant>::decode(const Value& value) {
    using namespace resources;
    const auto one = [](const Value& scalar) {
        return is_word(scalar.text()) ? scalar.text() : in_quotes(scalar.text());
    };
    if (value.is_text()) return {one(value)};
    if (value.is_list()) {
        std::string list;
        for (const Value& item : value.list()) list += (list.empty() ? "" : ", ") + one(item);
        return {list.empty() ? "@as []" : "[" + list + "]"};
    }
    if (value.is_map() && value.map().size() == 1 && value.map()[0].key.text() == "variant") try {
            return {clean_variant(value.map()[0].value.text())};
        } catch (Error& error) {
            if (!error.where) error.where = value.where;
            throw;
        }
    throw Error(value.where,
                fmt::format("expected true or false, a number, a text or a list, found {}", kind_of(value)))
        .help("all else is written as dconf read prints it: {value: {variant: \"{'a': <1>}\"}}");
}

chaos::Value chaos::Codec<chaos::resources::Variant>::encode(const resources::Variant& variant) {
    using namespace resources;
    if (is_word(variant.text)) return Value(variant.text);
    if (const auto text = text_in(variant.text); text && !is_word(*text) && !text->empty()) return Value(*text);
    if (const auto texts = texts_in(variant.text); texts && std::none_of(texts->begin(), texts->end(), is_word))
        return Value(Value::List(texts->begin(), texts->end()));
    return Value(Value::Map{{Value(std::string("variant")), Value(variant.text)}});
}
