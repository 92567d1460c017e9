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

Progress::Progress(Console& console, const Sources& sources, bool live) : console_(console), sources_(sources) {
    if (live) journal_.emplace();
}

Progress::~Progress() {
    wipe();
}

void Progress::wipe() {
    if (line_stands_) console_.remark("\r\x1b[K");
    line_stands_ = false;
}

namespace {

enum Priority : int { error = 3, warning = 4, notice = 5, info = 6 };  // as syslog has them

}  // namespace

void Progress::write(int priority, std::string message, Journal::Fields more) {
    if (!journal_ || run_.number == 0) return;
    Journal::Fields fields{{"MESSAGE", std::move(message)},
                           {"PRIORITY", std::to_string(priority)},
                           {"SYSLOG_IDENTIFIER", "chaos"},
                           {"CHAOS_RUN", std::to_string(run_.number)}};
    const auto add = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) fields.emplace_back(name, value);
    };
    add("CHAOS_VERB", run_.verb);
    add("CHAOS_SITE", run_.site);
    add("CHAOS_WHO", run_.who);
    add("CHAOS_COMMIT", run_.revision);
    for (auto& field : more) fields.push_back(std::move(field));
    journal_->send(fields);
}

void Progress::starts(const RunRecord& run) {
    run_ = run;
    write(notice, fmt::format("run {} begins: {} of {} by {}: {}", run.number, run.verb, run.site, run.who, run.about),
          {});
}

void Progress::finishes(const Outcome& outcome) {
    if (run_.number != outcome.run) run_ = RunRecord{outcome.run, outcome.state, "recover"};
    const std::string state(to_text(outcome.state));
    std::string message =
        fmt::format("run {} is {}: {} changed", outcome.run, state, count(outcome.changed, "resource"));
    if (!outcome.errors.empty()) message += fmt::format("; {}", outcome.errors.front().what());
    const bool well = outcome.state == RunState::committed;
    write(well ? notice : error, std::move(message), {{"CHAOS_RESULT", state}});
    run_ = {};
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
    // An entry has room for so many fields.
    constexpr std::size_t most = 500;
    for (std::size_t from = 0; journal_ && from < step.changes.size(); from += most) {
        Journal::Fields fields{{"CHAOS_RESULT", well ? "done" : "failed"}};
        for (std::size_t i = from; i < std::min(from + most, step.changes.size()); ++i)
            fields.emplace_back("CHAOS_RESOURCE", to_text(step.changes[i].id));
        write(well ? info : error, words_for(step) + (well ? "" : ": failed"), std::move(fields));
    }
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
    write(warning, error.what(), {});
    console_.problem(chaos::render(error, sources_, console_.error_style().colour(), "warning"));
}

}  // namespace chaos::cli
