// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/capture.hpp>
#include <chaos/provenance.hpp>

#include "site.hpp"
#include "text_file.hpp"

namespace chaos::cli {

namespace {

/// The sections that can be captured.
std::vector<std::string> sections(const Registry& registry) {
    std::vector<std::string> names;
    for (const ResourceType* type : registry.types)
        if (type->has_others()) names.emplace_back(type->schema().section);
    return names;
}

const ResourceType& section_of(const Registry& registry, const std::string& word) {
    const ResourceType* type = registry.section(word);
    if (type && type->has_others()) return *type;
    const auto known = sections(registry);
    const std::string_view near = nearest(word, {known.begin(), known.end()});
    Usage error(type ? fmt::format("what of '{}' a person asked for can not be told from a host", escape(word))
                     : fmt::format("there is no section '{}'", escape(word)));
    error.hint = type || near.empty() ? "chaos capture " + fmt::format("{}", fmt::join(known, " "))
                                      : fmt::format("did you mean '{}'?", near);
    throw error;
}

/// What a reader of the manifest must know, as comments above it.
std::string heading(const std::vector<const Schema*>& captured) {
    std::string text =
        "# What a person asked for on this host, as chaos found it. What comes along with that, or with the system,\n"
        "# is left out: it comes along again.\n";
    for (const Schema* schema : captured) {
        if (schema->name == "user")
            text += "# Passwords are not written here: `password` takes the hash, best as a !secret.\n";
        if (schema->name == "package")
            text +=
                "# To keep the host at what is declared here: exclusive: [packages]. What comes of repositories that\n"
                "# the system did not bring needs these, too: chaos explain repository.\n";
    }
    return text + '\n';
}

}  // namespace

Exit capture(Context& context) {
    const Options& options = context.options;
    const World world = wire(options);
    std::vector<const ResourceType*> types;
    for (const std::string& word : options.arguments) {
        const ResourceType& type = section_of(world.registry, word);
        if (std::find(types.begin(), types.end(), &type) == types.end()) types.push_back(&type);
    }
    if (!options.output.empty() && options.output != "-" && is_there(options.output))
        throw Error(fmt::format("{} is there already", escape(options.output)))
            .help("name another file, or take that one away");
    const View view(*world.host);
    Site site;
    EmitOptions how{false, context.console.json(), true, {}};
    for (const ResourceType* type : types) {
        how.sections.push_back(&type->schema());
        for (Resource& one : chaos::capture(*type, view)) site.catalog.push_back(std::move(one));
    }
    Provenance nobody;
    nobody.resources.resize(site.catalog.size()), nobody.metas.resize(site.catalog.size());
    Diagnostics problems;
    std::string text = emit(site, context.sources, nobody, how, problems);
    stop_where(problems, Exit::failed);
    if (!how.json) text = heading(how.sections) + text;
    if (options.output.empty() || options.output == "-") return context.console.result(text), Exit::well;
    make_text_file(options.output, text);
    context.console.remark(fmt::format("{} holds {}.\nnext: chaos plan {}\n", escape(options.output),
                                       count(site.catalog.size(), "resource"), quoted(options.output)));
    return Exit::well;
}

}  // namespace chaos::cli
