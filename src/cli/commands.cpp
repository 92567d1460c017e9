// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace chaos::cli {

namespace {

constexpr std::size_t any = 1'000'000;
constexpr std::string_view everywhere[] = {"help", "json", "color", "verbose", "quiet"};
constexpr std::string_view nothing[] = {""};
constexpr std::string_view of_root[] = {"root", "state-dir"};
constexpr std::string_view of_reading[] = {"root", "state-dir", "only",  "skip",    "var",
                                           "host", "groups",    "facts", "age-key", "passphrase-file"};
constexpr std::string_view of_compile[] = {"root",   "only",  "skip",      "var",     "host",
                                           "groups", "facts", "no-origin", "age-key", "passphrase-file"};
constexpr std::string_view of_planning[] = {"root",  "state-dir", "only",           "skip",     "var",
                                            "host",  "groups",    "prune",          "no-prune", "jobs",
                                            "moved", "age-key",   "passphrase-file", "full"};
constexpr std::string_view of_plan[] = {"root",    "state-dir",       "only",     "skip",       "var",   "host",
                                        "groups",  "prune",           "no-prune", "jobs",       "moved", "facts",
                                        "age-key", "passphrase-file", "confirm",  "no-confirm", "output", "full"};
constexpr std::string_view of_applying[] = {"root",       "state-dir",       "only",     "skip",       "var",
                                            "host",       "prune",           "no-prune", "jobs",       "yes",
                                            "on-failure", "removals",        "dry-run",  "moved",      "groups",
                                            "age-key",    "passphrase-file", "confirm",  "no-confirm", "continue", "full"};
constexpr std::string_view of_graph[] = {"root",   "state-dir", "only",   "skip", "var",     "host",
                                         "groups", "facts",     "format", "all",  "age-key", "passphrase-file"};
constexpr std::string_view of_rollback[] = {"root", "state-dir", "yes", "dry-run", "theirs", "ours", "merge"};
constexpr std::string_view of_history[] = {"root", "state-dir", "most",   "keep", "older-than",
                                           "size", "dry-run",   "output", "host"};
constexpr std::string_view of_show[] = {"root", "state-dir", "diff"};
constexpr std::string_view of_facts[] = {"root", "host", "groups", "output"};
constexpr std::string_view of_render[] = {"root", "var",    "vars",        "facts",
                                          "host", "groups", "trim-blocks", "lstrip-blocks"};
constexpr std::string_view of_eval[] = {"root", "var", "vars", "host", "groups"};
constexpr std::string_view of_explain[] = {"root",  "state-dir", "var",     "host",           "groups",
                                           "facts", "reference", "age-key", "passphrase-file"};
constexpr std::string_view of_fmt[] = {"check"};
constexpr std::string_view of_modules[] = {"root", "var", "host"};
constexpr std::string_view of_setup[] = {"root", "state-dir", "yes", "dry-run"};
constexpr std::string_view of_recover[] = {"root", "state-dir", "early", "accept", "unconfirmed", "status"};
constexpr std::string_view of_confirm[] = {"root", "state-dir", "status", "yes"};
constexpr std::string_view of_secrets[] = {"age-key", "passphrase-file", "recipient", "add", "remove", "raw"};
constexpr std::string_view of_capture[] = {"root", "output"};
constexpr std::string_view of_upgrade[] = {"root", "state-dir",  "security-only", "allow-removals", "refresh",
                                           "yes",  "on-failure", "dry-run",       "confirm",        "no-confirm"};
constexpr std::string_view of_gitops[] = {"root",
                                          "state-dir",
                                          "yes",
                                          "dry-run",
                                          "removals",
                                          "jobs",
                                          "on-failure",
                                          "ref",
                                          "path",
                                          "interval",
                                          "splay",
                                          "verify",
                                          "username",
                                          "token-file",
                                          "certificate",
                                          "certificate-key",
                                          "ca",
                                          "ssh-key",
                                          "known-hosts",
                                          "proxy",
                                          "auto-upgrade",
                                          "self-heal",
                                          "notify-only",
                                          "watch",
                                          "allow-rewind",
                                          "scheduled",
                                          "until",
                                          "message",
                                          "most",
                                          "age-key",
                                          "passphrase-file",
                                          "host",
                                          "groups",
                                          "moved",
                                          "confirm",
                                          "no-confirm"};
constexpr std::string_view of_pull[] = {
    "root",    "state-dir",   "yes",      "removals",     "jobs",        "on-failure",      "ref",
    "path",    "verify",      "username", "token-file",   "certificate", "certificate-key", "ca",
    "ssh-key", "known-hosts", "proxy",    "allow-rewind", "age-key",     "passphrase-file", "host",
    "groups",  "moved",       "confirm",  "no-confirm"};
constexpr std::string_view of_watch[] = {"state-dir", "age-key", "passphrase-file", "host", "groups", "jobs"};
constexpr std::string_view of_hold[] = {"root", "state-dir", "for", "until", "message", "release"};
constexpr std::string_view of_help[] = {"man", "completion"};

constexpr Command known[] = {
    {"check", "MANIFEST...", 1, any, of_reading, check},
    {"plan", "MANIFEST...", 1, any, of_plan, plan},
    {"diff", "MANIFEST...|RUN RUN", 1, any, of_planning, diff},
    {"apply", "MANIFEST...|PLAN", 1, any, of_applying, apply},
    {"drift", "[MANIFEST...]", 0, any, of_planning, drift},
    {"pull", "[URL]", 0, 1, of_pull, pull},
    {"gitops", "ACTION [URL|COMMIT]", 1, 2, of_gitops, gitops},
    {"watch", "", 0, 0, of_watch, watch},
    {"hold", "[ID|PATTERN|all]...", 0, any, of_hold, hold},
    {"confirm", "", 0, 0, of_confirm, confirm},
    {"upgrade", "[PACKAGE...]", 0, any, of_upgrade, upgrade},
    {"rollback", "[RUN]", 0, 1, of_rollback, rollback},
    {"revert", "RUN", 1, 1, of_rollback, revert},
    {"recover", "", 0, 0, of_recover, recover},
    {"history", "[ACTION|PATH|ID] [RUN|FILE]", 0, 2, of_history, history},
    {"show", "RUN|FILE", 1, 1, of_show, show},
    {"blame", "[PATH|ID]", 0, 1, of_root, blame},
    {"facts", "[PATH]", 0, 1, of_facts, facts},
    {"capture", "SECTION...", 1, any, of_capture, capture},
    {"explain", "[TOPIC [MANIFEST...]]", 0, any, of_explain, explain},
    {"compile", "MANIFEST...", 1, any, of_compile, compile},
    {"render", "TEMPLATE", 1, 1, of_render, render},
    {"eval", "EXPRESSION", 1, 1, of_eval, eval},
    {"init", "[TEMPLATE] [FILE]", 0, 2, nothing, init},
    {"fmt", "FILE...", 1, any, of_fmt, fmt},
    {"modules", "fetch|list MANIFEST...", 2, any, of_modules, modules},
    {"graph", "MANIFEST...", 1, any, of_graph, graph},
    {"secrets", "WHAT [FILE] [NAME]", 1, 3, of_secrets, secrets},
    {"schema", "", 0, 0, nothing, schema},
    {"setup", "", 0, 0, of_setup, setup},
    {"version", "", 0, 0, nothing, version},
    {"help", "[COMMAND]", 0, 1, of_help, help},
};

Usage with_hint(std::string message, std::string hint) {
    Usage error(message);
    error.hint = std::move(hint);
    return error;
}

}  // namespace

std::span<const Command> commands() {
    return known;
}

const Command* find_command(std::string_view name) {
    const auto found =
        std::find_if(std::begin(known), std::end(known), [&](const Command& c) { return c.name == name; });
    return found == std::end(known) ? nullptr : found;
}

bool takes(const Command& command, std::string_view option) {
    const auto has = [&](const auto& names) {
        return std::find(std::begin(names), std::end(names), option) != std::end(names);
    };
    return has(everywhere) || has(command.options);
}

const Command& choose(const Options& options) {
    const Command* command = find_command(options.command);
    if (!command) {
        std::vector<std::string_view> names;
        for (const Command& c : known) names.push_back(c.name);
        const std::string_view near = nearest(options.command, names);
        throw with_hint(fmt::format("unknown command '{}'", escape(options.command)),
                        near.empty() ? "chaos help" : fmt::format("did you mean chaos {}?", near));
    }
    if (options.help) return *command;
    for (const std::string& option : options.given)
        if (!takes(*command, option))
            throw with_hint(fmt::format("chaos {} does not take --{}", command->name, option),
                            fmt::format("chaos {} --help", command->name));
    const std::size_t given = options.arguments.size();
    if (given < command->least)
        throw with_hint(fmt::format("chaos {} needs {}", command->name, command->arguments),
                        fmt::format("chaos {} --help", command->name));
    if (given > command->most)
        throw with_hint(fmt::format("chaos {} takes {}, found '{}' as well", command->name,
                                    command->most == 0   ? "no argument"
                                    : command->most == 1 ? "one argument"
                                                         : "two arguments",
                                    escape(options.arguments[command->most])),
                        fmt::format("chaos {} --help", command->name));
    return *command;
}

}  // namespace chaos::cli
