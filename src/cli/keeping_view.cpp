// SPDX-License-Identifier: Apache-2.0
#include "keeping_view.hpp"

#include <fmt/format.h>

#include "history_view.hpp"

namespace chaos::cli {

namespace {

std::string bytes(std::int64_t number) {
    return size_of(static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0)));
}

std::string short_commit(const std::string& revision) {
    return revision.substr(0, 10);
}

}  // namespace

Json to_json(const PrunedView& view) {
    const Pruned& it = view.pruned;
    return Json::record({{"runs", it.runs},
                         {"oldest", it.oldest ? Json(it.oldest) : Json()},
                         {"before", it.before},
                         {"after", it.after},
                         {"contents", it.contents},
                         {"trees", it.trees},
                         {"done", !view.dry_run}});
}

std::string render(const PrunedView& view, Style style, bool verbose) {
    const Pruned& it = view.pruned;
    if (it.oldest == 0) return "No run yet.\n";
    std::string out;
    if (it.runs.empty())
        out += "No run is to go.";
    else if (it.runs.size() == 1)
        out += fmt::format("Run {} {}.", it.runs.front(), view.dry_run ? "would go" : "is gone");
    else
        out += fmt::format("{}, {} to {}, {}.", count(it.runs.size(), "run"), it.runs.front(), it.runs.back(),
                           view.dry_run ? "would go" : "are gone");
    out += fmt::format(" The oldest that stays is run {}.\n", it.oldest);
    out += fmt::format("{} and {} {}; {}: {} -> {}{}\n", count(it.contents, "content"),
                       count(it.trees.size(), "removed tree"), view.dry_run ? "would go along" : "went along",
                       "the store", bytes(it.before), view.dry_run ? "about " : "", bytes(it.after));
    for (const std::string& tree : it.trees)
        if (verbose || view.dry_run) out += style.dim("  " + escape(tree)) + '\n';
    return out;
}

Json to_json(const HealthView& view) {
    Json flaws = Json::list(), rows = Json::list();
    for (const Flaw& flaw : view.health.flaws) flaws.add(Json::record({{"what", flaw.what}, {"lost", flaw.lost}}));
    if (view.saved)
        for (const auto& [table, number] : view.saved->rows)
            rows.add(Json::record({{"table", table}, {"rows", number}}));
    return Json::record({{"sound", view.health.flaws.empty()},
                         {"runs", view.health.runs},
                         {"contents", view.health.contents},
                         {"objects", view.health.objects},
                         {"flaws", flaws},
                         {"kept", view.saved ? or_null(view.saved->kept) : Json()},
                         {"saved", rows},
                         {"next", or_null(view.next)}});
}

std::string render(const HealthView& view, Style style, bool verbose) {
    std::string out;
    if (view.saved && !view.saved->kept.empty()) {
        out += fmt::format("The damaged store is kept in {}; a new one is in its place.\n", escape(view.saved->kept));
        for (const auto& [table, number] : view.saved->rows)
            if (verbose || table == "runs" || table == "states" || table == "blobs")
                out += fmt::format("  {:<10} {}\n", table, count(static_cast<std::size_t>(number), "row"));
    }
    for (const Flaw& flaw : view.health.flaws) {
        out += style.red("damaged: ") + escape(flaw.what) + '\n';
        constexpr std::size_t most = 10;
        for (std::size_t i = 0; i < flaw.lost.size() && (verbose || i < most); ++i)
            out += fmt::format("  lost for {}\n", escape(flaw.lost[i]));
        if (!verbose && flaw.lost.size() > most) out += fmt::format("  and for {} more\n", flaw.lost.size() - most);
    }
    if (view.health.flaws.empty())
        out += style.green(fmt::format("The store is sound: {}, {}, {}.", count(view.health.runs, "run"),
                                       count(view.health.contents, "content"), count(view.health.objects, "object"))) +
               '\n';
    if (!view.next.empty()) out += style.dim("next: ") + view.next + '\n';
    return out;
}

Json to_json(const FileView& view) {
    return Json::record({{"verb", view.verb},
                         {"path", view.path},
                         {"run", view.run},
                         {"host", or_null(view.host)},
                         {"changes", view.changes},
                         {"secrets", view.secrets},
                         {"next", or_null(view.next)}});
}

std::string render(const FileView& view, Style style, bool) {
    std::string out = view.verb == "export" ? fmt::format("Run {} is in {}: {}", view.run, escape(view.path),
                                                          count(view.changes, "change"))
                                            : fmt::format("Run {} of {} is kept as {}: {}", view.run, escape(view.host),
                                                          escape(view.path), count(view.changes, "change"));
    out += view.secrets ? fmt::format("; {} left out.\n", count(view.secrets, "secret")) : std::string(".\n");
    if (!view.next.empty()) out += style.dim("next: ") + view.next + '\n';
    return out;
}

Json to_json(const StatusView& view) {
    return Json::record({{"open", !view.note.empty()}, {"note", or_null(view.note)}});
}

std::string render(const StatusView& view, Style style, bool) {
    return view.note.empty() ? "Nothing is left half done.\n" : style.yellow(escape(view.note)) + '\n';
}

Json to_json(const BlameView& view) {
    Json managed = Json::list(), lines = Json::list();
    for (const Blamed& it : view.managed)
        managed.add(Json::record({{"id", to_text(it.id)},
                                  {"where", or_null(it.where)},
                                  {"site", or_null(it.site)},
                                  {"origin", or_null(it.origin)},
                                  {"existed", it.existed},
                                  {"exists", it.exists},
                                  {"run", it.run},
                                  {"made_by", it.record ? Json::record(fields_of(*it.record)) : Json()}}));
    for (const BlamedLine& line : view.lines)
        lines.add(Json::record({{"run", line.run ? Json(line.run) : Json()}, {"text", line.text}}));
    return Json::record(
        {{"asked", or_null(view.asked)}, {"managed", managed}, {"lines", lines}, {"note", or_null(view.note)}});
}

std::string render(const BlameView& view, Style style, bool verbose) {
    std::string out;
    std::vector<std::vector<std::string>> rows{
        {"RESOURCE", "SAID AT", "SITE", "RUN", "WHEN", "WHO", "COMMIT", "BEFORE CHAOS"}};
    for (const Blamed& it : view.managed)
        rows.push_back({escape(to_text(it.id)) + (it.exists ? "" : " (absent)"), escape(it.where),
                        escape(verbose && !it.origin.empty() ? it.site + " (" + it.origin + ")" : it.site),
                        std::to_string(it.run), it.record ? date_of(it.record->started) : "let go of",
                        it.record ? escape(it.record->who) : "",
                        it.record ? escape(verbose ? it.record->revision : short_commit(it.record->revision)) : "",
                        it.existed ? "was there" : "was not there"});
    if (rows.size() > 1) out += table(rows, style);
    std::size_t widest = 6;
    for (const BlamedLine& line : view.lines) widest = std::max(widest, fmt::format("run {}", line.run).size());
    for (const BlamedLine& line : view.lines)
        out += style.dim(fmt::format("{:<{}}  ", line.run ? fmt::format("run {}", line.run) : "before", widest)) +
               escape(line.text, true) + '\n';
    if (!view.note.empty()) out += escape(view.note) + '\n';
    return out;
}

}  // namespace chaos::cli
