// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/lines.hpp>
#include <map>

#include "diff.hpp"
#include "history_view.hpp"
#include "keeping_view.hpp"
#include "run.hpp"
#include "run_names.hpp"

namespace chaos::cli {

namespace {

/// The attribute of a kind that is a text with lines, as a change has it; null where it has none, or a secret one.
const Value* text_in(const Value& attributes, const Field* field) {
    const Value* value = field && attributes.is_map() ? attributes.find(field->name) : nullptr;
    return value && value->is_text() && !value->secret && is_text(value->text()) ? value : nullptr;
}

/// A text from run to run, each line with the run that brought it.
class BlamedText {
public:
    void becomes(const std::string& text, std::int64_t by) {
        std::vector<std::int64_t> now;
        for (const std::size_t kept : lines_kept(text_, text))
            now.push_back(kept == std::string_view::npos ? by : runs_[kept]);
        runs_ = std::move(now), text_ = text;
    }
    std::vector<BlamedLine> all() const {
        std::vector<BlamedLine> lines;
        for (std::string_view line : lines_of(text_)) {
            if (line.ends_with('\n')) line.remove_suffix(1);
            lines.push_back({runs_[lines.size()], std::string(line)});
        }
        return lines;
    }

private:
    std::string text_;
    std::vector<std::int64_t> runs_;
};

/// Every line of what the last run left, with the run that wrote it.
std::vector<BlamedLine> lines_of_text(const RecordedId& id, const History& history, const Schema& schema) {
    const auto field = std::find_if(schema.fields.begin(), schema.fields.end(), [](const Field& each) {
        return each.role == Field::Role::property && each.merge == Merge::text;
    });
    if (field == schema.fields.end()) return {};
    auto changes = history.changes_of({schema.name, id.key});
    std::reverse(changes.begin(), changes.end());
    BlamedText lines;
    bool known = false;
    for (const ChangeRecord& change : changes) {
        const auto run = history.run(change.run);
        if (change.result != ChangeRecord::Result::done || !run || !stands(*run)) continue;
        // What was there before the first run is nobody's; what differs before a later one, somebody did by hand.
        const Value *before = text_in(change.before, &*field), *after = text_in(change.after, &*field);
        if (!before && !after) continue;
        lines.becomes(before ? before->text() : std::string(), 0);
        lines.becomes(after ? after->text() : std::string(), change.run);
        known = after != nullptr;
    }
    return known ? lines.all() : std::vector<BlamedLine>();
}

std::string nearest_above(const std::string& path, const std::vector<OwnedRecord>& owned) {
    for (std::string above = path; above.size() > 1;) {
        above.resize(std::max<std::size_t>(above.rfind('/'), 1));
        for (const OwnedRecord& one : owned)
            if (one.key == above) return to_text(RecordedId{one.type, one.key});
    }
    return {};
}

std::string why_nothing(const std::string& asked, const std::vector<RecordedId>& ids, const History* history,
                        const std::vector<OwnedRecord>& owned) {
    if (asked.empty()) return "Nothing is managed here.";
    for (const RecordedId& id : ids)
        if (history)
            if (const auto changes = history->changes_of({id.type, id.key}); !changes.empty())
                return fmt::format("Nothing manages {} any more; run {} changed it last: chaos history {}", asked,
                                   changes.front().run, quoted(to_text(id)));
    const std::string above = asked.starts_with('/') ? nearest_above(asked, owned) : "";
    return above.empty() ? fmt::format("Nothing manages {}.", asked)
                         : fmt::format("Nothing manages {} itself; above it is {}.", asked, above);
}

}  // namespace

Exit blame(Context& context) {
    const World world = wire(context.options);
    const auto kept = look_at_history(context, world);
    BlameView view;
    view.now = right_now();
    if (!context.options.arguments.empty()) view.asked = context.options.arguments[0];
    const auto ids = view.asked.empty() ? std::vector<RecordedId>() : meant(view.asked, kept.get(), world.registry);
    const auto owned = kept ? kept->owned() : std::vector<OwnedRecord>();
    std::map<std::int64_t, std::optional<RunRecord>> runs;
    for (const OwnedRecord& one : owned) {
        const RecordedId id{one.type, one.key};
        if (!view.asked.empty() && std::find(ids.begin(), ids.end(), id) == ids.end()) continue;
        const auto [run, first] = runs.try_emplace(one.run);
        if (first) run->second = kept->run(one.run);
        view.managed.push_back({id, one.where, one.site, kept->site_origin(one.site), !one.origin.is_null(),
                                !one.attributes.is_null(), one.run, run->second});
    }
    if (view.managed.empty()) view.note = why_nothing(view.asked, ids, kept.get(), owned);
    if (!view.asked.empty() && view.managed.size() == 1)
        if (const ResourceType* type = world.registry.type(view.managed[0].id.type))
            view.lines = lines_of_text(view.managed[0].id, *kept, type->schema());
    context.console.show(view);
    return Exit::well;
}

namespace {

/// The state that a run left, as far as later ones tell it: `first` is the next change, `known` the last one before.
Value left_by(const ChangeRecord& first, const ChangeRecord* known) {
    if (!known || known->after.is_null() || first.before.is_null()) return known ? known->after : first.before;
    Value::Map all = first.before.map();
    for (const auto& [name, value] : known->after.map()) {
        const auto it =
            std::find_if(all.begin(), all.end(), [&](const Value::Entry& entry) { return entry.key == name; });
        if (it == all.end())
            all.push_back({name, value});
        else
            it->value = value;
    }
    return Value(std::move(all));
}

/// A run that is recorded, or 0: what was before the first one, as long as that is known.
void must_be_known(const History* kept, std::int64_t number) {
    const std::int64_t pruned = kept ? kept->pruned() : 0;
    if (number != 0) run_of(kept, number);
    if (number == 0 && pruned != 0)
        throw Problems{{Error(fmt::format("what was before run {} was let go of (chaos history prune)", pruned + 1))
                            .help("chaos history")},
                       Exit::usage};
}

}  // namespace

Exit diff_runs(Context& context) {
    std::int64_t from = run_number(context.options.arguments[0]), to = run_number(context.options.arguments[1]);
    const World world = wire(context.options);
    const auto kept = look_at_history(context, world);
    for (const std::int64_t number : {from, to}) must_be_known(kept.get(), number);
    const bool turned = from > to;
    BetweenView view{from, to, {}};
    if (turned) std::swap(from, to);
    std::map<RecordedId, ChangeRecord> between;  // before of the first, after of the last
    auto runs = kept ? kept->runs() : std::vector<RunRecord>();
    std::reverse(runs.begin(), runs.end());
    for (const RunRecord& run : runs) {
        if (run.number <= from || run.number > to || !stands(run)) continue;
        for (ChangeRecord& change : kept->changes(run.number)) {
            if (change.result != ChangeRecord::Result::done) continue;
            const RecordedId id{change.type, change.key};
            if (const auto it = between.find(id); it != between.end()) {
                it->second.after = std::move(change.after), it->second.run = run.number;
                continue;
            }
            const auto all = kept->changes_of({id.type, id.key});
            const auto known = std::find_if(all.begin(), all.end(), [&](const ChangeRecord& one) {
                const auto it = kept->run(one.run);
                return one.run <= from && one.result == ChangeRecord::Result::done && it && stands(*it);
            });
            change.before = left_by(change, known == all.end() ? nullptr : &*known);
            between.emplace(id, std::move(change));
        }
    }
    for (auto& [id, change] : between) {
        if (turned) std::swap(change.before, change.after);
        change.triggered = false;
        RecordedChange shown = view_of(change, schema_of(world.registry, id.type), {.diff_lines = 100'000});
        const bool is_there = change.before.is_null() != change.after.is_null();
        if (is_there || !shown.attributes.empty()) view.changes.push_back(std::move(shown));
    }
    context.console.show(view);
    return view.changes.empty() ? Exit::well : Exit::pending;
}

}  // namespace chaos::cli
