// SPDX-License-Identifier: Apache-2.0
// How an Error is shown: file:line:col, the line, a caret, the notes and the way out.
#include <fmt/format.h>
#include <chaos/error.hpp>

namespace chaos {

namespace {

struct Colours {
    std::string_view bold, red, cyan, off;
};

std::string_view line_of(const std::string& text, std::uint32_t number) {
    std::size_t at = 0;
    for (std::uint32_t line = 1; line < number; ++line) {
        at = text.find('\n', at);
        if (at == std::string::npos) return {};
        ++at;
    }
    auto line = std::string_view(text).substr(at, text.find('\n', at) - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

/// The line with tabs as blanks and controls as \x1b, and the caret below the column (in characters).
std::string excerpt(std::string_view line, std::uint32_t column, const Colours& colours) {
    std::string shown, caret;
    std::uint32_t character = 0;
    std::size_t width_before = 0;
    for (std::size_t i = 0; i < line.size();) {
        std::size_t length = 1;
        const auto lead = static_cast<unsigned char>(line[i]);
        if (lead >= 0xf0)
            length = 4;
        else if (lead >= 0xe0)
            length = 3;
        else if (lead >= 0xc0)
            length = 2;
        std::string piece(line.substr(i, length));
        std::size_t width = 1;
        if (lead == '\t')
            piece.assign(width = 4, ' ');
        else if (lead < 0x20 || lead == 0x7f)
            piece = fmt::format("\\x{:02x}", lead), width = 4;
        if (++character < column) width_before += width;
        shown += piece;
        i += length;
    }
    if (character < column && column - 1 > character) width_before = character;
    return fmt::format("    {}\n    {}{}^{}\n", shown, std::string(width_before, ' '), colours.red, colours.off);
}

std::string entry(Place where, std::string_view what, std::string_view colour, std::string_view message,
                  const Sources& sources, const Colours& colours) {
    std::string text;
    if (where && where.source < sources.size())
        text = fmt::format("{}{}:{}:{}:{} ", colours.bold, sources[where].name, where.line, where.column, colours.off);
    text += fmt::format("{}{}:{} {}\n", colour, what, colours.off, message);
    if (where && where.source < sources.size())
        text += excerpt(line_of(sources[where].text, where.line), where.column, colours);
    return text;
}

}  // namespace

std::string render(const Error& error, const Sources& sources, bool colour, std::string_view word) {
    const Colours colours = colour ? Colours{"\x1b[1m", "\x1b[1;31m", "\x1b[36m", "\x1b[0m"} : Colours{};
    std::string text = entry(error.where, word, colours.red, error.what(), sources, colours);
    for (const auto& note : error.notes) text += entry(note.where, "note", colours.cyan, note.text, sources, colours);
    if (!error.hint.empty()) text += fmt::format("{}help:{} {}\n", colours.cyan, colours.off, error.hint);
    return text;
}

}  // namespace chaos
