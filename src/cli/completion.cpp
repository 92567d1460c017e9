// SPDX-License-Identifier: Apache-2.0
#include "completion.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "commands.hpp"
#include "help.hpp"

namespace chaos::cli {

namespace {

/// What may stand after an option: words, a path, or what only the person knows.
std::string values_of(const OptionSpec& option) {
    if (option.argument.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string_view::npos) return {};
    std::string words(option.argument);
    std::replace(words.begin(), words.end(), '|', ' ');
    return words;
}

std::string words_of(const Command& command) {
    std::string words;
    for (const OptionSpec& option : option_table())
        if (takes(command, option.name)) words += fmt::format("{}--{}", words.empty() ? "" : " ", option.name);
    return words;
}

std::string names_of_commands() {
    std::string names;
    for (const Command& command : commands()) names += fmt::format("{}{}", names.empty() ? "" : " ", command.name);
    return names;
}

/// As a shell's word in single quotes.
std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
}

/// fish has its own way of quoting a quote.
std::string quoted_for_fish(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return out + "'";
}

std::string bash() {
    std::string options, values;
    for (const Command& command : commands())
        options += fmt::format("        {}) options='{}' ;;\n", command.name, words_of(command));
    for (const OptionSpec& option : option_table()) {
        if (option.argument.empty()) continue;
        const std::string words = values_of(option);
        const std::string reply = option.argument == "DIR" ? "-d" : fmt::format("-W '{}'", words);
        values += fmt::format("        --{}) mapfile -t COMPREPLY < <(compgen {} -- \"$word\"); return ;;\n",
                              option.name, reply);
    }
    return fmt::format(R"(# bash completion for chaos: made by chaos help --completion bash
_chaos() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} commands='{}' verb='' options='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ " $commands " == *" ${{COMP_WORDS[i]}} "* ]] && {{ verb=${{COMP_WORDS[i]}}; break; }}
    done
    case ${{COMP_WORDS[COMP_CWORD - 1]}} in
{}    esac
    case $verb in
{}    esac
    if [[ -n $verb && $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    elif [[ -z $verb || $verb == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}}
complete -o filenames -F _chaos chaos
)",
                       names_of_commands(), values, options);
}

std::string zsh() {
    std::string described, options, values;
    for (const Command& command : commands()) {
        const std::string_view summary = summary_of(help_text(command.name));
        described += fmt::format("        {}\n", quoted(fmt::format("{}:{}", command.name, summary)));
        options += fmt::format("        {}) options=({}) ;;\n", command.name, words_of(command));
    }
    for (const OptionSpec& option : option_table()) {
        if (option.argument.empty()) continue;
        const std::string words = values_of(option);
        const std::string reply = option.argument == "DIR" ? "_files -/" : fmt::format("compadd -- {}", words);
        values += fmt::format("        --{}) {}; return ;;\n", option.name, reply);
    }
    return fmt::format(R"(#compdef chaos
# zsh completion for chaos: made by chaos help --completion zsh
_chaos() {{
    local -a commands=(
{}    )
    local -a options names=(${{commands%%:*}})
    local verb='' word
    for word in ${{words[2,CURRENT-1]}}; do
        if (( ${{names[(Ie)$word]}} )); then verb=$word; break; fi
    done
    case ${{words[CURRENT-1]}} in
{}    esac
    case $verb in
{}    esac
    if [[ -n $verb && ${{words[CURRENT]}} == -* ]]; then
        compadd -- $options
    elif [[ -z $verb || $verb == help ]]; then
        _describe command commands
    else
        _files
    fi
}}
_chaos "$@"
)",
                       described, values, options);
}

std::string fish() {
    std::string out = "# fish completion for chaos: made by chaos help --completion fish\n";
    for (const Command& command : commands()) {
        out += fmt::format("complete -c chaos -n __fish_use_subcommand -f -a {} -d {}\n", command.name,
                           quoted_for_fish(summary_of(help_text(command.name))));
        for (const OptionSpec& option : option_table()) {
            if (!takes(command, option.name)) continue;
            out +=
                fmt::format("complete -c chaos -n '__fish_seen_subcommand_from {}' -l {}", command.name, option.name);
            if (option.letter) out += fmt::format(" -s {}", option.letter);
            const std::string words = values_of(option);
            if (!words.empty()) out += fmt::format(" -x -a '{}'", words);
            if (words.empty() && !option.argument.empty()) out += " -r";
            out += '\n';
        }
    }
    return out +
           fmt::format("complete -c chaos -n '__fish_seen_subcommand_from help' -f -a '{}'\n", names_of_commands());
}

}  // namespace

std::string completion(std::string_view shell) {
    if (shell == "bash") return bash();
    if (shell == "fish") return fish();
    if (shell == "zsh") return zsh();
    throw Usage(fmt::format("--completion: expected bash, zsh or fish, found '{}'", escape(shell)));
}

}  // namespace chaos::cli
