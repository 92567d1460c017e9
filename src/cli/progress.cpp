// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "problems.hpp"

namespace chaos::cli {

std::string words_for(const Step& step) {
    if (step.changes.empty()) return {};
    const Change& first = step.changes.front();
    const std::string_view reaction = step.type ? step.type->reaction(first) : "";
    const char* verb = reaction == "run"   ? "run"
                       : !first.after      ? "remove"
                       : !first.before     ? "create"
                       : !reaction.empty() ? "refresh"
                                           : "change";
    std::string out = fmt::format("{} {}", verb, escape(to_text(first.id)));
    if (step.changes.size() > 1) out += fmt::format(" and {} more", step.changes.size() - 1);
    return out;
}

Progress::Progress(Console& console, const Sources& sources) : console_(console), sources_(sources) {}

Progress::~Progress() {
    wipe();
}

void Progress::wipe() {
    if (line_stands_) console_.remark("\r\x1b[K");
    line_stands_ = false;
}

void Progress::begins(const Step& step, std::size_t number, std::size_t of) {
    of_ = of;
    if (!console_.live()) return;
    wipe();
    std::string line = fmt::format("[{}/{}] {}", number + 1, of, words_for(step));
    if (line.size() > 78) line = line.substr(0, 75) + "...";
    console_.remark(line);
    line_stands_ = true;
}

void Progress::ends(const Step& step, bool well) {
    wipe();
    ++ended_;
    if (!well || !console_.live() || console_.verbose())
        console_.remark(fmt::format("[{}/{}] {}{}\n", std::min(ended_, of_), of_, words_for(step),
                                    well ? "" : ": " + console_.error_style().red("failed")));
}

void Progress::says(const std::string& line) {
    wipe();
    console_.remark(escape(line) + '\n');
}

void Progress::warns(const Error& error) {
    wipe();
    console_.problem(chaos::render(error, sources_, console_.error_style().colour(), "warning"));
}

}  // namespace chaos::cli
