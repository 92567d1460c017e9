// SPDX-License-Identifier: Apache-2.0
#include "completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/registry.hpp>
#include <chaos/starter.hpp>

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

/// What the arguments of a command are, as its usage line says it: `[TEMPLATE] [FILE]` is a template, then files.
std::vector<std::string_view> slots_of(const Command& command) {
    std::vector<std::string_view> slots;
    for (std::string_view rest = command.arguments; !rest.empty();) {
        const std::string_view word = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
        const auto is = [&](std::string_view name) { return word.find(name) != std::string_view::npos; };
        slots.push_back(is("ACTION")                   ? "actions"
                        : is("|RUN") || is("RUN|")     ? "runs_or_files"
                        : is("PATH|")                  ? "files"
                        : is("RUN")                    ? "runs"
                        : is("TOPIC")                  ? "topics"
                        : is("COMMAND")                ? "commands"
                        : word == "[TEMPLATE]"         ? "templates"
                        : word == "[PATH]"             ? "facts"
                        : is("SECTION")                ? "sections"
                        : is("PACKAGE")                ? "packages"
                        : is("ID") || is("EXPRESSION") ? "nothing"
                                                       : "files");
    }
    if (slots.empty()) slots.push_back("nothing");
    return slots;
}

std::string slots_text(const Command& command) {
    std::string text;
    for (const std::string_view slot : slots_of(command)) text += fmt::format("{}{}", text.empty() ? "" : " ", slot);
    return text;
}

/// Kinds, their attributes and facts: all that `explain` knows by name.
std::string topics() {
    std::string words = "expressions";
    for (const ResourceType* type : builtin_types()) {
        words += fmt::format(" {}", type->schema().name);
        for (const Field& field : type->schema().fields)
            words += fmt::format(" {}.{}", type->schema().name, field.name);
    }
    for (const Fact& fact : builtin_facts()) words += fmt::format(" facts.{}", fact.name);
    return words;
}

std::string fact_names() {
    std::string words;
    for (const Fact& fact : builtin_facts()) words += fmt::format("{}{}", words.empty() ? "" : " ", fact.name);
    return words;
}

/// What `capture` can write.
std::string captured() {
    std::string words;
    for (const ResourceType* type : builtin_types())
        if (type->has_others()) words += fmt::format("{}{}", words.empty() ? "" : " ", type->schema().section);
    return words;
}

std::string templates() {
    std::string words;
    for (const Starter& one : starters()) words += fmt::format("{}{}", words.empty() ? "" : " ", one.name);
    return words;
}

/// What `history` does beside listing.
constexpr std::string_view actions = "prune verify repair export import";

/// Where a person may not read the history, there are none.
constexpr std::string_view runs = "chaos history --most 50 2>/dev/null | sed -n 's/^ *\\([0-9][0-9]*\\) .*/\\1/p'";

/// All that dpkg knows; nothing where there is none.
constexpr std::string_view installed = "dpkg-query -W -f '${Package}\\n' 2>/dev/null";

/// Options whose next word is their value.
std::string with_values() {
    std::string words;
    for (const OptionSpec& option : option_table())
        if (!option.argument.empty()) words += fmt::format("{}--{}", words.empty() ? "" : " ", option.name);
    return words;
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
        options += fmt::format("        {}) options='{}' slots=({}) ;;\n", command.name, words_of(command),
                               slots_text(command));
    for (const OptionSpec& option : option_table()) {
        if (option.argument.empty()) continue;
        const std::string reply = option.argument == "DIR"    ? "-d"
                                  : option.argument == "FILE" ? "-f"
                                                              : fmt::format("-W '{}'", values_of(option));
        values += fmt::format("        --{}) mapfile -t COMPREPLY < <(compgen {} -- \"$word\"); return ;;\n",
                              option.name, reply);
    }
    return fmt::format(R"sh(# bash completion for chaos: made by chaos help --completion bash
_chaos() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} commands='{0}' with_values=' {1} '
    local verb='' options='' slots=() slot i count=0
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ $with_values == *" ${{COMP_WORDS[i - 1]}} "* || ${{COMP_WORDS[i]}} == -* ]] && continue
        if [[ -z $verb && " $commands " == *" ${{COMP_WORDS[i]}} "* ]]; then
            verb=${{COMP_WORDS[i]}}
        elif [[ -n $verb ]]; then
            count=$((count + 1))
        fi
    done
    case ${{COMP_WORDS[COMP_CWORD - 1]}} in
{2}    esac
    case $verb in
{3}        *) slots=(commands) ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    slot=${{slots[count < ${{#slots[@]}} ? count : ${{#slots[@]}} - 1]}}
    case $slot in
        commands) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word") ;;
        topics) mapfile -t COMPREPLY < <(compgen -W '{4}' -- "$word") ;;
        facts) mapfile -t COMPREPLY < <(compgen -W '{5}' -- "$word") ;;
        templates) mapfile -t COMPREPLY < <(compgen -W '{6}' -- "$word") ;;
        sections) mapfile -t COMPREPLY < <(compgen -W '{9}' -- "$word") ;;
        packages) mapfile -t COMPREPLY < <(compgen -W "$({10})" -- "$word") ;;
        runs) mapfile -t COMPREPLY < <(compgen -W "$({7})" -- "$word") ;;
        runs_or_files) mapfile -t COMPREPLY < <(compgen -W "$({7})" -f -- "$word") ;;
        actions) mapfile -t COMPREPLY < <(compgen -W '{8}' -f -- "$word") ;;
        files) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        *) COMPREPLY=() ;;
    esac
}}
complete -o filenames -F _chaos chaos
)sh",
                       names_of_commands(), with_values(), values, options, topics(), fact_names(), templates(), runs,
                       actions, captured(), installed);
}

std::string zsh() {
    std::string described, options, values;
    for (const Command& command : commands()) {
        const std::string_view summary = summary_of(help_text(command.name));
        described += fmt::format("        {}\n", quoted(fmt::format("{}:{}", command.name, summary)));
        options += fmt::format("        {}) options=({}) slots=({}) ;;\n", command.name, words_of(command),
                               slots_text(command));
    }
    for (const OptionSpec& option : option_table()) {
        if (option.argument.empty()) continue;
        const std::string reply = option.argument == "DIR"    ? "_files -/"
                                  : option.argument == "FILE" ? "_files"
                                                              : fmt::format("compadd -- {}", values_of(option));
        values += fmt::format("        --{}) {}; return ;;\n", option.name, reply);
    }
    return fmt::format(R"sh(#compdef chaos
# zsh completion for chaos: made by chaos help --completion zsh
_chaos() {{
    local -a commands=(
{0}    )
    local -a options slots=(commands) names=(${{commands%%:*}}) with_values=({1})
    local verb='' i count=1
    for ((i = 2; i < CURRENT; i++)); do
        if (( ${{with_values[(Ie)${{words[i - 1]}}]}} )) || [[ ${{words[i]}} == -* ]]; then continue; fi
        if [[ -z $verb ]] && (( ${{names[(Ie)${{words[i]}}]}} )); then
            verb=${{words[i]}}
        elif [[ -n $verb ]]; then
            (( count += 1 ))
        fi
    done
    case ${{words[CURRENT-1]}} in
{2}    esac
    case $verb in
{3}    esac
    if [[ -n $verb && ${{words[CURRENT]}} == -* ]]; then
        compadd -- $options
        return
    fi
    (( count > $#slots )) && count=$#slots
    case ${{slots[count]}} in
        commands) _describe command commands ;;
        topics) compadd -- {4} ;;
        facts) compadd -- {5} ;;
        templates) compadd -- {6} ;;
        sections) compadd -- {9} ;;
        packages) compadd -- $({10}) ;;
        runs) compadd -- $({7}) ;;
        runs_or_files) compadd -- $({7}); _files ;;
        actions) compadd -- {8}; _files ;;
        files) _files ;;
    esac
}}
# Loaded as a function of its own, it is called with the words; sourced, it tells the shell where it belongs.
if [[ $zsh_eval_context[-1] == loadautofunc || $funcstack[1] == _chaos ]]; then _chaos "$@"; else compdef _chaos chaos; fi
)sh",
                       described, with_values(), values, options, topics(), fact_names(), templates(), runs, actions,
                       captured(), installed);
}

std::string fish() {
    std::string out = "# fish completion for chaos: made by chaos help --completion fish\n";
    for (const Command& command : commands()) {
        const std::string of = fmt::format("complete -c chaos -n '__fish_seen_subcommand_from {}'", command.name);
        out += fmt::format("complete -c chaos -n __fish_use_subcommand -f -a {} -d {}\n", command.name,
                           quoted_for_fish(summary_of(help_text(command.name))));
        for (const OptionSpec& option : option_table()) {
            if (!takes(command, option.name)) continue;
            out += fmt::format("{} -l {}", of, option.name);
            if (option.letter) out += fmt::format(" -s {}", option.letter);
            const std::string words = values_of(option);
            if (!words.empty()) out += fmt::format(" -x -a '{}'", words);
            if (words.empty() && !option.argument.empty()) out += " -r";
            out += '\n';
        }
        const auto slots = slots_of(command);
        const std::string_view first = slots.front();
        const std::string words = first == "topics"           ? topics()
                                  : first == "facts"          ? fact_names()
                                  : first == "templates"      ? templates()
                                  : first == "commands"       ? names_of_commands()
                                  : first == "actions"        ? std::string(actions)
                                  : first == "sections"       ? captured()
                                  : first == "packages"       ? fmt::format("({})", installed)
                                  : first.starts_with("runs") ? fmt::format("({})", runs)
                                                              : "";
        if (slots.back() != "files" && slots.back() != "runs_or_files") out += fmt::format("{} -f\n", of);
        if (!words.empty()) out += fmt::format("{} -a {}\n", of, quoted_for_fish(words));
    }
    return out;
}

}  // namespace

std::string completion(std::string_view shell) {
    if (shell == "bash") return bash();
    if (shell == "fish") return fish();
    if (shell == "zsh") return zsh();
    throw Usage(fmt::format("--completion: expected bash, zsh or fish, found '{}'", escape(shell)));
}

}  // namespace chaos::cli
