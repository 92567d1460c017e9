// SPDX-License-Identifier: Apache-2.0
#include "site.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/fence.hpp>
#include <chaos/provenance.hpp>
#include <chaos/system/accounts.hpp>
#include <map>
#include <set>
#include <utility>

#include "clock.hpp"
#include "holding.hpp"
#include "keys.hpp"
#include "memory.hpp"

namespace chaos::cli {

namespace {

/// What a run with these manifests comes to use, as far as their size tells: measured, twelve times as much and the
/// rest.
std::size_t memory_for(const std::vector<std::string>& paths) {
    constexpr std::size_t rest = 1 << 20, times = 12, most = 16 << 20;
    std::size_t bytes = 0;
    for (const std::string& path : paths)
        if (struct stat about{}; ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode))
            bytes += static_cast<std::size_t>(about.st_size);
    return rest + times * std::min(bytes, most);
}

}  // namespace

Site read_manifests(Context& context, const World& world, const View& view, const std::vector<std::string>& paths,
                    Provenance* provenance, bool only_looks) {
    const Options& options = context.options;
    expect_to_use(memory_for(paths));
    ReadContext reading = reading_of(context, world, view);
    reading.provenance = provenance;
    Passphrases passphrases(options);
    const KeyRing keys{key_files(options), &passphrases, only_looks};
    reading.keys = &keys;
    Diagnostics problems;
    Site site = read_site(context.sources, paths, reading, problems);
    if (problems.ok())  // a circle is a mistake of the manifest: nothing is opened yet
        site.graph = order(site.catalog, site.edges, problems);
    if (problems.ok()) find_conflicts(site, site.graph, problems);
    stop_where(problems, Exit::usage);
    say(context.console, problems.remarks(), context.sources);
    if (!options.only.empty() || !options.skip.empty()) try {
            std::vector<ResourceId> before;
            for (const Resource& resource : site.catalog) before.push_back(resource.id);
            select(site, world.registry, options.only, options.skip);
            if (provenance) renumber(*provenance, before, site.catalog);
            Diagnostics told_of_the_whole;
            site.graph = order(site.catalog, site.edges, told_of_the_whole);
        } catch (const Error& error) {
            throw Problems{{error}, Exit::usage};
        }
    return site;
}

void leave_out(Site& site, const Registry& registry, const std::vector<std::string>& names) {
    std::vector<std::string> here;
    for (const std::string& name : names)
        if (std::any_of(site.catalog.begin(), site.catalog.end(),
                        [&](const Resource& resource) { return matches(name, resource, registry); }))
            here.push_back(name);
    if (here.empty()) return;
    select(site, registry, {}, here);
    Diagnostics told_of_the_whole;
    site.graph = order(site.catalog, site.edges, told_of_the_whole);
}

namespace {

/// One error for one thing that is lacking, with all who need it.
template <class Needs>
void demand_one(const Site& site, std::vector<Error>& errors, std::string_view what, const char* hint, Needs needs) {
    std::vector<std::string> ids;
    Place where;
    for (const Resource& resource : site.catalog)
        if (needs(resource)) {
            if (ids.empty()) where = resource.where;
            ids.push_back(to_text(resource.id));
        }
    if (ids.empty()) return;
    const char* verb = ids.size() == 1 ? "needs" : "need";
    errors.push_back(Error(where, fmt::format("{} {} {}", listed(ids), verb, what)).help(hint));
}

/// What is a person's is made with that person's rights: by herself, or by root.
bool needs_root(const Resource& resource, const Host& host) {
    const std::string& key = resource.id.key;
    if (!key.starts_with('~')) return resource.type->schema().needs.root;
    const View view(host);
    return key.substr(1, key.find('/') - 1) != view.once<Accounts>().owner_name(::geteuid());
}

}  // namespace

void demand(const Site& site, const Host& host, bool changing) {
    std::vector<Error> errors;
    if (changing && !host.superuser())
        demand_one(site, errors, "root, and this is not root", "sudo chaos apply ...",
                   [&](const Resource& r) { return needs_root(r, host); });
    if (!host.live())
        demand_one(site, errors, "a running system, and this is an image",
                   "leave it out with --skip, or apply it where the image runs",
                   [](const Resource& r) { return r.type->schema().needs.live; });
    const bool asks = host.live() && std::any_of(site.catalog.begin(), site.catalog.end(),
                                                 [](const Resource& r) { return r.type->schema().needs.systemd; });
    if (asks && !host.services().answers())
        demand_one(site, errors, "systemd, and none answers here",
                   "leave it out with --skip, or apply it on a host that runs systemd",
                   [](const Resource& r) { return r.type->schema().needs.systemd; });
    if (!errors.empty()) throw Problems{errors, Exit::failed};
}

void say_who_may_apply(Console& console, const Site& site, const Host& host, const Sources& sources) {
    std::vector<Error> remarks;
    if (!host.superuser())
        demand_one(site, remarks, "root to be applied, and this is not root", "sudo chaos apply ...",
                   [&](const Resource& r) { return needs_root(r, host); });
    say(console, remarks, sources);
}

void check_owners(Site& site, const History& history, bool moved) {
    Diagnostics problems;
    const std::string origin = site.origin;
    if (moved) site.origin = history.site_origin(site.name);
    check_ownership(site, history, problems);
    site.origin = origin;
    stop_where(problems, Exit::usage);
}

namespace {

/// Protected: never removed, in whatever way, while this stands.
void refuse_protected(const Planned& planned, const Registry& registry) {
    Problems problems{{}, Exit::failed};
    for (const Step& step : planned.plan)
        for (std::size_t i = 0; i < step.changes.size(); ++i) {
            const Resource& resource = planned.site.catalog[step.resources[i]];
            if (step.changes[i].after) continue;
            const bool named = std::any_of(planned.site.protect.begin(), planned.site.protect.end(),
                                           [&](const std::string& p) { return matches(p, resource, registry); });
            if (!named && !resource.protect) continue;
            problems.errors.push_back(
                Error(resource.where, fmt::format("{} is protected and would be removed", to_text(resource.id)))
                    .help(resource.leaving
                              ? "declare it again with `protect: false` before it leaves, or say --no-prune"
                              : "take the protection away, or what removes it"));
        }
    if (!problems.errors.empty()) throw problems;
}

/// Reasons why kinds say a change would fail.
void check_changes(const Plan& plan, const View& view, Diagnostics& problems) {
    for (const Step& step : plan) step.type->check(view, step.changes, problems);
}

/// What the record of each of these resources says to be secret, as State::hidden() has it.
std::map<std::string, std::uint64_t> hidden_in_records(const std::map<std::string, const Schema*>& asked,
                                                       const History& history) {
    std::map<std::string, std::uint64_t> hidden;
    for (const Holding& holding : history.holdings()) {
        const auto found = asked.find(to_text(RecordedId{holding.type, holding.key}));
        if (found == asked.end()) continue;
        const OwnedRecord record = history.owned(holding);
        if (!record.attributes.is_map()) continue;
        for (const Field& field : found->second->fields)
            if (const Value* value = record.attributes.find(field.name); value && holds_secret(*value))
                hidden[found->first] |= hiding_bit(*found->second, field);
    }
    return hidden;
}

/// What was a secret and is none any more shows neither the old value nor the new one: it is told of the state before.
void keep_secrets(Planned& planned, const History& history) {
    std::map<std::string, const Schema*> asked;
    for (const Step& step : planned.plan)
        for (const Change& change : step.changes)
            if (change.before) asked.emplace(to_text(change.id), &step.type->schema());
    if (asked.empty()) return;
    const auto hidden = hidden_in_records(asked, history);
    if (hidden.empty()) return;
    for (Step& step : planned.plan)
        for (std::size_t i = 0; i < step.changes.size(); ++i) {
            const auto found = hidden.find(to_text(step.changes[i].id));
            if (found == hidden.end() || !step.changes[i].before) continue;
            step.changes[i].before = step.changes[i].before.hiding(found->second);
            planned.observed[step.resources[i]] = step.changes[i].before;
        }
}

/// Whether something of this run may bring accounts along that nobody names: a package, a command.
bool may_bring_accounts(const Plan& plan) {
    return std::any_of(plan.begin(), plan.end(), [](const Step& step) {
        const Order order = step.type->schema().order;
        return step.type->way() == Way::opaque && order != Order::user && order != Order::group;
    });
}

/// Owners that neither the host nor the run has: a mistake before anything is done, not in the middle of it.
void check_owners_of_paths(const Planned& planned, const View& view, Diagnostics& problems) {
    std::set<std::string, std::less<>> made;
    for (std::size_t i = 0; i < planned.goal.size(); ++i) {
        const Resource& resource = planned.site.catalog[i];
        if (resource.type->schema().order > Order::user || !planned.goal[i]) continue;
        for (std::string& name : claimed(*resource.type, planned.goal[i], {Claim::Role::provides}))
            made.insert(std::move(name));
        made.insert("group:" + resource.id.key);  // a user brings one
    }
    const bool may_come = may_bring_accounts(planned.plan);
    for (const Step& step : planned.plan) {
        const Order order = step.type->schema().order;
        if (order != Order::file && order != Order::directory) continue;
        for (const Change& change : step.changes) {
            if (!change.where) continue;
            for (const std::string& needed : claimed(*step.type, change.after, {Claim::Role::needs})) {
                const auto name = std::string_view(needed).substr(needed.find(':') + 1);
                const bool user = needed.starts_with("user:"), group = needed.starts_with("group:");
                if ((!user && !group) || made.contains(needed)) continue;
                if (name == "root") continue;  // there always is, in an image without accounts, too
                const auto& accounts = view.once<Accounts>();
                if (user ? accounts.user(name) != nullptr : accounts.group(name) != nullptr) continue;
                const char* what = user ? "user" : "group";
                Error error(change.where, fmt::format("there is no {} \"{}\", and {} is to belong to it", what, name,
                                                      to_text(change.id)));
                error.hint = fmt::format("declare it: {}s: {{{}: {{}}}}", what, name);
                may_come ? problems.note(std::move(error)) : problems.add(std::move(error));
            }
        }
    }
}

}  // namespace

void check_planned(Planned& planned, const View& view, const Registry& registry, const History* history) {
    Diagnostics problems;
    if (history) keep_secrets(planned, *history);
    check_changes(planned.plan, view, problems);
    check_owners_of_paths(planned, view, problems);
    stop_where(problems, Exit::failed);
    refuse_protected(planned, registry);
    planned.remarks = problems.remarks();
}

namespace {

/// While the choices are made, kinds may ask what earlier runs brought.
States resolve_recalling(Planned& planned, const World& world, const View& view, const History* history,
                         Diagnostics& problems) {
    if (!history || !world.host) return resolve(planned.site.catalog, view, planned.observed, problems);
    struct Recalled {
        RootHost& host;
        std::unique_ptr<Past> past;
        ~Recalled() { host.recall(nullptr); }
    };
    const Recalled recalled{*world.host, past_of(planned.site, world.registry, *history)};
    world.host->recall(recalled.past.get());
    return resolve(planned.site.catalog, view, planned.observed, problems);
}

/// What of the plan somebody else is at work on: a remark for each hold.
void note_holds(const World& world, Planned& planned) {
    for (const Hold& hold : holds(world.state_directory, seconds_now())) {
        const Change* held = nullptr;
        for (const Step& step : planned.plan)
            for (std::size_t i = 0; i < step.changes.size() && !held; ++i)
                if (hold.what == "all" || matches(hold.what, planned.site.catalog[step.resources[i]], world.registry))
                    held = &step.changes[i];
        if (held)
            planned.remarks.push_back(Error(held->where, in_words(hold)).help("chaos hold tells more, and ends it"));
    }
}

}  // namespace

Planned look_and_plan(Context& context, const World& world, const View& view, Site site, const History* history) {
    Planned planned;
    planned.site = std::move(site);
    Diagnostics problems;
    const unsigned jobs = context.options.jobs ? context.options.jobs : processors();
    if (!history) add_others(planned.site, view, world.registry, {});
    if (history) {
        check_owners(planned.site, *history, context.options.moved);
        std::set<std::string> others;
        for (const Holding& one : history->holdings())
            if (one.site == planned.site.name)
                planned.known = true;
            else
                others.insert(to_text(RecordedId{one.type, one.key}));
        add_others(planned.site, view, world.registry, others);
        recall(planned.site, *history);
        if (planned.site.whole && context.options.prune) add_leavings(planned.site, world.registry, *history, problems);
        stop_where(problems, Exit::failed);
    }
    planned.observed = observe(planned.site.catalog, view, problems, jobs, false, forbid_writes);
    stop_where(problems, Exit::failed);
    planned.goal = resolve_recalling(planned, world, view, history, problems);
    stop_where(problems, Exit::failed);
    Diagnostics circles;
    const bool is_ordered = planned.site.graph.size() == planned.site.catalog.size();  // nothing leaves or came along
    planned.graph = is_ordered ? std::exchange(planned.site.graph, Graph())
                               : order(planned.site.catalog, planned.site.edges, circles);
    stop_where(circles, Exit::usage);
    set_inputs(planned.site.catalog, view, history, planned.observed, planned.goal);
    planned.plan = chaos::plan(planned.site.catalog, planned.graph, planned.observed, planned.goal);
    check_planned(planned, view, world.registry, history);
    planned.remarks.insert(planned.remarks.end(), problems.remarks().begin(), problems.remarks().end());
    planned.remarks.insert(planned.remarks.end(), circles.remarks().begin(), circles.remarks().end());
    note_holds(world, planned);
    return planned;
}

Planned plan_unseen(Site site) {
    Planned planned;
    planned.site = std::move(site);
    planned.observed.resize(planned.site.catalog.size());
    for (const Resource& resource : planned.site.catalog)
        planned.goal.push_back(resource.absent || resource.audit ? State() : resource.wanted);
    planned.graph = std::exchange(planned.site.graph, Graph());
    planned.plan = chaos::plan(planned.site.catalog, planned.graph, planned.observed, planned.goal);
    return planned;
}

std::unique_ptr<History> look_at_history(Context& context, const World& world) {
    std::string open_run;
    auto history = open_history(world.host->root(), world.state_directory, &open_run);
    if (!open_run.empty()) context.console.problem(context.console.error_style().yellow(escape(open_run)) + '\n');
    if (const auto waits = history ? history->window() : std::nullopt)
        context.console.remark(context.console.error_style().yellow(chaos::to_text(*waits) + ": chaos confirm") + '\n');
    return history;
}

std::vector<Error> removals_to_agree_to(const Planned& planned, const Options& options) {
    constexpr std::size_t few = 3, some = 10, third = 3;
    std::size_t leaving = 0, all = 0;
    std::vector<std::string> others;
    for (const Resource& resource : planned.site.catalog) all += !resource.companion;
    for (const Step& step : planned.plan)
        for (std::size_t i = 0; i < step.resources.size(); ++i) {
            const Resource& resource = planned.site.catalog[step.resources[i]];
            leaving += resource.leaving;
            if (resource.exclusive) others.push_back(to_text(step.changes[i].id));
        }
    const std::string command = command_line("apply", options) + " --removals";
    std::vector<Error> out;
    if (others.size() > (planned.known ? few : 0))
        out.push_back(Error(fmt::format("what is not declared goes, as `exclusive` or `purge` says: {}, {}",
                                        count(others.size(), "resource"), listed(others, some)))
                          .help("if that is meant: " + command + "; declare what shall stay"));
    if (leaving > some && leaving * third > all)
        out.push_back(
            Error(fmt::format("{} of the {} resources of site '{}' left the manifest and go back to what was there "
                              "before",
                              leaving, all, escape(planned.site.name)))
                .help("if that is meant: " + command));
    return out;
}

void guard_against_mass_removal(const Options& options, Work& work, const Planned& planned) {
    if (options.removals) return;
    for (const Error& question : removals_to_agree_to(planned, options))
        if (!work.agrees(fmt::format("{}. Is that meant?", question.what()))) throw Problems{{question}, Exit::pending};
}

void demand_undo(const Planned& planned, const Options& options) {
    if (!options.require_undo) return;
    std::vector<Error> errors;
    for (const Step& step : planned.plan)
        for (std::size_t i = 0; i < step.resources.size(); ++i) {
            const Undo undo = step.type->undo_of(step.changes[i]);
            if (undo != Undo::effort && undo != Undo::none) continue;
            const std::string id = to_text(step.changes[i].id);
            errors.push_back(Error(planned.site.catalog[step.resources[i]].where,
                                   undo == Undo::none ? fmt::format("{} could not be taken back", id)
                                                      : fmt::format("{} could be taken back by best effort only", id)));
        }
    if (errors.empty()) return;
    errors.back().hint = "nothing was done, as --require-undo says; leave it out with --skip, or apply without that";
    throw Problems{errors, Exit::failed};
}

void say(Console& console, const std::vector<Error>& remarks, const Sources& sources) {
    for (std::size_t i = 0; i < std::min(remarks.size(), most_shown); ++i)
        console.remark(chaos::render(remarks[i], sources, console.error_style().colour(), "note"));
    if (remarks.size() > most_shown)
        console.remark(fmt::format("... and {} more remarks\n", remarks.size() - most_shown));
}

std::string quoted(const std::string& word) {
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789_-./:=,+@%^") == std::string::npos;
    if (plain) return word;
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
}

std::string command_line(std::string_view verb, const Options& options) {
    std::string out = fmt::format("chaos {}", verb);
    const auto add = [&](const std::string& option, const std::string& value) {
        out += " --" + option + ' ' + quoted(value);
    };
    if (options.root != "/") add("root", options.root);
    if (!options.state_directory.empty()) add("state-dir", options.state_directory);
    for (const std::string& name : options.only) add("only", name);
    for (const std::string& name : options.skip) add("skip", name);
    for (const auto& [name, value] : options.vars) add("var", name + '=' + value);
    if (!options.host_name.empty()) add("host", options.host_name);
    if (options.groups) add("groups", fmt::format("{}", fmt::join(*options.groups, ",")));
    for (const std::string& file : options.recorded) add("facts", file);
    for (const std::string& path : options.age_keys) add("age-key", path);
    if (!options.passphrase_file.empty()) add("passphrase-file", options.passphrase_file);
    if (!options.prune) out += " --no-prune";
    if (options.confirm)
        out += *options.confirm == 0 ? " --no-confirm" : fmt::format(" --confirm {}s", *options.confirm);
    for (const std::string& manifest : options.arguments) out += ' ' + quoted(manifest);
    return out;
}

}  // namespace chaos::cli
