// SPDX-License-Identifier: Apache-2.0
#include "plan_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "diff.hpp"
#include "memory.hpp"
#include "problems.hpp"
#include "text.hpp"

namespace chaos::cli {

namespace {

/// Of what goes only what is told along with that.
std::vector<AttributeView> why_it_goes(const Schema& schema, const Change& change, const Detail& detail) {
    auto all = attributes(&schema, encode(schema, change.before), {}, detail);
    std::erase_if(all, [&](const AttributeView& one) {
        const Field* field = schema.find(one.name);
        return !field || field->role != Field::Role::seen;
    });
    return all;
}

ChangeView change_view(const Resource& resource, const Change& change, const Sources& sources, const Detail& detail) {
    ChangeView view;
    const Schema& schema = resource.type->schema();
    view.id = to_text(resource.id);
    view.reaction = resource.type->reaction(change);
    const bool runs = view.reaction == "run";
    Detail how = detail;
    how.options |= runs;
    view.attributes = attributes(&schema, encode(schema, change.before), encode(schema, change.after), how);
    view.action = !change.after                                   ? ChangeView::Action::remove
                  : runs                                          ? ChangeView::Action::react
                  : !change.before                                ? ChangeView::Action::create
                  : view.attributes.empty() && change.triggered() ? ChangeView::Action::react
                                                                  : ChangeView::Action::change;
    if (view.action == ChangeView::Action::remove) view.attributes = why_it_goes(schema, change, how);
    if (view.action == ChangeView::Action::change && view.attributes.empty() && view.reaction.empty())
        view.note = "back to the byte, with what no attribute says: times, capabilities";
    view.where = place_of(resource.where, sources);
    view.doc = resource.doc;
    view.leaving = resource.leaving;
    view.undo = resource.type->undo_of(change);
    view.cost = resource.type->cost_of(change);
    return view;
}

}  // namespace

PlanView view_of(const Catalog& catalog, const Plan& plan, const Sources& sources, const Detail& detail) {
    PlanView view;
    view.resources = catalog.size();
    std::vector<bool> changes(catalog.size(), false);
    std::size_t number = 0;
    for (const Step& step : plan) {
        number += step.changes.size();
        for (const std::uint32_t i : step.resources) changes[i] = true;
    }
    view.changes.reserve(number);
    for (std::size_t s = 0; s < plan.size(); ++s)
        for (std::size_t c = 0; c < plan[s].changes.size(); ++c) {
            const Resource& resource = catalog[plan[s].resources[c]];
            ChangeView change = change_view(resource, plan[s].changes[c], sources, detail);
            if (resource.companion) change.because = to_text(catalog[resource.because].id);
            if (!change.reaction.empty() && plan[s].changes[c].triggered())
                for (const std::uint32_t watched : resource.watches)
                    if (changes[watched]) change.triggers.push_back(to_text(catalog[watched].id));
            change.step = s + 1;
            for (const std::uint32_t earlier : plan[s].waits_for) change.waits_for.push_back(earlier + 1);
            view.changes.push_back(std::move(change));
        }
    return view;
}

std::vector<PlanView::Asked> asked_of(const Site& site, const Sources& sources) {
    std::vector<PlanView::Asked> all;
    for (const Check& check : site.checks)
        all.push_back(
            {chaos::to_text(check), wish_of(check), check.within_s, check.doc, place_of(check.where, sources)});
    return all;
}

std::string_view to_text(ChangeView::Action action) {
    switch (action) {
        case ChangeView::Action::create: return "create";
        case ChangeView::Action::change: return "change";
        case ChangeView::Action::remove: return "remove";
        case ChangeView::Action::react: return "react";
    }
    return {};
}

std::string_view undo_text(Undo undo) {
    switch (undo) {
        case Undo::exact: return "exact";
        case Undo::cached: return "from cache";
        case Undo::effort: return "best effort";
        case Undo::none: return "none";
        case Undo::repacked: return "repacked";
    }
    return {};
}

std::size_t PlanView::number(ChangeView::Action action) const {
    return static_cast<std::size_t>(
        std::count_if(changes.begin(), changes.end(), [&](const ChangeView& c) { return c.action == action; }));
}

void PlanView::forget_changes() {
    constexpr std::size_t many = 10'000;  // of fewer it is not worth the time
    const bool large = changes.size() > many;
    std::vector<ChangeView>().swap(changes);
    if (large) give_back_freed_memory();
}

Cost PlanView::cost() const {
    Cost all;
    for (const ChangeView& change : changes) all.fetched += change.cost.fetched, all.room += change.cost.room;
    return all;
}

std::vector<std::pair<std::string, std::size_t>> PlanView::reactions() const {
    std::map<std::string, std::size_t> numbers;
    for (const ChangeView& change : changes)
        if (!change.reaction.empty()) ++numbers[change.reaction];
    return {numbers.begin(), numbers.end()};
}

std::string summary(const PlanView& view) {
    std::string out =
        fmt::format("{} to create, {} to change, {} to remove", view.creates(), view.alters(), view.removes());
    for (const auto& [reaction, number] : view.reactions()) out += fmt::format(", {} to {}", number, reaction);
    std::string cost;
    const auto [fetched, room] = view.cost();
    if (fetched) cost = fmt::format("{} to fetch", size_of(static_cast<std::uint64_t>(fetched)));
    if (room)
        cost += fmt::format("{}{} {} on disk", cost.empty() ? "" : ", ",
                            size_of(static_cast<std::uint64_t>(room < 0 ? -room : room)), room < 0 ? "less" : "more");
    return cost.empty() ? out : out + "; " + cost;
}

Json to_json(const Conflict& conflict) {
    return Json::record({{"id", to_text(conflict.id)},
                         {"attribute", conflict.attribute.empty() ? Json() : Json(conflict.attribute)},
                         {"before", conflict.before},
                         {"ours", conflict.ours},
                         {"now", conflict.now},
                         {"lost", conflict.lost}});
}

Json to_json(const Upgrades::Stays& one) {
    using Why = Upgrades::Stays::Why;
    const auto why = one.why == Why::held ? "held" : one.why == Why::fixed ? "declared" : "impossible";
    return Json::record({{"package", one.name},
                         {"version", one.version},
                         {"newer", one.newer},
                         {"why", why},
                         {"reason", one.reason.empty() ? Json() : Json(one.reason)}});
}

std::string_view to_text(Decided::How how) {
    switch (how) {
        case Decided::How::theirs: return "theirs";
        case Decided::How::ours: return "ours";
        case Decided::How::merged: return "merged";
    }
    return {};
}

Json to_json(const PlanView& view) {
    Json changes = Json::list(), conflicts = Json::list(), stayed = Json::list(), reactions = Json::record({});
    for (const ChangeView& change : view.changes) {
        Json attributes = Json::list();
        for (const AttributeView& attribute : change.attributes) attributes.add(to_json(attribute));
        changes.add(Json::record({{"action", to_text(change.action)},
                                  {"id", change.id},
                                  {"reaction", or_null(change.reaction)},
                                  {"triggers", change.triggers},
                                  {"attributes", attributes},
                                  {"where", or_null(change.where)},
                                  {"doc", or_null(change.doc)},
                                  {"because", or_null(change.because)},
                                  {"note", or_null(change.note)},
                                  {"leaving", change.leaving},
                                  {"undo", undo_text(change.undo)},
                                  {"fetched", change.cost.fetched},
                                  {"room", change.cost.room},
                                  {"step", change.step},
                                  {"waits_for", change.waits_for}}));
    }
    for (const Conflict& conflict : view.conflicts) conflicts.add(to_json(conflict));
    for (const ResourceId& id : view.stayed) stayed.add(to_text(id));
    Json decided = Json::list(), superseded = Json::list();
    for (const Decided& one : view.decided)
        decided.add(Json::record({{"how", to_text(one.how)}, {"conflict", to_json(one.conflict)}}));
    for (const Superseded& one : view.superseded)
        superseded.add(Json::record({{"id", to_text(one.id)},
                                     {"attribute", one.attribute.empty() ? Json() : Json(one.attribute)},
                                     {"by", one.by}}));
    Json settles = Json::list();
    for (const std::string& id : view.settles) settles.add(id);
    Json stays = Json::list();
    for (const auto& one : view.stays) stays.add(to_json(one));
    for (const auto& [reaction, number] : view.reactions()) reactions.add(reaction, number);
    Json checks = Json::list(), because = Json::list();
    for (const PlanView::Asked& asked : view.checks)
        checks.add(Json::record({{"check", asked.check},
                                 {"expects", asked.wish},
                                 {"within", asked.within_s},
                                 {"doc", or_null(asked.doc)},
                                 {"where", or_null(asked.where)}}));
    for (const auto& [id, what] : view.confirmation.because)
        because.add(Json::record({{"id", id}, {"what", or_null(what)}}));
    const Json confirmation = Json::record(
        {{"seconds", view.confirmation.seconds}, {"reason", to_text(view.confirmation.reason)}, {"because", because}});
    return Json::record({{"title", view.title},
                         {"resources", view.resources},
                         {"state_known", view.unseen.empty()},
                         {"changes", changes},
                         {"conflicts", conflicts},
                         {"decided", decided},
                         {"superseded", superseded},
                         {"stayed", stayed},
                         {"settles", settles},
                         {"stays", stays},
                         {"summary", Json::record({{"create", view.creates()},
                                                   {"change", view.alters()},
                                                   {"remove", view.removes()},
                                                   {"reactions", reactions},
                                                   {"fetched", view.cost().fetched},
                                                   {"room", view.cost().room}})},
                         {"checks", checks},
                         {"confirm", view.confirmation.seconds ? confirmation : Json()},
                         {"next", view.next.empty() ? Json() : Json(view.next)}});
}

namespace {

std::string head_of(const ChangeView& change, Style style) {
    const std::string id = escape(change.id);
    switch (change.action) {
        case ChangeView::Action::create: return style.green("+ " + id);
        case ChangeView::Action::change: return style.yellow("~ " + id);
        case ChangeView::Action::remove: return style.red("- " + id);
        case ChangeView::Action::react: return style.cyan("! " + id);
    }
    return id;
}

std::string remarks_of(const ChangeView& change) {
    std::vector<std::string> remarks;
    if (!change.reaction.empty())
        remarks.push_back(change.triggers.empty()
                              ? change.reaction
                              : fmt::format("{}: {} changes", change.reaction, listed(change.triggers, 3)));
    if (change.leaving) remarks.emplace_back("left the manifest: as it was before");
    if (!change.note.empty()) remarks.push_back(change.note);
    if (!change.because.empty()) remarks.push_back("because of " + change.because);
    if (change.undo != Undo::exact) remarks.push_back(fmt::format("undo: {}", undo_text(change.undo)));
    std::string out;
    for (const std::string& remark : remarks) out += (out.empty() ? "" : "; ") + escape(remark);
    return out;
}

std::string render(const ChangeView& change, Style style, bool verbose) {
    const std::string remarks = remarks_of(change);
    std::string out = "  " + head_of(change, style);
    if (!remarks.empty()) out += style.dim("  (" + remarks + ")");
    if (!change.where.empty()) out += style.dim("  " + change.where);
    out += '\n';
    if (!change.doc.empty()) out += style.dim("      # " + escape(change.doc)) + '\n';
    if (verbose) {
        std::vector<std::string> earlier;
        for (const std::size_t step : change.waits_for) earlier.push_back(std::to_string(step));
        out += style.dim(
                   fmt::format("      step {}{}", change.step, earlier.empty() ? "" : ", after " + listed(earlier))) +
               '\n';
    }
    for (const AttributeView& attribute : change.attributes) out += render(attribute, style, 6);
    return out;
}

}  // namespace

namespace {

constexpr std::size_t most_lines_of_a_conflict = 60;

std::string name_of(const ResourceId& id, const std::string& attribute) {
    return escape(to_text(id)) + (attribute.empty() ? "" : " " + escape(attribute));
}

/// Texts of several lines are told by what somebody changed in what chaos wrote.
std::string change_in(const Conflict& conflict, Style style) {
    const auto is_shown = [](const Value& value) { return value.is_text() && !value.secret && is_text(value.text()); };
    if (!is_shown(conflict.wrote) || !is_shown(conflict.found)) return {};
    if (conflict.wrote.text().find('\n') == std::string::npos && conflict.found.text().find('\n') == std::string::npos)
        return {};
    const Diff diff = unified_diff(conflict.wrote.text(), conflict.found.text(), most_lines_of_a_conflict);
    std::string out = style.dim("      what was changed since chaos wrote it:\n");
    for (const std::string& line : diff.lines) {
        const std::string shown = "      " + escape(line, true);
        out += (line[0] == '-' ? style.red(shown) : line[0] == '+' ? style.green(shown) : shown) + '\n';
    }
    if (diff.left_out) out += style.dim(fmt::format("      {} more lines\n", diff.left_out));
    return out;
}

std::string values_of(const Conflict& conflict) {
    return fmt::format("      before: {}\n      chaos wrote: {}\n      now: {}\n", escape(conflict.before),
                       escape(conflict.ours), escape(conflict.now));
}

}  // namespace

std::string render(const Conflict& conflict, Style style) {
    return fmt::format("  {}: {}\n{}{}", style.yellow("= " + name_of(conflict.id, conflict.attribute)),
                       conflict.lost ? "it can not come back" : "it stays as somebody else made it",
                       values_of(conflict), change_in(conflict, style));
}

std::string render(const Decided& one, Style style) {
    const std::string_view what = one.how == Decided::How::theirs ? "it stays as somebody else made it, as was decided"
                                  : one.how == Decided::How::ours ? "it goes back over what somebody else made of it"
                                                                  : "what somebody else made of it is merged with what "
                                                                    "goes back";
    return fmt::format("  {}: {}\n{}{}", style.cyan("= " + name_of(one.conflict.id, one.conflict.attribute)), what,
                       values_of(one.conflict), change_in(one.conflict, style));
}

std::string render(const Superseded& one, Style style) {
    return fmt::format("  {}: run {} changed it again: it stays\n", style.cyan("= " + name_of(one.id, one.attribute)),
                       one.by);
}

std::string render_stayed(const std::vector<ResourceId>& ids, Style style) {
    std::string out;
    for (const ResourceId& id : ids)
        out += fmt::format("  {}: it was run and can not be taken back: what it changed stays\n",
                           style.yellow("= " + escape(to_text(id))));
    return out;
}

namespace {

/// What comes after the changes: what is asked, and whether somebody must say that it is well.
std::string render_end(const PlanView& view, Style style, bool verbose) {
    std::string out;
    for (const PlanView::Asked& asked : view.checks) {
        out += fmt::format("Then: {}", style.cyan("? " + escape(asked.check)));
        out += style.dim(
                   verbose ? fmt::format("  (expects {}, within {})", escape(asked.wish), time_in_words(asked.within_s))
                           : "") +
               (asked.where.empty() ? "" : style.dim("  " + asked.where)) + '\n';
    }
    const Confirmation& confirmation = view.confirmation;
    if (confirmation.seconds == 0) return out;
    std::vector<std::string> why;
    for (const auto& [id, what] : confirmation.because)
        why.push_back(what.empty() ? id : fmt::format("{} ({})", id, what));
    const std::string reason = confirmation.reason == Confirmation::Reason::ssh
                                   ? fmt::format(": over ssh this could lock you out: {}", listed(why, 3))
                               : why.empty() ? ""
                                             : fmt::format(": as the manifest says of {}", listed(why, 3));
    return out +
           style.yellow(fmt::format("It is taken back after {} unless confirmed, from a new connection{}.",
                                    time_in_words(confirmation.seconds), escape(reason))) +
           '\n';
}

}  // namespace

void render(const PlanView& view, Style style, bool verbose, const std::function<void(std::string_view)>& piece) {
    constexpr std::size_t worth_a_write = 1 << 16;
    std::string out;
    if (!view.title.empty()) out += style.bold(escape(view.title)) + '\n';
    if (!view.unseen.empty())
        out += style.yellow(
            fmt::format("What is there on {} is not known: everything is shown as to be made.\n", escape(view.unseen)));
    for (const ChangeView& change : view.changes) {
        out += render(change, style, verbose);
        if (out.size() < worth_a_write) continue;
        piece(out);
        out.clear();
    }
    for (const Conflict& conflict : view.conflicts) out += render(conflict, style);
    for (const Decided& one : view.decided) out += render(one, style);
    for (const Superseded& one : view.superseded) out += render(one, style);
    out += render_stayed(view.stayed, style);
    for (const std::string& id : view.settles)
        out += fmt::format("  {}  (told when all is back: what it watches changes)\n", style.cyan("! " + escape(id)));
    const bool silent = view.conflicts.empty() && view.decided.empty() && view.superseded.empty();
    if (view.changes.empty() && silent && view.stayed.empty())
        out += fmt::format("{}: {} as wished.\n", view.unseen.empty() ? "Nothing to do" : "Nothing is to be made",
                           view.resources == 1 ? "1 resource is" : fmt::format("{} resources are", view.resources));
    else
        out += fmt::format("{}{}.\n", view.changes.empty() ? "" : "\n", summary(view));
    if (!view.changes.empty()) out += render_end(view, style, verbose);
    if (!view.next.empty()) out += style.dim("next: ") + view.next + '\n';
    piece(out);
}

std::string render(const PlanView& view, Style style, bool verbose) {
    std::string out;
    render(view, style, verbose, [&](std::string_view piece) { out += piece; });
    return out;
}

void show(Console& console, const PlanView& view) {
    if (console.json()) return console.show(view);
    render(view, console.style(), console.verbose(), [&](std::string_view piece) { console.result(piece); });
}

void show_text(Console& console, const PlanView& view) {
    if (!console.json()) show(console, view);
}

}  // namespace chaos::cli
