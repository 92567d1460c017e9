// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "commands.hpp"
#include "completion.hpp"
#include "help.hpp"

namespace chaos::cli {

namespace {

/// All commands, or the help text of one.
struct HelpView {
    std::string command;
};

std::string usage(const Command& command) {
    return fmt::format("chaos {} [OPTIONS]{}{}", command.name, command.arguments.empty() ? "" : " ", command.arguments);
}

Json to_json(const HelpView& view) {
    Json list = Json::list();
    if (view.command == "manifest")
        list.add(Json::record({{"name", "manifest"},
                               {"usage", Json()},
                               {"summary", "The language of manifests."},
                               {"options", Json::list()},
                               {"help", help_text("manifest")}}));
    for (const Command& command : commands()) {
        if (!view.command.empty() && view.command != command.name) continue;
        std::vector<std::string> options;
        for (const OptionSpec& option : option_table())
            if (takes(command, option.name)) options.push_back("--" + std::string(option.name));
        list.add(Json::record({{"name", command.name},
                               {"usage", usage(command)},
                               {"summary", summary_of(help_text(command.name))},
                               {"options", options},
                               {"help", help_text(command.name)}}));
    }
    return Json::record({{"commands", list}});
}

std::string render(const HelpView& view, Style style, bool) {
    return view.command.empty() ? overview(style) : render_markdown(help_text(view.command), style);
}

/// chaos(1): the commands, and what is true of all of them.
std::string program_page() {
    std::string text =
        "# chaos\n\nA host as a manifest says, and back again.\n\n    chaos COMMAND [OPTIONS] [ARGUMENTS]\n";
    text += "\nEach command has a page of its own: chaos-apply(1) and so on.\n\n## Commands\n\n";
    for (const Command& command : commands())
        text += fmt::format("- `chaos {}`: {}\n", command.name, summary_of(help_text(command.name)));
    const std::string_view help = help_text("help");
    const std::size_t from = help.find("    0   "), to = help.find("## Options");
    text += fmt::format("\n## Exit status\n\n{}", help.substr(from, to - from));
    return text +
           "## See also\n\nchaos-manifest(5)\n\n## Files\n\n- `/var/lib/chaos`: what was done, and what is needed to "
           "take it back.\n"
           "- `/etc/chaos/host.yml`: what this host is called, for manifests.\n";
}

/// chaos-manifest(5): the document, with a first sentence of its own.
std::string manifest_page() {
    const std::string_view text = help_text("manifest");
    return "# manifest\n\nWhat a host shall be: one YAML file, a section for each kind of thing.\n\n## "
           "Description\n\n" +
           std::string(text.substr(std::min(text.find("\n\n") + 2, text.size())));
}

}  // namespace

std::string overview(Style style) {
    std::string out =
        "chaos: a host as a manifest says, and back again.\n\n    chaos COMMAND [OPTIONS] [ARGUMENTS]\n\n";
    for (const Command& command : commands())
        out += fmt::format("  {}{}{}\n", style.bold(command.name), std::string(10 - command.name.size(), ' '),
                           summary_of(help_text(command.name)));
    return out + "\nchaos COMMAND --help says more. A good first one: chaos plan site.yml\n";
}

Exit help(Context& context) {
    HelpView view;
    if (context.options.command != "help")
        view.command = context.options.command;
    else if (!context.options.arguments.empty())
        view.command = context.options.arguments[0];
    const bool format = view.command == "manifest";
    if (!view.command.empty() && !format) {
        Options asked = context.options;
        asked.command = view.command, asked.help = true;
        choose(asked);
    }
    if (!context.options.completion.empty())
        context.console.result(completion(context.options.completion));
    else if (context.options.man)
        context.console.result(
            format
                ? man_page(view.command, manifest_page(), 5)
                : man_page(view.command, view.command.empty() ? program_page() : std::string(help_text(view.command))));
    else
        context.console.show(view);
    return Exit::well;
}

}  // namespace chaos::cli
