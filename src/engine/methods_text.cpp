// SPDX-License-Identifier: Apache-2.0
// The methods of a text, as Python has them.
#include <fmt/format.h>
#include <algorithm>
#include "filters.hpp"
#include "methods.hpp"
#include "utf8.hpp"

namespace chaos::language {

namespace {

constexpr auto npos = std::string_view::npos;

Datum list_of(const std::vector<std::string_view>& parts) {
    List list;
    for (const auto part : parts) list.push_back(Datum::of(part));
    return Datum::of(std::move(list));
}

/// What an argument of a text method is to be: a text.
std::string words(const Call& call, std::size_t i) {
    if (!call.given[i] || !call.at(i).is_text())
        throw Error(fmt::format("'{}' takes a text here, found {}", call.name,
                                call.given[i] ? name_of(call.at(i)) : "nothing"));
    return call.at(i).text();
}

std::vector<std::string_view> split_blanks(std::string_view text, std::int64_t most, bool from_right) {
    std::vector<std::string_view> parts;
    text = from_right ? stripped(text, "", false, true) : stripped(text, "", true, false);
    while (!text.empty()) {
        if (most >= 0 && static_cast<std::int64_t>(parts.size()) == most) {
            parts.push_back(text);
            break;
        }
        if (from_right) {
            std::size_t at = text.size();
            while (at > 0) {
                std::size_t before = at - 1;
                while (before > 0 && (static_cast<unsigned char>(text[before]) & 0xC0) == 0x80) --before;
                std::size_t end = before;
                if (is_space(decode_utf8(text, end))) break;
                at = before;
            }
            parts.push_back(text.substr(at));
            text = stripped(text.substr(0, at), "", false, true);
        } else {
            std::size_t at = 0;
            while (at < text.size()) {
                std::size_t end = at;
                if (is_space(decode_utf8(text, end))) break;
                at = end;
            }
            parts.push_back(text.substr(0, at));
            text = stripped(text.substr(at), "", true, false);
        }
    }
    if (from_right) std::reverse(parts.begin(), parts.end());
    return parts;
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view mark, std::int64_t most,
                                       bool from_right) {
    if (mark.empty()) throw Error("a text can not be split at nothing");
    std::vector<std::string_view> parts;
    while (most < 0 || static_cast<std::int64_t>(parts.size()) < most) {
        const auto at = from_right ? text.rfind(mark) : text.find(mark);
        if (at == npos) break;
        parts.push_back(from_right ? text.substr(at + mark.size()) : text.substr(0, at));
        text = from_right ? text.substr(0, at) : text.substr(at + mark.size());
    }
    parts.push_back(text);
    if (from_right) std::reverse(parts.begin(), parts.end());
    return parts;
}

Datum split(Call& call, bool from_right) {
    const std::string text = call.own_text();
    call.budget().spend(text.size());
    const auto most = call.integer(1, -1);
    if (!call.has(0)) return list_of(split_blanks(text, most, from_right));
    return list_of(split_at(text, words(call, 0), most, from_right));
}

Datum partition(Call& call, bool from_right) {
    const std::string text = call.own_text(), mark = words(call, 0);
    if (mark.empty()) throw Error("a text can not be split at nothing");
    const auto at = from_right ? text.rfind(mark) : text.find(mark);
    List parts;
    if (at == std::string::npos) {
        parts = {Datum::of(text), Datum::of(""), Datum::of("")};
        if (from_right) std::swap(parts[0], parts[2]);
    } else {
        parts = {Datum::of(text.substr(0, at)), Datum::of(mark), Datum::of(text.substr(at + mark.size()))};
    }
    return Datum::of(std::move(parts), Datum::Form::tuple);
}

/// start and end of a text method, as bytes.
std::pair<std::size_t, std::size_t> span_of(const Call& call, const std::string& text, std::size_t first) {
    const auto all = characters_of(text);
    const auto size = static_cast<std::int64_t>(all.size());
    const auto place = [&](std::size_t i, std::int64_t otherwise) {
        std::int64_t at = call.has(i) ? call.integer(i) : otherwise;
        if (at < 0) at = std::max<std::int64_t>(at + size, 0);
        return at;
    };
    const auto from = place(first, 0), to = std::min(place(first + 1, size), size);
    const auto byte = [&](std::int64_t at) {
        return at >= size ? text.size()
                          : static_cast<std::size_t>(all[static_cast<std::size_t>(at)].data() - text.data());
    };
    if (from > size || from > to) return {npos, 0};
    return {byte(from), byte(to)};
}

std::int64_t find_in(const Call& call, bool from_right) {
    const std::string text = call.own_text(), wanted = words(call, 0);
    const auto [from, to] = span_of(call, text, 1);
    if (from == npos) return -1;
    const auto part = std::string_view(text).substr(from, to - from);
    const auto at = from_right ? part.rfind(wanted) : part.find(wanted);
    return at == npos ? -1 : static_cast<std::int64_t>(characters(std::string_view(text).substr(0, from + at)));
}

Datum index_in(const Call& call, bool from_right) {
    const auto at = find_in(call, from_right);
    if (at < 0) throw Error("the text looked for is not there").help("find() gives -1 where it is not");
    return Datum::of(at);
}

Datum begins_or_ends(const Call& call, bool ends) {
    const std::string text = call.own_text();
    const auto [from, to] = span_of(call, text, 1);
    if (from == npos) return Datum::of(false);
    const auto part = std::string_view(text).substr(from, to - from);
    const auto one = [&](const Datum& wanted) {
        if (!wanted.is_text()) throw Error(fmt::format("'{}' takes a text, found {}", call.name, name_of(wanted)));
        return ends ? part.ends_with(wanted.text()) : part.starts_with(wanted.text());
    };
    if (!call.at(0).is_tuple()) return Datum::of(one(call.at(0)));
    for (std::size_t i = 0; i < call.at(0).size(); ++i)
        if (one(call.at(0).at(i))) return Datum::of(true);
    return Datum::of(false);
}

Datum strip(const Call& call, bool left, bool right) {
    const std::string text = call.own_text();
    const std::string which = call.has(0) ? words(call, 0) : "";
    if (call.has(0) && which.empty()) return Datum::of(text);
    if (first_beyond_ascii(which) == npos) return Datum::of(stripped(text, which, left, right));
    return Datum::of(stripped(text, which, left, right));
}

Datum adjusted(const Call& call, char align) {
    const std::string text = call.own_text(), fill = call.has(1) ? words(call, 1) : " ";
    if (characters(fill) != 1) throw Error("what fills is one character");
    const auto size = static_cast<std::int64_t>(characters(text));
    const auto missing = std::max<std::int64_t>(call.integer(0) - size, 0);
    call.budget().text(static_cast<std::size_t>(std::min<std::int64_t>(missing, 1 << 26)) * fill.size());
    // Python's str.center puts the odd one left where both sizes are odd
    const auto left = align == '<' ? 0 : align == '>' ? missing : missing / 2 + (missing & call.integer(0) & 1);
    std::string out;
    for (std::int64_t i = 0; i < left; ++i) out += fill;
    out += text;
    for (std::int64_t i = left; i < missing; ++i) out += fill;
    return Datum::of(std::move(out));
}

Datum zero_filled(const Call& call) {
    const std::string text = call.own_text();
    const auto missing = call.integer(0) - static_cast<std::int64_t>(characters(text));
    if (missing <= 0) return Datum::of(text);
    call.budget().text(static_cast<std::size_t>(std::min<std::int64_t>(missing, 1 << 26)));
    const std::size_t sign = text.starts_with('-') || text.starts_with('+');
    return Datum::of(text.substr(0, sign) + std::string(static_cast<std::size_t>(missing), '0') + text.substr(sign));
}

Datum joined(const Call& call) {
    std::string out;
    const std::string between = call.own_text();
    bool first = true;
    for (const Datum& item : items_of(call.at(0), call.budget())) {
        if (!item.is_text())
            throw Error(fmt::format("join takes texts, found {}", name_of(item))).help("x | join(', ') takes anything");
        if (!std::exchange(first, false)) out += between;
        out += item.text();
        call.budget().fits(out.size());
    }
    return Datum::of(std::move(out));
}

Datum lines(const Call& call) {
    const std::string text = call.own_text();
    const bool keep = call.flag(0, false);
    List out;
    for (std::size_t from = 0; from < text.size();) {
        std::size_t at = from, next = from;
        while (at < text.size()) {
            next = at;
            const auto code = decode_utf8(text, next);
            if ((code >= 10 && code <= 13) || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
                code == 0x2029)
                break;
            at = next;
        }
        if (at < text.size() && text[at] == '\r' && next < text.size() && text[next] == '\n') ++next;
        out.push_back(Datum::of(text.substr(from, (keep ? next : at) - from)));
        if (at >= text.size()) break;
        from = next;
    }
    return Datum::of(std::move(out));
}

Datum tabs_expanded(const Call& call) {
    const auto width = call.integer(0, 8);
    std::string out;
    std::int64_t column = 0;
    const std::string text = call.own_text();
    for (const auto character : characters_of(text)) {
        if (character == "\t") {
            const auto blanks = width > 0 ? width - column % width : 0;
            call.budget().fits(out.size() + static_cast<std::size_t>(blanks));
            out.append(static_cast<std::size_t>(blanks), ' '), column += blanks;
        } else {
            out += character, column = character == "\n" || character == "\r" ? 0 : column + 1;
        }
        call.budget().fits(out.size());
    }
    return Datum::of(std::move(out));
}

template <class Is>
Datum all_are(const Call& call, Is is, bool of_nothing = false) {
    const std::string text = call.own_text();
    if (text.empty()) return Datum::of(of_nothing);
    for (std::size_t at = 0; at < text.size();)
        if (!is(decode_utf8(text, at))) return Datum::of(false);
    return Datum::of(true);
}

bool is_letter(std::uint32_t code) {
    return letter_of(code) != Letter::none;
}
bool is_digit(std::uint32_t code) {
    return code >= '0' && code <= '9';
}

/// Whether there are letters, and all of them are of this case.
Datum cased(const Call& call, Letter wanted) {
    const std::string text = call.own_text();
    bool any = false;
    for (std::size_t at = 0; at < text.size();) {
        const Letter letter = letter_of(decode_utf8(text, at));
        if (letter != Letter::upper && letter != Letter::lower) continue;
        if (letter != wanted) return Datum::of(false);
        any = true;
    }
    return Datum::of(any);
}

Datum is_title(const Call& call) {
    const std::string text = call.own_text();
    bool any = false, inside = false;
    for (std::size_t at = 0; at < text.size();) {
        const Letter letter = letter_of(decode_utf8(text, at));
        if ((letter == Letter::upper && inside) || (letter == Letter::lower && !inside)) return Datum::of(false);
        inside = letter == Letter::upper || letter == Letter::lower;
        any |= inside;
    }
    return Datum::of(any);
}

Datum is_identifier(const Call& call) {
    const std::string text = call.own_text();
    return Datum::of(
        !text.empty() && !is_digit(static_cast<unsigned char>(text[0])) &&
        all_are(call, [](std::uint32_t code) { return is_letter(code) || is_digit(code) || code == '_'; }).boolean());
}

Datum replaced(const Call& call) {
    const std::string text = call.own_text(), old = words(call, 0), now = words(call, 1);
    return Datum::of(replace_in(text, old, now, call.integer(2, -1), call.budget()));
}

Datum without_prefix(const Call& call, bool suffix) {
    std::string text = call.own_text();
    const std::string part = words(call, 0);
    if (suffix ? text.ends_with(part) : text.starts_with(part))
        text.erase(suffix ? text.size() - part.size() : 0, part.size());
    return Datum::of(std::move(text));
}

Datum counted(const Call& call) {
    const std::string text = call.own_text(), wanted = words(call, 0);
    const auto [from, to] = span_of(call, text, 1);
    if (from == npos) return Datum::of(std::int64_t{0});
    const auto part = std::string_view(text).substr(from, to - from);
    if (wanted.empty()) return Datum::of(static_cast<std::int64_t>(characters(part) + 1));
    std::int64_t count = 0;
    for (auto at = part.find(wanted); at != npos; at = part.find(wanted, at + wanted.size())) ++count;
    return Datum::of(count);
}

Datum formatted(Call& call) {
    return Datum::of(format_braces(call.own_text(), call.evaluator, call.rest));
}

constexpr Method methods[] = {
    {"capitalize", "", [](Call& c) { return Datum::of(capitalized(c.own_text())); }},
    {"casefold", "", [](Call& c) { return Datum::of(replace_in(lower(c.own_text()), "ß", "ss", -1, c.budget())); }},
    {"center", "width, fillchar=' '", [](Call& c) { return adjusted(c, '^'); }},
    {"count", "sub, start=none, end=none", [](Call& c) { return counted(c); }},
    {"endswith", "suffix, start=none, end=none", [](Call& c) { return begins_or_ends(c, true); }},
    {"expandtabs", "tabsize=8", [](Call& c) { return tabs_expanded(c); }},
    {"find", "sub, start=none, end=none", [](Call& c) { return Datum::of(find_in(c, false)); }},
    {"format", "*values, **named", formatted},
    {"index", "sub, start=none, end=none", [](Call& c) { return index_in(c, false); }},
    {"isalnum", "", [](Call& c) { return all_are(c, [](std::uint32_t x) { return is_letter(x) || is_digit(x); }); }},
    {"isalpha", "", [](Call& c) { return all_are(c, is_letter); }},
    {"isascii", "",
     [](Call& c) {
         return all_are(
             c, [](std::uint32_t x) { return x < 0x80; }, true);
     }},
    {"isdecimal", "", [](Call& c) { return all_are(c, is_digit); }},
    {"isdigit", "", [](Call& c) { return all_are(c, is_digit); }},
    {"isidentifier", "", [](Call& c) { return is_identifier(c); }},
    {"islower", "", [](Call& c) { return cased(c, Letter::lower); }},
    {"isnumeric", "", [](Call& c) { return all_are(c, is_digit); }},
    {"isspace", "", [](Call& c) { return all_are(c, is_space); }},
    {"istitle", "", [](Call& c) { return is_title(c); }},
    {"isupper", "", [](Call& c) { return cased(c, Letter::upper); }},
    {"join", "iterable", [](Call& c) { return joined(c); }},
    {"ljust", "width, fillchar=' '", [](Call& c) { return adjusted(c, '<'); }},
    {"lower", "", [](Call& c) { return Datum::of(lower(c.own_text())); }},
    {"lstrip", "chars=none", [](Call& c) { return strip(c, true, false); }},
    {"partition", "sep", [](Call& c) { return partition(c, false); }},
    {"removeprefix", "prefix", [](Call& c) { return without_prefix(c, false); }},
    {"removesuffix", "suffix", [](Call& c) { return without_prefix(c, true); }},
    {"replace", "old, new, count=-1", [](Call& c) { return replaced(c); }},
    {"rfind", "sub, start=none, end=none", [](Call& c) { return Datum::of(find_in(c, true)); }},
    {"rindex", "sub, start=none, end=none", [](Call& c) { return index_in(c, true); }},
    {"rjust", "width, fillchar=' '", [](Call& c) { return adjusted(c, '>'); }},
    {"rpartition", "sep", [](Call& c) { return partition(c, true); }},
    {"rsplit", "sep=none, maxsplit=-1", [](Call& c) { return split(c, true); }},
    {"rstrip", "chars=none", [](Call& c) { return strip(c, false, true); }},
    {"split", "sep=none, maxsplit=-1", [](Call& c) { return split(c, false); }},
    {"splitlines", "keepends=false", [](Call& c) { return lines(c); }},
    {"startswith", "prefix, start=none, end=none", [](Call& c) { return begins_or_ends(c, false); }},
    {"strip", "chars=none", [](Call& c) { return strip(c, true, true); }},
    {"swapcase", "", [](Call& c) { return Datum::of(swapped_case(c.own_text())); }},
    {"title", "", [](Call& c) { return Datum::of(titled(c.own_text())); }},
    {"upper", "", [](Call& c) { return Datum::of(upper(c.own_text())); }},
    {"zfill", "width", [](Call& c) { return zero_filled(c); }},
};

}  // namespace

std::string replace_in(std::string_view text, std::string_view old, std::string_view now, std::int64_t most,
                       Budget& budget) {
    std::string out;
    std::int64_t done = 0;
    if (old.empty()) {  // before each character, and at the end
        for (const auto character : characters_of(text)) {
            if (most < 0 || done++ < most) out += now;
            out += character;
            budget.fits(out.size());
        }
        return most < 0 || done < most ? out += now : out;
    }
    while (most < 0 || done++ < most) {
        const auto at = text.find(old);
        if (at == npos) break;
        out.append(text.substr(0, at)).append(now);
        budget.fits(out.size());
        text.remove_prefix(at + old.size());
    }
    return out.append(text);
}

std::span<const Method> text_methods() {
    return methods;
}

}  // namespace chaos::language
