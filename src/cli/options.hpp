// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/keeping.hpp>
#include <chaos/transaction.hpp>
#include <span>

namespace chaos::cli {

/// Whether lists of packages are fetched before: automatic is where they are older than a day.
enum class Refresh : char { automatic, always, never };

enum class Color : char { automatic, always, never };

/// What was asked for on the command line.
struct Options {
    std::vector<std::string> words;  ///< All of them, as they were written.
    std::string command;
    std::vector<std::string> arguments;
    std::vector<std::string> given;  ///< Names of the options that were written.

    bool help = false, json = false, yes = false, quiet = false, verbose = false;
    Color color = Color::automatic;
    std::string root = "/", state_directory;  ///< Empty: where it belongs for this root and this person.
    std::vector<std::string> only, skip;
    std::vector<std::pair<std::string, std::string>> vars;
    std::string host_name;
    unsigned jobs = 0;  ///< 0: as many as there are processors.
    OnFailure on_failure = OnFailure::undo;
    bool prune = true, removals = false, moved = false, dry_run = false;
    bool full = false;  ///< Looks at all of it, also where nothing seems to have moved.
    bool security_only = false, allow_removals = false;  ///< For `upgrade`.
    Refresh refresh = Refresh::automatic;
    std::size_t most = 0;  ///< How many runs history shows; 0: all.
    std::string format;
    std::vector<std::string> age_keys;  ///< Key files that were named.
    std::string passphrase_file;
    std::vector<std::string> recipients, removed_recipients;  ///< For `secrets`.
    bool raw = false;
    std::string vars_file;  ///< For render and eval.
    bool facts = false, trim_blocks = false, lstrip_blocks = false;
    std::vector<std::string> recorded;  ///< Files of recorded facts, and directories of them, as they were written.
    std::optional<std::vector<std::string>> groups;  ///< host.groups, instead of those of the host.
    std::string output;                              ///< Where the facts are written.
    bool origin = true, all_edges = false;
    std::string reference;  ///< A directory for `explain --reference`.
    bool man = false, check = false;
    bool early = false, accept = false, unconfirmed = false, status = false;
    std::optional<std::int64_t> confirm;  ///< How long a run may be confirmed, in seconds; 0: --no-confirm.
    bool diff = false;                    ///< Of show: all lines of all texts.
    bool go_on = false;                   ///< Of a saved plan: without what moved since.
    /// Options of `gitops` and `pull` that are attributes of /etc/chaos/gitops.yml: `token-file` is token_file.
    std::vector<std::pair<std::string, std::string>> following;
    bool rewind = false, scheduled = false, release = false;
    std::string until, message;  ///< As they were written; `until` also from --for.
    Retention retention{};       ///< What history prune leaves.
    Resolution resolution = Resolution::none;
    std::string completion;  ///< A shell, for `help --completion`.
};

/// One option: the parser, the help texts and the completion are checked against this table.
struct OptionSpec {
    std::string_view name;      ///< Without the two dashes.
    char letter;                ///< 0 where there is none.
    std::string_view argument;  ///< How its value is called; empty where it takes none.
    bool repeats = false;
};
std::span<const OptionSpec> option_table();

/// A mistake on the command line (or in a manifest): exit code 64.
class Usage : public Error {
public:
    using Error::Error;
};

/// The words after the program's name. Throws Usage with "did you mean". `words` may be empty: then so is `command`.
Options parse_options(const std::vector<std::string>& words);

}  // namespace chaos::cli
