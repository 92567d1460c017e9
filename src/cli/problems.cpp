// SPDX-License-Identifier: Apache-2.0
#include "problems.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <chaos/in_short.hpp>
#include <chaos/url.hpp>

namespace chaos::cli {

void stop_where(const Diagnostics& problems, Exit exit) {
    if (!problems.ok()) throw Problems{problems.errors(), exit};
}

std::string place_of(Place at, const Sources& sources) {
    if (!at || at.source >= sources.size()) return {};
    return fmt::format("{}:{}:{}", escape(sources[at].name), at.line, at.column);
}

namespace {

/// As render() shows it.
std::string shown(std::string_view text) {
    return in_short(without_passwords(text));
}

}  // namespace

Json to_json(const Error& error, const Sources& sources) {
    Json notes = Json::list();
    const auto at = [&](Place place) { return place ? Json(place_of(place, sources)) : Json(); };
    for (const Error::Note& note : error.notes)
        notes.add(Json::record({{"where", at(note.where)}, {"message", shown(note.text)}}));
    return Json::record({{"where", at(error.where)},
                         {"message", shown(error.what())},
                         {"notes", notes},
                         {"hint", error.hint.empty() ? Json() : Json(shown(error.hint))}});
}

Json to_json(const std::vector<Error>& errors, const Sources& sources) {
    Json list = Json::list();
    for (const Error& error : errors) list.add(to_json(error, sources));
    return list;
}

void show_problems(const std::vector<Error>& errors, const Sources& sources, Console& console) {
    for (std::size_t i = 0; i < std::min(errors.size(), most_shown); ++i)
        console.problem(chaos::render(errors[i], sources, console.error_style().colour()));
    if (errors.size() > most_shown)
        console.problem(fmt::format("... and {} more mistakes, which --json tells\n", errors.size() - most_shown));
}

Exit report(const Problems& problems, const Sources& sources, Console& console) {
    show_problems(problems.errors, sources, console);
    if (console.json()) {
        const Json record =
            Json::record({{"errors", to_json(problems.errors, sources)}, {"exit", static_cast<int>(problems.exit)}});
        console.result(record.text() + '\n');
    }
    return problems.exit;
}

}  // namespace chaos::cli
