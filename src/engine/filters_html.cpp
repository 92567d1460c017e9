// SPDX-License-Identifier: Apache-2.0
// Filters for HTML and URLs.
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include "methods.hpp"
#include "regex.hpp"
#include "utf8.hpp"

namespace chaos::language {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '\'': out += "&#39;"; break;
            case '"': out += "&#34;"; break;
            default: out += c;
        }
    return out;
}

namespace {

struct Entity {
    std::string_view name;
    std::uint32_t code;
};
constexpr Entity entities[] = {
    {"amp", '&'},      {"lt", '<'},        {"gt", '>'},      {"quot", '"'},   {"apos", '\''},  {"nbsp", 0xA0},
    {"copy", 0xA9},    {"reg", 0xAE},      {"deg", 0xB0},    {"laquo", 0xAB}, {"raquo", 0xBB}, {"ndash", 0x2013},
    {"mdash", 0x2014}, {"hellip", 0x2026}, {"euro", 0x20AC}, {"auml", 0xE4},  {"ouml", 0xF6},  {"uuml", 0xFC},
    {"Auml", 0xC4},    {"Ouml", 0xD6},     {"Uuml", 0xDC},   {"szlig", 0xDF},
};

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto end = text[at] == '&' ? text.find(';', at) : std::string_view::npos;
        if (end == std::string_view::npos || end - at > 32) {
            out += text[at];
            continue;
        }
        auto name = text.substr(at + 1, end - at - 1);
        std::uint32_t code = 0;
        if (name.starts_with('#')) {
            const bool hex = name.size() > 1 && (name[1] | 0x20) == 'x';
            name.remove_prefix(hex ? 2 : 1);
            const auto read = std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
            if (read.ec != std::errc() || read.ptr != name.data() + name.size() || code > 0x10FFFF ||
                (code >> 11) == 0x1B)
                code = 0;
        } else {
            for (const Entity& entity : entities)
                if (entity.name == name) code = entity.code;
        }
        if (!code) {
            out += text[at];
            continue;
        }
        append_utf8(out, code);
        at = end;
    }
    return out;
}

Datum escape(Call& call) {
    if (call.subject.is_text() && call.subject.markup()) return call.subject;
    return Datum::of(escaped(call.own_text()), true);
}

std::string without(std::string_view text, std::string_view begin, std::string_view end) {
    std::string out;
    while (true) {
        const auto from = text.find(begin);
        const auto to = from == std::string_view::npos ? from : text.find(end, from + begin.size());
        if (to == std::string_view::npos) return out.append(text);
        out.append(text.substr(0, from));
        text.remove_prefix(to + end.size());
    }
}

Datum without_tags(Call& call) {
    const std::string bare = without(without(call.own_text(), "<!--", "-->"), "<", ">");
    std::string out;
    bool blank = false;
    for (const auto character : characters_of(stripped(bare))) {
        std::size_t at = 0;
        if (is_space(decode_utf8(character, at))) {
            blank = true;
            continue;
        }
        if (std::exchange(blank, false)) out += ' ';
        out += character;
    }
    return Datum::of(unescaped(out));
}

Datum attributes(Call& call) {
    if (!call.subject.is_map()) throw Error(fmt::format("xmlattr takes a mapping, found {}", name_of(call.subject)));
    std::string out;
    for (std::size_t i = 0; i < call.subject.size(); ++i) {
        const Datum value = call.subject.at(i);
        if (value.is(Datum::Kind::none) || value.is_undefined()) continue;
        const std::string key = call.evaluator.text(call.subject.key_at(i)), text = call.evaluator.text(value);
        if (key.find_first_of(" \t\n\r\f\v/>=") != std::string::npos)
            throw Error("this can not be the name of an attribute");
        out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : " ", escaped(key), value.markup() ? text : escaped(text));
        call.budget().fits(out.size());
    }
    if (call.flag(0, true) && !out.empty()) out.insert(0, " ");
    return Datum::of(std::move(out), call.evaluator.autoescape);
}

std::string percent_encoded(std::string_view text, bool query) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                           c == '.' || c == '-' || c == '~' || (c == '/' && !query);
        if (plain)
            out += c;
        else if (c == ' ' && query)
            out += '+';
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

Datum url_encoded(Call& call) {
    const Datum& subject = call.subject;
    if (!subject.is_list() && !subject.is_map()) return Datum::of(percent_encoded(call.own_text(), false));
    std::string out;
    const auto pair = [&](const Datum& key, const Datum& value) {
        out += fmt::format("{}{}={}", out.empty() ? "" : "&", percent_encoded(call.evaluator.text(key), true),
                           percent_encoded(call.evaluator.text(value), true));
        call.budget().fits(out.size());
    };
    for (std::size_t i = 0; i < subject.size(); ++i) {
        if (subject.is_map()) {
            pair(subject.key_at(i), subject.at(i));
            continue;
        }
        const List both = items_of(subject.at(i), call.budget());
        if (both.size() != 2) throw Error("urlencode takes a text, a mapping, or pairs");
        pair(both[0], both[1]);
    }
    return Datum::of(std::move(out));
}

/// One word of a text: a link, where it looks like one.
class Linker {
public:
    std::string limit_suffix = "...";
    std::optional<std::size_t> limit;
    std::string attributes;
    std::vector<std::string> schemes;

    std::string link(std::string_view word) const {
        static const Regex opening(R"((?:[(<]|&lt;)+)"), ending(R"((?:[)>.,\n]|&gt;)+\Z)");
        std::string head, middle(word), tail;
        if (const auto match = opening.find(middle, 0, true))
            head = middle.substr(0, (*match)[0].to), middle.erase(0, (*match)[0].to);
        if (const auto match = ending.find(middle))
            tail = middle.substr((*match)[0].from), middle.erase((*match)[0].from);
        balance(middle, tail, "(", ")");
        balance(middle, tail, "<", ">");
        balance(middle, tail, "&lt;", "&gt;");
        return head + made(middle) + tail;
    }

private:
    static std::size_t count(std::string_view text, std::string_view what) {
        std::size_t found = 0;
        for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++found;
        return found;
    }

    /// What closes a bracket inside the link belongs to it.
    static void balance(std::string& middle, std::string& tail, std::string_view open, std::string_view close) {
        const auto opened = count(middle, open);
        if (opened <= count(middle, close)) return;
        for (auto moves = std::min(opened, count(tail, close)); moves; --moves) {
            const auto end = tail.find(close) + close.size();
            middle += tail.substr(0, end);
            tail.erase(0, end);
        }
    }

    std::string made(const std::string& text) const {
        static const Regex address(
            R"((?:(?:https?://|www\.)(?:[\w%-]+\.)*(?:[a-z]{2,63}|xn--[\w%]{2,59})|(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)|https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\]))(?::\d{1,5})?(?:[/?#]\S*)?$)",
            {.ignore_case = true});
        static const Regex mail(R"(\S+@\w[\w.-]*\.\w+$)");
        const auto shown = [&] {
            const auto all = characters_of(text);
            if (!limit || all.size() <= *limit) return text;
            return (*limit ? text.substr(0, static_cast<std::size_t>(all[*limit].data() - text.data())) : "") + "...";
        };
        if (address.find(text, 0, true)) {
            const bool whole = text.starts_with("https://") || text.starts_with("http://");
            return fmt::format("<a href=\"{}{}\"{}>{}</a>", whole ? "" : "https://", text, attributes, shown());
        }
        if (text.starts_with("mailto:") && mail.find(text.substr(7), 0, true))
            return fmt::format("<a href=\"{}\">{}</a>", text, text.substr(7));
        if (text.find('@') != std::string::npos && !text.starts_with("www.") && text.find(':') == std::string::npos &&
            mail.find(text, 0, true))
            return fmt::format("<a href=\"mailto:{0}\">{0}</a>", text);
        for (const auto& scheme : schemes)
            if (text != scheme && text.starts_with(scheme))
                return fmt::format("<a href=\"{0}\"{1}>{0}</a>", text, attributes);
        return text;
    }
};

Datum with_links(Call& call) {
    Linker linker;
    if (call.has(0)) linker.limit = static_cast<std::size_t>(std::max<std::int64_t>(call.integer(0), 0));
    std::vector<std::string> rel;
    const std::string given = call.text(3);
    for (const auto part : {std::string_view(given)})
        for (std::size_t at = 0; at < part.size();) {
            const auto end = std::min(part.find(' ', at), part.size());
            if (end > at) rel.emplace_back(part.substr(at, end - at));
            at = end + 1;
        }
    if (call.flag(1, false)) rel.emplace_back("nofollow");
    rel.emplace_back("noopener");
    std::sort(rel.begin(), rel.end());
    rel.erase(std::unique(rel.begin(), rel.end()), rel.end());
    linker.attributes = fmt::format(" rel=\"{}\"", escaped(fmt::format("{}", fmt::join(rel, " "))));
    if (call.has(2)) linker.attributes += fmt::format(" target=\"{}\"", escaped(call.text(2)));
    if (call.has(4))
        for (const Datum& scheme : items_of(call.at(4), call.budget()))
            linker.schemes.push_back(call.evaluator.text(scheme));
    const std::string text = call.subject.markup() ? call.own_text() : escaped(call.own_text());
    call.budget().spend(text.size());
    std::string out, word;
    for (const auto character : characters_of(text)) {
        std::size_t at = 0;
        if (!is_space(decode_utf8(character, at))) {
            word += character;
            continue;
        }
        if (!word.empty()) out += linker.link(word), word.clear();
        out += character;
        call.budget().fits(out.size());
    }
    if (!word.empty()) out += linker.link(word);
    return Datum::of(std::move(out), call.evaluator.autoescape);
}

Datum safe(Call& call) {
    return Datum::of(call.own_text(), true);
}

constexpr Filter filters[] = {
    {"e", "", "The same as `escape`.", escape},
    {"escape", "", "& < > ' \" as HTML has them.", escape},
    {"forceescape", "", "Escaped, even where it was before.",
     [](Call& c) { return Datum::of(escaped(c.own_text()), true); }},
    {"safe", "", "Marked as HTML that needs no escaping.", safe},
    {"striptags", "", "Without tags and comments of HTML; blanks become one.", without_tags},
    {"urlencode", "", "For a URL; a mapping or pairs become a query.", url_encoded},
    {"urlize", "trim_url_limit=none, nofollow=false, target=none, rel=none, extra_schemes=none",
     "Addresses become links of HTML.", with_links},
    {"xmlattr", "autospace=true", "A mapping as attributes of a tag; what is none is left out.", attributes},
};

}  // namespace

Filters html_filters() {
    return filters;
}

}  // namespace chaos::language
