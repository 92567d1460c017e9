// SPDX-License-Identifier: Apache-2.0
// What a kind looks like, told from its Schema: help, and the pages of docs/reference.
#include <fmt/format.h>
#include <chaos/template.hpp>

#include "conflicts_page.hpp"
#include "declaration.hpp"
#include "filters.hpp"
#include "shipped.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

std::string needs_of(const Schema& schema) {
    std::string text;
    if (schema.needs.live) text += "a running system (not an image)";
    if (schema.needs.systemd) text += std::string(text.empty() ? "" : ", ") + "systemd";
    if (schema.needs.root)
        text += std::string(text.empty() ? "" : ", ") +
                (schema.personal == Personal::no ? "root" : "root (but for one's own)");
    return text;
}

std::string remarks_on(const Field& field) {
    std::string text;
    const auto add = [&](std::string_view remark) { text += fmt::format("{}{}", text.empty() ? "" : "; ", remark); };
    if (field.role == Field::Role::key) add("the key");
    if (field.required && field.role != Field::Role::key) add("required");
    if (field.role == Field::Role::option) add("says how, not what: never compared");
    if (!field.into.empty()) add(fmt::format("becomes `{}`", field.into));
    if (!field.stands_for.empty()) add(fmt::format("stands for the resource `{}` of the same key", field.stands_for));
    if (field.role == Field::Role::seen) add("seen only: a manifest can not set it");
    if (field.merge == Merge::members) add("adds: members that are not listed stay");
    if (field.merge == Merge::keys) add("united key by key");
    if (field.secret) add("never shown");
    if (field.live) add("of the running system; an image has none");
    if (!field.fallback.empty()) add(fmt::format("otherwise: {}", field.fallback));
    if (!field.alias.empty()) add(fmt::format("also written `{}`", field.alias));
    return text;
}

std::string attribute_page(const Schema& schema, const Field& field) {
    std::string text = fmt::format("# {}.{}\n\n{}\n\n- type: {}\n", schema.name, field.name, field.doc, field.type);
    if (const auto remarks = remarks_on(field); !remarks.empty()) text += fmt::format("- {}\n", remarks);
    if (!field.sample.empty()) text += fmt::format("- example: `{}: {}`\n", field.name, field.sample);
    return text;
}

std::string example_of(const Schema& schema) {
    const Field* key = schema.key();
    std::string text = fmt::format("```yaml\n{}:\n", schema.section), indent = "  ";
    if (key) text += fmt::format("  {}:\n", key->sample.empty() ? "NAME" : key->sample), indent = "    ";
    for (const Field& field : schema.fields)
        if (!field.sample.empty() && field.role != Field::Role::key && field.role != Field::Role::seen &&
            !field.compiled_away())
            text += fmt::format("{}{}: {}\n", indent, field.name, field.sample);
    return text + "```\n";
}

std::string kind_page(const Schema& schema) {
    std::string text = fmt::format("# {}\n\n{}\n\n", schema.name, schema.doc);
    text += fmt::format("Section `{}`, id `{}{}`.", schema.section, schema.name,
                        schema.key() ? ":" + std::string(schema.key()->name) : "");
    if (!schema.main.empty()) text += fmt::format(" A scalar body is its `{}`.", schema.main);
    if (const auto needs = needs_of(schema); !needs.empty()) text += fmt::format(" It needs {}.", needs);
    if (schema.personal != Personal::no)
        text += fmt::format(" With `user: NAME` it is that person's, and its id `~NAME/{}:{}`.", schema.name,
                            schema.key()->name);
    if (schema.reacts) text += " It may `watch` others, and reacts when they change.";
    text += "\n\n| attribute | type | what it says |\n|---|---|---|\n";
    for (const Field& field : schema.fields) {
        const auto remarks = remarks_on(field);
        text += fmt::format("| `{}` | {} | {}{} |\n", field.name, field.type, field.doc,
                            remarks.empty() ? "" : fmt::format(" ({})", remarks));
    }
    return text + "\n" + example_of(schema);
}

/// A module that comes with chaos, as the section that it is.
std::string module_page(const ShippedModule& module) {
    const Value manifest = read_shipped(module);
    std::string text = fmt::format("# {}\n\n{}\n\n", module.name, manifest.find("doc")->text());
    const auto entry = entry_param(manifest);
    text += entry.empty()
                ? fmt::format("Section `{0}`: the same as `use: [{{module: {0}, with: {{...}}}}]`.", module.name)
                : fmt::format(
                      "Section `{}`: a list of entries, or a mapping whose keys are the `{}`; each is a use of a "
                      "module.",
                      module.name, entry);
    text +=
        " It stands for other resources, which the plan shows.\n\n| parameter | type | what it says |\n|---|---|---|\n";
    for (const ShownParam& param : params_of(manifest))
        text += fmt::format("| `{}` | {} | {} ({}) |\n", param.name, param.type, param.doc,
                            param.required ? "required" : fmt::format("otherwise: {}", param.fallback));
    return text + fmt::format("\n```yaml{}```\n", module.text.substr(module.text.find('\n')));
}

std::string overview(const Registry& registry) {
    std::string text = "# Kinds\n\n";
    for (const ResourceType* type : registry.types)
        text += fmt::format("- `{}`: {}\n", type->schema().section, type->schema().doc);
    text += "\n# Sections that stand for others\n\n";
    for (const ShippedModule& module : shipped_modules())
        text += fmt::format("- `{}`: {}\n", module.name, read_shipped(module).find("doc")->text());
    text += "\n# Facts\n\n";
    for (const Fact& fact : registry.facts) text += fmt::format("- `facts.{}`: {}\n", fact.name, fact.doc);
    text +=
        "\n# Expressions\n\n`chaos explain expressions` lists filters, tests, functions and methods.\n\n"
        "# Words\n\n`chaos explain language` lists what every entry and every manifest can say; `chaos explain "
        "exit-codes` how commands end; `chaos explain conflicts` what is found not to hold together.\n";
    return text +
           "\n`chaos explain KIND`, `chaos explain KIND.ATTRIBUTE`, `chaos explain facts.NAME` and `chaos explain "
           "WORD` tell "
           "more; `chaos explain ID MANIFEST` and `chaos explain var:NAME MANIFEST` tell who says it in a site.\n";
}

std::string words_of(std::span<const Word> words) {
    std::string text = "| | |\n|---|---|\n";
    for (const Word& word : words)
        text += fmt::format("| `{}` | {}{} |\n", word.name, word.doc, word.understood ? "" : " Not understood yet.");
    return text;
}

std::string language_page() {
    return fmt::format(
        "# The words of a manifest\n\n## On every entry\n\nMeta attributes: no kind has an attribute of one of "
        "these names.\n\n{}\n## At the top\n\nBeside sections; a key that begins with `x-` is yours.\n\n{}",
        words_of(meta_attributes()), words_of(top_level_words()));
}

/// One word: what it means on an entry, and what at the top. Empty where it is neither.
std::string word_page(std::string_view name) {
    std::string text;
    const auto add = [&](const Word& word, std::string_view where) {
        text += fmt::format("\n{}: {}{}\n", where, word.doc, word.understood ? "" : " It is not understood yet.");
    };
    if (const Word* meta = find_meta(name)) add(*meta, "On any entry");
    for (const Word& top : top_level_words())
        if (top.name == name) add(top, "At the top of a manifest");
    return text.empty() ? text : fmt::format("# {}\n{}", name, text);
}

/// One filter, test or function of expressions. Empty where there is none.
std::string expression_page(std::string_view name) {
    std::string text;
    const auto add = [&](std::string_view what, std::string_view form, std::string_view doc) {
        text += fmt::format("\n{} `{}`: {}\n", what, form, doc);
    };
    const auto with = [](const auto& row) {
        return row.signature.empty() ? std::string(row.name) : fmt::format("{}({})", row.name, row.signature);
    };
    for (const auto& group : language::all_filters())
        for (const auto& row : group)
            if (row.name == name) add("Filter", "value | " + with(row), row.doc);
    for (const auto& group : language::all_tests())
        for (const auto& row : group)
            if (row.name == name) add("Test", "value is " + with(row), row.doc);
    for (const auto& row : language::all_functions())
        if (row.name == name) add("Function", fmt::format("{}({})", row.name, row.signature), row.doc);
    for (const auto& row : language::refused())
        if (row.name == name) add("There is no", row.name, row.reason);
    return text.empty() ? text : fmt::format("# {}\n{}", name, text);
}

Error unknown(const Registry& registry, std::string_view topic) {
    std::vector<std::string_view> names;
    for (const ResourceType* type : registry.types)
        names.push_back(type->schema().name), names.push_back(type->schema().section);
    for (const Fact& fact : registry.facts) names.push_back(fact.name);
    for (const std::string_view page : {"expressions", "language", "exit-codes", "conflicts"}) names.push_back(page);
    for (const Word& word : meta_attributes()) names.push_back(word.name);
    for (const Word& word : top_level_words()) names.push_back(word.name);
    for (const auto& group : language::all_filters())
        for (const auto& row : group) names.push_back(row.name);
    for (const auto& group : language::all_tests())
        for (const auto& row : group) names.push_back(row.name);
    for (const ShippedModule& module : shipped_modules()) names.push_back(module.name);
    const auto guess = nearest(topic.substr(0, topic.find('.')), names);
    return Error(fmt::format("there is nothing called '{}' to explain", topic))
        .help(guess.empty() ? "chaos explain lists what there is" : fmt::format("did you mean '{}'?", guess));
}

}  // namespace

std::string explain(const Registry& registry, std::string_view topic) {
    if (topic.empty()) return overview(registry);
    if (topic == "expressions" || topic == "filters" || topic == "tests" || topic == "functions")
        return expression_reference();
    if (topic == "language" || topic == "words") return language_page();
    if (topic == "conflicts") return std::string(conflicts_page());
    if (topic.starts_with("facts.")) topic.remove_prefix(6);
    const auto dot = topic.find('.');
    if (const ResourceType* type = registry.section(topic.substr(0, dot))) {
        if (dot == std::string_view::npos) return kind_page(type->schema());
        if (const Field* field = type->schema().find(topic.substr(dot + 1)))
            return attribute_page(type->schema(), *field);
        if (find_meta(topic.substr(dot + 1))) return word_page(topic.substr(dot + 1));
        throw Error(fmt::format("a {} has no attribute '{}'", type->schema().name, topic.substr(dot + 1)))
            .help(fmt::format("chaos explain {}", type->schema().name));
    }
    if (const ShippedModule* module = find_shipped(topic)) return module_page(*module);
    for (const Fact& fact : registry.facts)
        if (fact.name == topic.substr(0, dot))
            return fmt::format(
                "# facts.{0}\n\n{1}\n{2}\n`chaos facts {0}` shows it.\n", fact.name, fact.doc,
                fact.passing ? "\nIt changes by itself: it may be shown, but not decide what exists.\n" : "");
    const std::string page = word_page(topic) + (find_meta(topic) ? "" : expression_page(topic));
    if (!page.empty()) return page;
    throw unknown(registry, topic);
}

}  // namespace chaos
