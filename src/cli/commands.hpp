// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "console.hpp"

namespace chaos::cli {

/// What a command works with.
struct Context {
    const Options& options;
    Console& console;
    Sources& sources;  ///< What was read, so that an Error which leaves the command can be shown with its line.
};

/// One verb of the program. Its help text is cmd_NAME.md: --help, `chaos help`, man page.
struct Command {
    std::string_view name;
    std::string_view arguments;  ///< As the usage line has them.
    std::size_t least, most;     ///< How many of them.
    std::span<const std::string_view>
        options;  ///< Beside --help, --json, --color, --verbose and --quiet, which all take.
    Exit (*run)(Context&);
};
std::span<const Command> commands();
const Command* find_command(std::string_view name);
bool takes(const Command&, std::string_view option);

/// The command that was asked for, its arguments and options checked. Throws Usage.
const Command& choose(const Options&);

Exit check(Context&);
Exit plan(Context&);
Exit pull(Context&);
Exit diff(Context&);
Exit apply(Context&);
Exit drift(Context&);
Exit capture(Context&);
Exit confirm(Context&);
Exit rollback(Context&);
Exit revert(Context&);
Exit recover(Context&);
Exit history(Context&);
Exit show(Context&);
Exit blame(Context&);
Exit facts(Context&);
Exit explain(Context&);
Exit render(Context&);
Exit eval(Context&);
Exit fmt(Context&);
Exit gitops(Context&);
Exit graph(Context&);
Exit hold(Context&);
Exit compile(Context&);
Exit modules(Context&);
Exit schema(Context&);
Exit secrets(Context&);
Exit setup(Context&);
Exit upgrade(Context&);
Exit version(Context&);
Exit watch(Context&);
Exit help(Context&);
Exit init(Context&);

std::string overview(Style);  ///< All commands, a line each.

}  // namespace chaos::cli
