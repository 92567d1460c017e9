// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <chaos/error.hpp>
#include <chaos/in_short.hpp>
#include <chaos/url.hpp>
#include "clear_secrets.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr std::size_t widest = 160;  // of a line that is shown; more of it tells nobody anything

std::string_view line_of(std::string_view text, std::uint32_t line) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    for (; line > 1; --line) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    auto found = text.substr(0, text.find('\n'));
    if (found.ends_with('\r')) found.remove_suffix(1);
    return found;
}

/// Bytes of the first `count` characters.
std::size_t bytes_of(std::string_view text, std::size_t count) {
    std::size_t at = 0;
    for (; at < text.size() && count; --count) do
            ++at;
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
    return at;
}

std::string shown(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at <= text.size();) {
        const auto tab = std::min(text.find('\t', at), text.size());
        out += printable(text.substr(at, tab - at));
        if (tab < text.size()) out.append(4 - characters(out) % 4, ' ');
        at = tab + 1;
    }
    return out;
}

std::string head(Place at, const Sources& sources, std::string_view what, std::string_view colour,
                 std::string_view whole) {
    const std::string text = in_short(without_passwords(whole));
    std::string place;
    if (at && at.source < sources.size())
        place = fmt::format("{}:{}:{}: ", printable(sources[at].name), at.line, at.column);
    const std::string_view plain = colour.empty() ? "" : "\x1b[0m";
    std::string out = fmt::format("{}{}{}:{} ", place, colour, what, plain);
    // A message may have lines of its own (the tail of what a command said): each is escaped by itself.
    for (std::size_t from = 0; from <= text.size();) {
        const auto end = std::min(text.find('\n', from), text.size());
        out += (from ? "\n    " : "") + printable(std::string_view(text).substr(from, end - from));
        from = end + 1;
    }
    return out + '\n';
}

/// Without what stands on it in clear and is a secret; the caret stays with what it is about.
std::string without_secrets(std::string_view text, Place at, std::string_view line, std::size_t& caret) {
    constexpr std::string_view hidden = "***";
    std::string out;
    std::size_t from = 0, moved = caret;
    for (const auto& [first, last] : clear_secrets(text, at.line)) {
        if (first < from || first > line.size()) continue;
        out += line.substr(from, first - from);
        if (caret >= last)
            moved = caret - last + out.size() + hidden.size();
        else if (caret >= first)
            moved = out.size();
        out += hidden, from = std::min(last, line.size());
    }
    caret = moved;
    return out.append(line.substr(from));
}

std::string excerpt(Place at, const Sources& sources) {
    if (!at || at.source >= sources.size()) return {};
    const auto whole = line_of(sources[at].text, at.line);
    if (whole.empty()) return {};
    std::size_t caret = bytes_of(whole, at.column ? at.column - 1U : 0U);
    const std::string open = without_secrets(sources[at].text, at, whole, caret);
    std::string_view line = open;
    if (line.size() > widest) {  // what is around the place
        const auto from = caret > widest / 2 ? bytes_of(line, characters(line.substr(0, caret - widest / 2))) : 0;
        line = line.substr(from), caret -= from;
        line = line.substr(0, bytes_of(line, widest));
    }
    const auto before = shown(without_passwords(line.substr(0, caret)));
    return fmt::format("    {}\n    {}^\n", shown(without_passwords(line)), std::string(characters(before), ' '));
}

}  // namespace

std::string render(const Error& error, const Sources& sources, bool colour, std::string_view word) {
    std::string out = head(error.where, sources, word, colour ? "\x1b[1;31m" : "", error.what());
    out += excerpt(error.where, sources);
    for (const auto& note : error.notes) {
        out += head(note.where, sources, "note", colour ? "\x1b[1;36m" : "", note.text);
        out += excerpt(note.where, sources);
    }
    if (!error.hint.empty()) out += head({}, sources, "hint", colour ? "\x1b[1;32m" : "", error.hint);
    return out;
}

}  // namespace chaos
