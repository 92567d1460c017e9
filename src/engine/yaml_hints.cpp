// SPDX-License-Identifier: Apache-2.0
#include "yaml_hints.hpp"
#include <fmt/format.h>
#include <optional>
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
    return at;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text.substr(skip_blanks(text, 0));
}

/// One value of a line, as its author meant it: from where to where, and whether it stands between brackets.
struct Part {
    std::size_t from = 0, to = 0;
    bool in_flow = false;
};

/// Cuts a line into the values it holds: after `- `, `key: `, `[`, `{` and `,`; texts in quotes and `{{ }}` stay whole.
std::vector<Part> parts(std::string_view line) {
    std::vector<Part> found;
    int depth = 0;
    std::size_t at = skip_blanks(line, 0), from = at;
    const auto close = [&](std::size_t to) {
        while (to > from && line[to - 1] == ' ') --to;
        if (to > from) found.push_back({from, to, depth > 0});
    };
    while (at < line.size()) {
        const char c = line[at];
        const char next = at + 1 < line.size() ? line[at + 1] : ' ';
        if (c == '{' && next == '{') {
            const auto end = line.find("}}", at);
            at = end == npos ? line.size() : end + 2;
        } else if ((c == '"' || c == '\'') && at == from) {
            const auto end = end_of_quotes(line, at);
            at = end == npos ? line.size() : end;
        } else if (c == '#' && (at == 0 || line[at - 1] == ' ')) {
            break;
        } else if (c == '-' && next == ' ' && at == from && !depth) {
            at = from = skip_blanks(line, at + 1);
        } else if (c == ':' && (next == ' ')) {
            at = from = skip_blanks(line, at + 1);
        } else if ((c == '[' || c == '{') && at == from) {
            ++depth, at = from = skip_blanks(line, at + 1);
        } else if (depth && (c == '[' || c == '{')) {  // in the middle of a text: up to its end, as its author meant it
            const auto end = line.find(c == '[' ? ']' : '}', at);
            at = end == npos ? line.size() : end + 1;
        } else if (depth && (c == ',' || c == ']' || c == '}')) {
            close(at);
            if (c != ',') --depth;
            at = from = skip_blanks(line, at + 1);
        } else {
            ++at;
        }
    }
    close(at);
    return found;
}

std::string quoted(std::string_view text) {
    if (text.find('"') == npos && text.find('\\') == npos) return fmt::format("\"{}\"", text);
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
    return out + '\'';
}

std::string mended(std::string_view line, std::size_t from, std::size_t to) {
    const auto comment = line.find(" #", to);
    const auto rest = line.substr(to, comment == npos ? npos : comment - to);
    return std::string(
        trimmed(fmt::format("{}{}{}", line.substr(0, from), quoted(line.substr(from, to - from)), rest)));
}

Error needs_quotes(Line line, std::uint16_t source, std::string_view text, const Part& part, std::string_view what) {
    return Error(place_of({text, line.start + part.from}, source), fmt::format("{} needs quotes here", what))
        .help(fmt::format("write it in quotes: {}", mended(line.text, part.from, part.to)));
}

/// `*/5 * * * *`, `%wheel`, `@x`: what YAML has another use for at the start of a value, or anywhere between brackets.
std::optional<Error> odd_start(Line line, std::uint16_t source, std::string_view text) {
    for (const Part& part : parts(line.text)) {
        const auto value = line.text.substr(part.from, part.to - part.from);
        if (value.front() == '"' || value.front() == '\'') {
            const auto end = end_of_quotes(value, 0);
            if (end != npos && !trimmed(value.substr(end)).empty())
                return needs_quotes(line, source, text, part, "a value that begins with a quoted word");
            continue;
        }
        const bool lone = value.front() == '*' && value.find_first_of(" /.*:") == npos && value.size() > 1;
        if (!lone && std::string_view("*%@`").find(value.front()) != npos)
            return needs_quotes(line, source, text, part, fmt::format("'{}' at the start of a value", value.front()));
        for (const char c : {'?', '[', '{'})
            if (part.in_flow && value.find(c) != npos)
                return needs_quotes(line, source, text, part, fmt::format("a text with '{}' between brackets", c));
    }
    return std::nullopt;
}

/// The bracket that is open where the text ends.
std::size_t open_bracket(std::string_view text) {
    std::vector<std::size_t> open;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const bool starts = at == 0 || std::string_view(" \n[{,:-").find(text[at - 1]) != npos;
        if (c == '#' && (at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n')) {
            at = std::min(text.find('\n', at), text.size());
        } else if ((c == '"' || c == '\'') && starts) {
            const auto end = end_of_quotes(text, at);
            if (end == npos) return npos;
            at = end - 1;
        } else if ((c == '[' || c == '{') && (starts || !open.empty())) {
            open.push_back(at);
        } else if ((c == ']' || c == '}') && !open.empty()) {
            open.pop_back();
        }
    }
    return open.empty() ? npos : open.front();
}

/// The quote that is open where the text ends.
std::size_t open_quote(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool starts = at == 0 || std::string_view(" \n[{,").find(text[at - 1]) != npos;
        if (text[at] == '#' && starts) at = std::min(text.find('\n', at), text.size());
        if (at == text.size() || !starts || (text[at] != '"' && text[at] != '\'')) continue;
        const auto end = end_of_quotes(text, at);
        if (end == npos) return at;
        at = end - 1;
    }
    return npos;
}

/// A value with `: ` in it: `NOPASSWD: ALL`.
std::optional<Error> second_colon(Line line, std::uint16_t source, std::string_view text) {
    const auto colon = line.text.find(": ");
    if (colon == npos) return std::nullopt;
    const Part value{skip_blanks(line.text, colon + 1), trimmed(line.text).size() + skip_blanks(line.text, 0)};
    if (value.from >= value.to || std::string_view("\"'[{|>&!").find(line.text[value.from]) != npos ||
        line.text.find(": ", value.from) == npos)
        return std::nullopt;
    return needs_quotes(line, source, text, value, "a value with ': ' in it");
}

}  // namespace

Place place_of(Spot spot, std::uint16_t source) {
    spot.at = std::min(spot.at, spot.text.size());
    const auto before = spot.text.substr(0, spot.at);
    const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n') + 1);
    const auto column = characters(before.substr(before.rfind('\n') + 1)) + 1;  // npos + 1 is 0
    return {line, static_cast<std::uint16_t>(std::min<std::size_t>(column, 65535)), source};
}

Line line_at(Spot spot) {
    spot.at = std::min(spot.at, spot.text.size());
    const auto start = spot.at ? spot.text.rfind('\n', spot.at - 1) + 1 : 0;
    const auto end = std::min(spot.text.find('\n', start), spot.text.size());
    return {start, spot.text.substr(start, end - start)};
}

std::size_t end_of_quotes(std::string_view text, std::size_t at) {
    const char quote = text[at];
    while (++at < text.size()) {
        if (quote == '"' && text[at] == '\\')
            ++at;
        else if (text[at] == quote && quote == '\'' && at + 1 < text.size() && text[at + 1] == quote)
            ++at;
        else if (text[at] == quote)
            return at + 1;
    }
    return npos;
}

bool unquoted_braces(Line line, std::uint16_t source, std::string_view text, Error& error) {
    for (const Part& part : parts(line.text)) {
        const auto value = line.text.substr(part.from, part.to - part.from);
        if (value.front() == '"' || value.front() == '\'' || value.find("{{") == npos) continue;
        error = needs_quotes(line, source, text, part, "{{ … }}");
        return true;
    }
    return false;
}

bool unclosed_bracket(std::string_view text, std::uint16_t source, Error& error) {
    const auto bracket = open_bracket(text);
    if (bracket == npos) return false;
    error = Error(place_of({text, bracket}, source), fmt::format("this '{}' is never closed", text[bracket]))
                .help(fmt::format("close it with '{}'", text[bracket] == '[' ? ']' : '}'));
    return true;
}

Error explain_syntax(Spot spot, std::uint16_t source, std::string_view said) {
    if (const auto quote = said.find("EOF in scalar") != npos ? open_quote(spot.text) : npos; quote != npos)
        return Error(place_of({spot.text, quote}, source), "this quote is never closed")
            .help(fmt::format("close it with {}", spot.text[quote]));
    // Often the parser stumbles at what follows the line that is wrong.
    Line line = line_at(spot);
    for (int lines = 0; lines < 3; ++lines) {
        if (Error error{""}; unquoted_braces(line, source, spot.text, error)) return error;
        if (const auto found = odd_start(line, source, spot.text)) return *found;
        if (const auto blanks = skip_blanks(line.text, 0); line.text.substr(0, blanks).find('\t') != npos)
            return Error(place_of({spot.text, line.start + line.text.find('\t')}, source), "a tab can not indent")
                .help("indent with spaces");
        if (const auto found = second_colon(line, source, spot.text)) return *found;
        if (!line.start) break;
        line = line_at({spot.text, line.start - 1});
    }
    if (Error error{""}; unclosed_bracket(spot.text, source, error)) return error;
    const Place where = place_of(spot, source);
    if (said.find("escape") != npos)
        return Error(where, fmt::format("not yaml: {}", said)).help("in \"…\" write \\\\ for \\, or use '…'");
    if (said.find("anchor") != npos || said.find("alias") != npos)
        return Error(where, "this alias (*) has no anchor (&) before it").help("quote it, if it is a text");
    if (said.find("map") != npos)
        return Error(where, fmt::format("not yaml: {}", said))
            .help("is the indentation right, and has every key of the lines above its ':'?");
    return Error(where, fmt::format("not yaml: {}", said)).help("quote what is text, and look at the indentation");
}

}  // namespace chaos
