// SPDX-License-Identifier: Apache-2.0
#include "history_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "plan_view.hpp"

namespace chaos::cli {

Json time_of(std::int64_t nanoseconds) {
    if (nanoseconds == 0) return nullptr;
    const auto seconds = static_cast<std::time_t>(nanoseconds / 1'000'000'000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::int64_t right_now() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

namespace {

std::string id_of(const ChangeRecord& record) {
    return to_text(RecordedId{record.type, record.key});
}

}  // namespace

std::vector<Json::Field> fields_of(const RunRecord& run) {
    return {{"run", run.number},
            {"result", to_text(run.state)},
            {"verb", run.verb},
            {"site", or_null(run.site)},
            {"manifest", or_null(run.manifest)},
            {"who", or_null(run.who)},
            {"started", time_of(run.started)},
            {"ended", time_of(run.ended)},
            {"changes", run.changes},
            {"note", or_null(run.note)},
            {"revision", or_null(run.revision)},
            {"about", or_null(run.about)},
            {"author", or_null(run.author)},
            {"message", or_null(run.message)}};
}

namespace {

std::string painted(RunState state, Style style) {
    const std::string_view word = to_text(state);
    switch (state) {
        case RunState::committed: return style.green(word);
        case RunState::undone:
        case RunState::partial: return style.yellow(word);
        default: return style.red(word);
    }
}

Json to_json(const RecordedChange& change) {
    Json attributes = Json::list();
    for (const AttributeView& attribute : change.attributes) attributes.add(to_json(attribute));
    const ChangeRecord& record = change.record;
    return Json::record({{"id", id_of(record)},
                         {"run", record.run},
                         {"step", record.step},
                         {"result", to_text(record.result)},
                         {"existed", !record.before.is_null()},
                         {"exists", !record.after.is_null()},
                         {"triggered", record.triggered},
                         {"undo", undo_text(record.undo)},
                         {"attributes", attributes},
                         {"where", or_null(record.where)}});
}

std::string render(const RecordedChange& change, Style style, bool with_run) {
    const ChangeRecord& record = change.record;
    const std::string id = escape(id_of(record));
    std::string out = "  ";
    if (record.before.is_null() && record.after.is_null())
        out += style.cyan("! " + id);
    else if (record.before.is_null())
        out += style.green("+ " + id);
    else if (record.after.is_null())
        out += style.red("- " + id);
    else
        out += change.attributes.empty() && record.triggered ? style.cyan("! " + id) : style.yellow("~ " + id);
    std::string remarks;
    const auto remark = [&](const std::string& text) { remarks += (remarks.empty() ? "" : "; ") + text; };
    if (with_run) remark(fmt::format("run {}", record.run));
    if (record.result != ChangeRecord::Result::done) remark(std::string(to_text(record.result)));
    if (record.triggered) remark("reacted to what it watches");
    if (record.undo != Undo::exact) remark(fmt::format("undo: {}", undo_text(record.undo)));
    if (!remarks.empty()) out += style.dim("  (" + remarks + ")");
    if (!record.where.empty()) out += style.dim("  " + escape(record.where));
    out += '\n';
    for (const AttributeView& attribute : change.attributes) out += render(attribute, style, 6);
    return out;
}

}  // namespace

namespace {

/// What is not there any more, as a state in which every text is empty.
Value gone(const Value& before) {
    Value::Map nothing;
    if (before.is_map())
        for (const auto& [name, value] : before.map())
            if (value.is_text() && !value.secret) nothing.push_back({name, Value(std::string())});
    return Value(std::move(nothing));
}

}  // namespace

RecordedChange view_of(const ChangeRecord& record, const Schema* schema, const Detail& detail, bool whole) {
    RecordedChange view{record, {}};
    // What goes is shown as what it would take to come back, turned round.
    if (!record.after.is_null() || whole)
        view.attributes =
            attributes(schema, record.before, record.after.is_null() ? gone(record.before) : record.after, detail);
    return view;
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

Json to_json(const HistoryView& view) {
    Json runs = Json::list();
    for (const RunRecord& run : view.runs) runs.add(Json::record(fields_of(run)));
    return Json::record({{"runs", runs},
                         {"more", view.more},
                         {"pruned", view.pruned ? Json(view.pruned) : Json()},
                         {"next", or_null(view.next)}});
}

namespace {

/// site.yml at 1a2b3c4d5e
std::string source_of(const RunRecord& run, bool verbose) {
    constexpr std::size_t abbreviated = 10;
    const auto name = verbose ? run.manifest : run.manifest.substr(run.manifest.rfind('/') + 1);
    if (run.revision.empty()) return name;
    return fmt::format("{}{}at {}", name, name.empty() ? "" : " ",
                       verbose ? run.revision : run.revision.substr(0, abbreviated));
}

}  // namespace

/// The first line of what was said; `chaos show` has the others.
static std::string begin_of(const std::string& note) {
    const std::string line = first_line(note);
    return line.size() == note.size() ? line : line + " ...";
}

std::string render(const HistoryView& view, Style style, bool verbose) {
    if (view.runs.empty()) return "No run yet.\n";
    std::vector<std::vector<std::string>> rows{
        {"RUN", "WHEN", "AGO", "WHO", "WHAT", "SITE", "FROM", "RESULT", "CHANGES", "ABOUT"}};
    for (const RunRecord& run : view.runs)
        rows.push_back({std::to_string(run.number), date_of(run.started), ago(run.started, view.now), escape(run.who),
                        escape(run.verb), escape(run.site), escape(source_of(run, verbose)),
                        std::string(to_text(run.state)), std::to_string(run.changes), escape(run.about)});
    std::string out = table(rows, style);
    for (const RunRecord& run : view.runs)
        if (!run.message.empty() || !run.note.empty())
            out += style.dim(fmt::format("  run {}: {}{}{}", run.number, escape(first_line(run.message)),
                                         run.message.empty() || run.note.empty() ? "" : "; ",
                                         escape(begin_of(run.note)))) +
                   '\n';
    if (view.more) out += style.dim("  and older ones: chaos history --most 0") + '\n';
    if (view.pruned) out += style.dim(fmt::format("  runs up to {} were let go of", view.pruned)) + '\n';
    if (!view.next.empty()) out += style.dim("next: ") + view.next + '\n';
    return out;
}

Json to_json(const ShowView& view) {
    std::vector<Json::Field> fields = fields_of(view.run);
    Json changes = Json::list();
    for (const RecordedChange& change : view.changes) changes.add(to_json(change));
    fields[8] = {"changed", view.run.changes};
    fields.emplace_back("changes", changes);
    fields.emplace_back("host", or_null(view.host));
    Json writes = Json::list();
    for (const RecordedChange& write : view.writes) writes.add(to_json(write));
    fields.emplace_back("writes", writes);
    return Json::record(std::move(fields));
}

std::string render(const ShowView& view, Style style, bool) {
    const RunRecord& run = view.run;
    const auto after = [](const char* words, const std::string& text) {
        return text.empty() ? std::string() : words + escape(text);
    };
    std::string out = fmt::format("{}  {}{}{}: {}\n", style.bold(fmt::format("run {}", run.number)), escape(run.verb),
                                  after(" ", run.manifest), after(" of site ", run.site), painted(run.state, style));
    out += fmt::format("{} ({}) by {}; {} changed\n", date_of(run.started), ago(run.started, view.now), escape(run.who),
                       count(static_cast<std::size_t>(run.changes), "resource"));
    if (!view.host.empty()) out += fmt::format("on another host: {}\n", escape(view.host));
    if (!run.revision.empty())
        out += fmt::format("from commit {}{}\n", escape(run.revision), after(" by ", run.author));
    if (!run.message.empty()) out += "    " + escape(first_line(run.message)) + '\n';
    for (std::string_view rest = run.note; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        out += escape(rest.substr(0, end)) + '\n';
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    for (const RecordedChange& change : view.changes) out += render(change, style, false);
    if (!view.writes.empty()) out += "What its commands wrote:\n";
    for (const RecordedChange& write : view.writes) out += render(write, style, false);
    return out;
}

Json to_json(const ResourceHistoryView& view) {
    Json changes = Json::list(), runs = Json::list();
    for (const RecordedChange& change : view.changes) changes.add(to_json(change));
    for (const RunRecord& run : view.runs) runs.add(Json::record(fields_of(run)));
    return Json::record({{"id", view.id}, {"changes", changes}, {"runs", runs}});
}

std::string render(const ResourceHistoryView& view, Style style, bool) {
    if (view.changes.empty()) return fmt::format("No run changed {}.\n", escape(view.id));
    std::string out;
    std::int64_t told = 0;
    for (const RecordedChange& change : view.changes) {
        const auto run = std::find_if(view.runs.begin(), view.runs.end(),
                                      [&](const RunRecord& it) { return it.number == change.record.run; });
        if (run != view.runs.end() && run->number != told)
            out += fmt::format("{}  {} ({}) by {}, {}{}\n", style.bold(fmt::format("run {}", run->number)),
                               date_of(run->started), ago(run->started, view.now), escape(run->who),
                               escape(source_of(*run, false)),
                               run->state == RunState::committed ? "" : ": " + painted(run->state, style));
        told = change.record.run;
        out += render(change, style, false);
    }
    return out;
}

Json to_json(const BetweenView& view) {
    Json changes = Json::list();
    for (const RecordedChange& change : view.changes) {
        Json attributes = Json::list();
        for (const AttributeView& attribute : change.attributes) attributes.add(to_json(attribute));
        changes.add(Json::record({{"id", id_of(change.record)},
                                  {"run", change.record.run},
                                  {"existed", !change.record.before.is_null()},
                                  {"exists", !change.record.after.is_null()},
                                  {"attributes", attributes}}));
    }
    return Json::record({{"from", view.from}, {"to", view.to}, {"changes", changes}});
}

std::string render(const BetweenView& view, Style style, bool) {
    if (view.changes.empty())
        return fmt::format("Run {} left the host as run {} did, as far as runs changed it.\n", view.to, view.from);
    std::string out;
    for (const RecordedChange& change : view.changes) out += render(change, style, true);
    return out;
}

}  // namespace chaos::cli
