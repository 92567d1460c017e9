// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "explain_view.hpp"
#include "help.hpp"
#include "history_view.hpp"
#include "site.hpp"

namespace chaos::cli {

namespace {

struct ExplainView {
    std::string topic, text;
};
Json to_json(const ExplainView& view) {
    return Json::record({{"topic", view.topic.empty() ? Json() : Json(view.topic)}, {"text", view.text}});
}
std::string render(const ExplainView& view, Style style, bool) {
    return render_markdown(view.text, style);
}

/// A page for each kind, those of the language, facts and expressions, and one that lists them.
Exit write_reference(const Registry& registry, const std::string& directory) {
    ::mkdir(directory.c_str(), 0777);
    write_file(directory + "/README.md", explain(registry, ""));
    for (const ResourceType* type : registry.types)
        write_file(fmt::format("{}/{}.md", directory, type->schema().name), explain(registry, type->schema().name));
    std::string facts = "# Facts\n\nWhat is true of a host that nobody declares: `facts.NAME` in an expression.\n";
    for (const Fact& fact : registry.facts) facts += fmt::format("\n{}", explain(registry, fact.name));
    write_file(directory + "/facts.md", facts);
    write_file(directory + "/language.md", explain(registry, "language"));
    write_file(directory + "/expressions.md", explain(registry, "expressions"));
    return Exit::well;
}

/// The exit codes, as `chaos help` tells them; of one code its line. Empty for what is none.
std::string exit_page(std::string topic) {
    if (topic.starts_with("exit")) topic.erase(0, 4);
    for (const std::string_view word : {"-", " ", "codes", "code", "-", " "})
        if (topic.starts_with(word)) topic.erase(0, word.size());
    if (topic.find_first_not_of("0123456789") != topic.npos) return {};
    const std::string_view help = help_text("help");
    std::string lines;
    for (std::size_t at = help.find("\n    0 "); at != help.npos && at < help.find("\n## ");
         at = help.find('\n', at + 1)) {
        const std::string_view line = help.substr(at + 1, help.find('\n', at + 1) - at - 1);
        const std::string_view code = line.substr(std::min<std::size_t>(line.size(), 4));
        const bool wanted = topic.empty() || (code.starts_with(topic) && code.substr(topic.size()).starts_with(' '));
        if (line.starts_with("    ") && wanted) lines += std::string(line) + '\n';
    }
    return lines.empty() ? lines : "# exit codes\n\nHow every command ends, for scripts.\n\n" + lines;
}

/// The manifest that is meant where none is named: the one here, else the one that was applied last.
std::string manifest_meant(Context& context, const World& world) {
    if (::access("site.yml", R_OK) == 0) return "site.yml";
    if (!world.recorded)
        if (const auto history = look_at_history(context, world))
            for (const RunRecord& run : history->runs())
                if (const std::string origin = run.site.empty() ? "" : history->site_origin(run.site);
                    !origin.empty()) {
                    context.console.remark(
                        fmt::format("As {} has it, which was applied last (run {}).\n", escape(origin), run.number));
                    return origin;
                }
    throw Usage("which manifest? There is no site.yml in this directory, and none was applied yet");
}

bool is_of_a_site(const std::string& topic) {
    return topic.find(':') != topic.npos;
}

struct Subject {
    std::uint32_t number;
    std::string attribute;
};

/// `file:/etc/motd`, `file:/etc/motd.mode`: keys have dots as well, so the whole is tried first.
std::optional<Subject> subject_of(const Explainer& explainer, const Registry& registry, const std::string& topic) {
    const auto find = [&](const std::string& id) -> std::optional<std::uint32_t> {
        try {
            return explainer.find(parse_id(id, registry));
        } catch (const Error&) {
            return std::nullopt;
        }
    };
    if (const auto number = find(topic)) return Subject{*number, ""};
    const auto dot = topic.rfind('.');
    if (dot == topic.npos) return std::nullopt;
    const auto number = find(topic.substr(0, dot));
    return number ? std::optional(Subject{*number, topic.substr(dot + 1)}) : std::nullopt;
}

Error unknown_resource(const Site& site, const Registry& registry, const std::string& topic) {
    parse_id(topic, registry);  // says what is wrong with the id itself
    std::vector<std::string> ids;
    for (const Resource& resource : site.catalog) ids.push_back(to_text(resource.id));
    const std::vector<std::string_view> names(ids.begin(), ids.end());
    const auto near = nearest(topic, names);
    return Error(fmt::format("site '{}' does not declare {}", site.name, topic))
        .help(near.empty() ? "chaos compile MANIFEST lists all that it declares"
                           : fmt::format("did you mean {}?", near));
}

/// Whose it is, as far as it is recorded.
std::string owned_by(const History& history, const ResourceId& id) {
    for (const Holding& holding : history.holdings()) {
        if (holding.type != id.type || holding.key != id.key) continue;
        const OwnedRecord record = history.owned(holding);
        const auto changes = history.changes_of(id);
        return fmt::format("Owned by site {}{}; as run {} left it.", record.site,
                           changes.empty() ? "" : fmt::format(" since run {}", changes.back().run), record.run);
    }
    return "Not owned: no run made it so, and taking it out of the manifest takes nothing away.";
}

std::string why_of(const Listening& listening, std::string_view reaction) {
    using Why = Listening::Why;
    const std::string verb = reaction.empty() ? "react" : std::string(reaction);
    switch (listening.why) {
        case Why::nothing: return "";
        case Why::not_there: return "It is to be made: it starts with what is there then.";
        case Why::never: return fmt::format("It would {}: no run of it is noted.", verb);
        case Why::differs:
            return fmt::format("It would {}: this differs from what it took note of when it last started:", verb);
        case Why::somebody_else:
            return fmt::format(
                "It would {}: somebody else started it, and what it watches changed since. What it read is not known.",
                verb);
        case Why::does_not_run: return "It does not run: nothing of it has read what it watches before.";
        case Why::fresh:
            return fmt::format("It would not {}: it started after the last change of all it watches.", verb);
        case Why::as_noted: return fmt::format("It would not {}: all it watches is as when it last took note.", verb);
        case Why::first_seen:
            return fmt::format("It would not {}: it is first seen, and counts as up to date with what is there.", verb);
    }
    return "";
}

/// What the host and its history tell of it. What can not be looked at is said, and the rest is told all the same.
void add_state(Context& context, const World& world, const View& view, Site site, std::uint32_t number,
               ExplainedView& shown) {
    if (world.recorded) {
        shown.owned = "Whose it is on the host is not known: only its facts were recorded.";
        return;
    }
    try {
        const auto history = look_at_history(context, world);
        const ResourceId id = site.catalog[number].id;
        shown.owned = history ? owned_by(*history, id) : "Not owned: nothing was applied here yet.";
        if (!site.catalog[number].type->schema().reacts || site.catalog[number].watches.empty()) return;
        const Planned planned = look_and_plan(context, world, view, std::move(site), history.get());
        const Listening listening =
            listening_of(planned.site.catalog, number, view, history.get(), planned.observed, planned.goal);
        std::string_view reaction = "restart";
        for (const Step& step : planned.plan)
            for (const Change& change : step.changes)
                if (change.id == id && change.triggered()) reaction = step.type->reaction(change);
        shown.reacts = listening.due, shown.why = why_of(listening, reaction), shown.differ = listening.differ;
    } catch (const Problems& problems) {
        shown.why = fmt::format("Its state can not be told: {}", problems.errors.front().what());
    } catch (const Error& error) {
        shown.owned = fmt::format("Whose it is can not be told: {}", error.what());
    }
}

Exit explain_in_site(Context& context, const std::string& topic, std::vector<std::string> paths) {
    const World world = wire(context);
    const View view(world.subject());
    if (paths.empty()) paths.push_back(manifest_meant(context, world));
    Provenance provenance;
    Site site = read_manifests(context, world, view, paths, &provenance, true);
    const Explainer explainer(site, provenance, context.sources, world.registry);
    ExplainedView shown;
    try {
        if (topic.starts_with("var:")) {
            shown = explainer.variable(std::string_view(topic).substr(4));
        } else if (topic.starts_with("module:")) {
            shown = explainer.module(std::string_view(topic).substr(7));
        } else if (const auto subject = subject_of(explainer, world.registry, topic)) {
            const Schema& schema = site.catalog[subject->number].type->schema();
            const std::string& name = subject->attribute;
            if (!name.empty() && !schema.find(name) && !is_meta_attribute(name))
                throw Error(fmt::format("a {} has no attribute '{}'", schema.name, name))
                    .help(fmt::format("chaos explain {}", schema.name));
            shown = name.empty() ? explainer.resource(subject->number) : explainer.attribute(subject->number, name);
            if (name.empty()) add_state(context, world, view, std::move(site), subject->number, shown);
        } else if (auto gone = explainer.gone(parse_id(topic, world.registry))) {
            shown = std::move(*gone);
        } else {
            throw unknown_resource(site, world.registry, topic);
        }
    } catch (const Error& error) {
        throw Problems{{error}, Exit::failed};
    }
    context.console.show(shown);
    return Exit::well;
}

}  // namespace

Exit explain(Context& context) {
    const Registry registry{builtin_types(), builtin_facts()};
    if (!context.options.reference.empty()) return write_reference(registry, context.options.reference);
    std::string topic = context.options.arguments.empty() ? "" : context.options.arguments[0];
    std::vector<std::string> paths = manifests(context.options);
    if (!paths.empty()) paths.erase(paths.begin());
    if (topic == "exit" && paths.size() == 1 && !exit_page(paths[0]).empty()) topic += " " + paths[0], paths.clear();
    if (is_of_a_site(topic) || !paths.empty()) return explain_in_site(context, topic, std::move(paths));
    const std::string codes = exit_page(topic);
    const bool asks_for_codes = !codes.empty() && !topic.empty();
    context.console.show(ExplainView{topic, asks_for_codes ? codes : explain(registry, topic)});
    return Exit::well;
}

Exit schema(Context& context) {
    context.console.result(json_schema({builtin_types(), builtin_facts()}) + '\n');
    return Exit::well;
}

}  // namespace chaos::cli
