// SPDX-License-Identifier: Apache-2.0
#include "problems.hpp"

#include <fmt/format.h>

namespace chaos::cli {

namespace {

/// The line a place is in, and a caret under its column.
std::string line_of(Place at, const Sources& sources) {
    if (!at || at.source >= sources.size()) return {};
    std::string_view text = sources[at].text;
    for (std::uint32_t line = 1; line < at.line; ++line) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    text = text.substr(0, text.find('\n'));
    if (text.size() > 200) return {};
    const std::size_t before = at.column ? at.column - 1u : 0;
    return fmt::format("    {}\n    {}^\n", escape(text), std::string(before, ' '));
}

}  // namespace

void stop_where(const Diagnostics& problems, Exit exit) {
    if (!problems.ok()) throw Problems{problems.errors(), exit};
}

std::string place_of(Place at, const Sources& sources) {
    if (!at || at.source >= sources.size()) return {};
    return fmt::format("{}:{}:{}", escape(sources[at].name), at.line, at.column);
}

std::string render_error(const Error& error, const Sources& sources, Style style, std::string_view word) {
    const auto head = [&](Place at, const std::string& label, std::string_view message) {
        const std::string place = place_of(at, sources);
        std::string lines;
        for (std::size_t from = 0, end; from <= message.size(); from = end + 1) {
            end = std::min(message.find('\n', from), message.size());
            lines += (from ? "\n    " : "") + escape(message.substr(from, end - from), true);
        }
        return fmt::format("{}{}{}: {}\n", style.bold(place), place.empty() ? "" : ": ", label, lines);
    };
    std::string out = head(error.where, word == "error" ? style.red(word) : style.yellow(word), error.what());
    out += line_of(error.where, sources);
    for (const Error::Note& note : error.notes) out += head(note.where, style.cyan("note"), note.text);
    if (!error.hint.empty()) out += head({}, "    " + style.green("try"), error.hint);
    return out;
}

Json to_json(const Error& error, const Sources& sources) {
    Json notes = Json::list();
    const auto at = [&](Place place) { return place ? Json(place_of(place, sources)) : Json(); };
    for (const Error::Note& note : error.notes)
        notes.add(Json::record({{"where", at(note.where)}, {"message", note.text}}));
    return Json::record({{"where", at(error.where)},
                         {"message", error.what()},
                         {"notes", notes},
                         {"hint", error.hint.empty() ? Json() : Json(error.hint)}});
}

Json to_json(const std::vector<Error>& errors, const Sources& sources) {
    Json list = Json::list();
    for (const Error& error : errors) list.add(to_json(error, sources));
    return list;
}

Exit report(const Problems& problems, const Sources& sources, Console& console) {
    for (const Error& error : problems.errors) console.problem(render_error(error, sources, console.error_style()));
    if (console.json()) {
        const Json record =
            Json::record({{"errors", to_json(problems.errors, sources)}, {"exit", static_cast<int>(problems.exit)}});
        console.result(record.text() + '\n');
    }
    return problems.exit;
}

}  // namespace chaos::cli
