// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chaos/durable.hpp>
#include <chaos/format.hpp>

#include "problems.hpp"
#include "text_file.hpp"

namespace chaos::cli {

namespace {

struct FmtView {
    std::vector<std::string> changed, untouched;
    bool check = false;
    std::size_t files = 0;
};

Json to_json(const FmtView& view) {
    return Json::record({{"files", view.files}, {"changed", view.changed}, {"left_as_is", view.untouched}});
}

std::string render(const FmtView& view, Style, bool verbose) {
    std::string out;
    for (const std::string& file : view.changed)
        out += fmt::format("{}{}\n", view.check ? "would change " : "changed ", escape(file));
    if (verbose) out += fmt::format("{}, {} changed.\n", count(view.files, "file"), view.changed.size());
    return out;
}

}  // namespace

Exit fmt(Context& context) {
    FmtView view;
    view.check = context.options.check;
    std::vector<Error> wrong, beyond;
    for (const std::string& path : context.options.arguments) {
        const bool standard = path == "-";
        try {
            const std::string before = standard ? read_standard_input() : read_text_file(path);
            const auto source = context.sources.add(standard ? "standard input" : path, "", before);
            const Formatted after = format_manifest(context.sources, source);
            ++view.files;
            for (const Place where : after.untouched) {
                view.untouched.push_back(place_of(where, context.sources));
                beyond.push_back(Error(where,
                                       "this entry stays as it is: it is written in a way that chaos fmt does "
                                       "not know to lay out"));
            }
            if (standard && !view.check) {
                context.console.text(after.text);
                if (after.text != before) view.changed.push_back(path);
                continue;
            }
            if (after.text == before) continue;
            view.changed.push_back(path);
            if (!view.check) durable::rewrite(path, after.text);
        } catch (const Error& error) {
            wrong.push_back(error);
        }
    }
    for (const Error& error : beyond)
        context.console.remark(chaos::render(error, context.sources, context.console.error_style().colour(), "note"));
    if (!wrong.empty()) throw Problems{wrong, Exit::usage};
    const bool only_shown = context.options.arguments == std::vector<std::string>{"-"} && !view.check;
    if (!only_shown || context.console.json()) context.console.show(view);
    return view.check && !view.changed.empty() ? Exit::pending : Exit::well;
}

}  // namespace chaos::cli
