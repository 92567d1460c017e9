// SPDX-License-Identifier: Apache-2.0
// What a service, or an exec, listens to: a state, so that a restart is never lost (store.md C9).
#include <algorithm>
#include <chaos/provenance.hpp>
#include <chaos/transaction.hpp>

namespace chaos {

namespace {

const Digest* find(const Noted& noted, const std::string& name) {
    const auto held = std::lower_bound(noted.begin(), noted.end(), name,
                                       [](const auto& a, const std::string& b) { return a.first < b; });
    return held != noted.end() && held->first == name ? &held->second : nullptr;
}

Digest digest_of(const Noted& noted) {
    Hasher hasher;
    for (const auto& [name, value] : noted) hasher.add(name).add("\n").add(hex(value)).add("\n");
    return hasher.finish();
}

/// When anything it watches last changed: by our own runs, or, for what lies at a path, by anybody.
std::int64_t last_change(const Catalog& catalog, const Resource& watcher, const View& view, const History& history) {
    std::int64_t last = 0;
    for (const std::uint32_t j : watcher.watches) {
        for (const ChangeRecord& change : history.changes_of(catalog[j].id)) {
            if (const auto run = history.run(change.run)) last = std::max(last, run->ended ? run->ended : run->started);
            break;
        }
        for (const std::string& name : claimed(*catalog[j].type, catalog[j].wanted, {Claim::Role::provides})) {
            if (!name.starts_with("path:")) continue;
            const std::string path = name.substr(5);
            auto there = view->look(path);
            // What is gone has no times: what it was in has.
            if (!there) there = view->look(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)));
            last = std::max(last, there.changed);
        }
    }
    return last;
}

/// What is known of what runs of a watcher now, beside what was noted of it.
enum class Reader : char {
    none,      ///< It does not run: nothing has stale inputs.
    as_noted,  ///< It is the one that took note.
    fresh,     ///< It started after the last change of every input: it has read them all.
    unknown,   ///< Somebody else started it, and what it read then has changed since: nobody knows what that was.
};

Reader reader_of(const Catalog& catalog, std::uint32_t i, const View& view, const History* history,
                 const State& observed, const std::string& invocation) {
    const auto runs = catalog[i].type->runs_as(view, observed);
    if (!runs) return Reader::as_noted;
    if (runs->id.empty()) return Reader::none;
    if (!history || runs->id == invocation) return Reader::as_noted;
    constexpr std::int64_t margin = 20'000'000;  // the time of a file is that of the clock's last tick: 10 ms at most
    if (runs->started > last_change(catalog, catalog[i], view, *history) + margin) return Reader::fresh;
    return invocation.empty() ? Reader::as_noted : Reader::unknown;
}

}  // namespace

Noted inputs_of(const Catalog& catalog, std::uint32_t i, const States& states) {
    Noted noted;
    for (const std::uint32_t j : catalog[i].watches) {
        const Schema& schema = catalog[j].type->schema();
        const std::string id = to_text(catalog[j].id);
        if (!states[j]) {
            noted.emplace_back(id, digest("absent"));
            continue;
        }
        noted.emplace_back(id, digest("present"));
        for (const Field& field : schema.fields) {
            if (field.role != Field::Role::property || !field.given(states[j].spec())) continue;
            if (field.merge != Merge::text && !field.given(catalog[j].wanted.spec())) continue;
            const Value value = field.get(states[j].spec());
            noted.emplace_back(id + "." + std::string(field.name),
                               digest(value.is_text() ? value.text() : to_json(value)));
        }
    }
    std::sort(noted.begin(), noted.end());
    return noted;
}

Noted noted_after(const Catalog& catalog, std::uint32_t i, const States& states, const Noted& known) {
    Noted noted = inputs_of(catalog, i, states);
    const std::size_t seen = noted.size();
    for (const ResourceId& id : catalog[i].passed_over) {
        const std::string name = to_text(id), attributes = name + ".";
        for (const auto& held : known) {
            if (held.first != name && !held.first.starts_with(attributes)) continue;
            const Noted now(noted.begin(), noted.begin() + static_cast<std::ptrdiff_t>(seen));
            if (!find(now, held.first)) noted.push_back(held);
        }
    }
    std::sort(noted.begin(), noted.end());
    noted.erase(std::unique(noted.begin(), noted.end()), noted.end());
    return noted;
}

namespace {

/// What is known of one that listens.
struct Watcher {
    Noted to_come, base;  ///< What it listens to, as it will be, and as it took note of it.
    Digest known, wanted;
    Reader reader = Reader::as_noted;
    bool noted = false, never = false;
};

Watcher watcher_of(const Catalog& catalog, std::uint32_t i, const View& view, const History* history,
                   const States& observed, const States& goal) {
    Watcher watcher;
    std::string invocation;
    const Noted noted = history ? history->noted(catalog[i].id, &invocation) : Noted();
    const Noted now = inputs_of(catalog, i, observed);
    watcher.to_come = inputs_of(catalog, i, goal);
    watcher.noted = !noted.empty();
    watcher.never = noted.empty() && catalog[i].type->told_by_notes(catalog[i].wanted);
    // What it took note of, as far as that is known; else what is there: a running service is first seen as up to
    // date.
    for (const auto& [name, value] : watcher.to_come) {
        const Digest* held = find(noted, name);
        if (!held && !watcher.never) held = find(now, name);
        watcher.base.emplace_back(name, held ? *held : digest("absent"));
    }
    watcher.wanted = digest_of(watcher.to_come);
    watcher.known = digest_of(watcher.base);
    // Somebody may have restarted it while what it reads was not as it is noted, and is to be.
    if (observed[i]) watcher.reader = reader_of(catalog, i, view, history, observed[i], invocation);
    const bool differs = !(watcher.known == watcher.wanted);
    if (watcher.reader == Reader::unknown) watcher.known = digest("somebody else started it");
    if (watcher.reader == Reader::fresh || (watcher.reader == Reader::none && differs)) {
        for (auto& [name, value] : watcher.base) {
            const Digest* held = find(now, name);
            value = held ? *held : digest("absent");
        }
        watcher.known = digest_of(watcher.base);
    }
    return watcher;
}

}  // namespace

void set_inputs(const Catalog& catalog, const View& view, const History* history, States& observed, States& goal) {
    for (std::uint32_t i = 0; i < catalog.size(); ++i) {
        if (!catalog[i].type->schema().reacts || catalog[i].watches.empty() || !goal[i]) continue;
        const Watcher watcher = watcher_of(catalog, i, view, history, observed, goal);
        if (observed[i]) observed[i] = observed[i].with_inputs(watcher.known);
        // What is only audited reacts to nothing.
        goal[i] = goal[i].with_inputs(catalog[i].audit ? watcher.known : watcher.wanted);
    }
}

Listening listening_of(const Catalog& catalog, std::uint32_t i, const View& view, const History* history,
                       const States& observed, const States& goal) {
    Listening answer;
    if (!catalog[i].type->schema().reacts || catalog[i].watches.empty() || !goal[i]) return answer;
    const Watcher watcher = watcher_of(catalog, i, view, history, observed, goal);
    for (std::size_t k = 0; k < watcher.to_come.size(); ++k) {
        answer.inputs.push_back(watcher.to_come[k].first);
        if (!(watcher.to_come[k].second == watcher.base[k].second)) answer.differ.push_back(watcher.to_come[k].first);
    }
    using Why = Listening::Why;
    answer.why = !observed[i]                        ? Why::not_there
                 : watcher.reader == Reader::unknown ? Why::somebody_else
                 : watcher.reader == Reader::none    ? Why::does_not_run
                 : watcher.never                     ? Why::never
                 : !answer.differ.empty()            ? Why::differs
                 : watcher.reader == Reader::fresh   ? Why::fresh
                 : watcher.noted                     ? Why::as_noted
                                                     : Why::first_seen;
    answer.due = observed[i] && !catalog[i].audit && !(watcher.known == watcher.wanted);
    return answer;
}

}  // namespace chaos
