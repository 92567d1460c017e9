// SPDX-License-Identifier: Apache-2.0
#include "completion.hpp"

#include <fmt/format.h>

#include "commands.hpp"
#include "help.hpp"

namespace chaos::cli {

namespace {

std::string words_of(const Command& command) {
    std::string words;
    for (const OptionSpec& option : option_table())
        if (takes(command, option.name)) words += fmt::format("{}--{}", words.empty() ? "" : " ", option.name);
    return words;
}

std::string bash() {
    std::string names, cases;
    for (const Command& command : commands()) {
        names += fmt::format("{}{}", names.empty() ? "" : " ", command.name);
        cases += fmt::format("        {}) options='{}' ;;\n", command.name, words_of(command));
    }
    return fmt::format(R"(# bash completion for chaos: made by chaos help --completion bash
_chaos() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} verb= options= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${{COMP_WORDS[i]}} != -* ]] && {{ verb=${{COMP_WORDS[i]}}; break; }}
    done
    case $verb in
        '') COMPREPLY=($(compgen -W '{}' -- "$word")); return ;;
{}    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -o filenames -F _chaos chaos
)",
                       names, cases);
}

std::string fish() {
    std::string out = "# fish completion for chaos: made by chaos help --completion fish\n";
    for (const Command& command : commands()) {
        std::string summary;
        for (const char c : summary_of(help_text(command.name))) summary += c == '\'' ? "\\'" : std::string(1, c);
        out += fmt::format("complete -c chaos -n __fish_use_subcommand -a {} -d '{}'\n", command.name, summary);
        for (const OptionSpec& option : option_table())
            if (takes(command, option.name))
                out += fmt::format("complete -c chaos -n '__fish_seen_subcommand_from {}' -l {}{}{}\n", command.name,
                                   option.name, option.letter ? fmt::format(" -s {}", option.letter) : "",
                                   option.argument.empty() ? "" : " -r");
    }
    return out;
}

}  // namespace

std::string completion(std::string_view shell) {
    if (shell == "bash") return bash();
    if (shell == "fish") return fish();
    throw Usage(fmt::format("--completion: expected bash or fish, found '{}'", escape(shell)));
}

}  // namespace chaos::cli
