// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commands.hpp"

namespace chaos::cli {

/// Several things that are wrong, and how the program is to end: thrown by a command that can not go on.
struct Problems {
    std::vector<Error> errors;
    Exit exit = Exit::usage;
};

/// What was shown, and agreed to, is not what would be done: nothing is wrong with it, and nothing was done.
struct Overtaken : Problems {};

/// Throws Problems where there are any.
void stop_where(const Diagnostics& problems, Exit exit);

/// Of mistakes or remarks told in words: more of them help nobody, and each has to be looked for in its file.
constexpr std::size_t most_shown = 100;

/// Shows the first of them on standard error, and how many more there are.
void show_problems(const std::vector<Error>&, const Sources&, Console&);

/// Shows what is wrong on standard error and, with --json, as a record on standard output. Answers the exit code.
Exit report(const Problems&, const Sources&, Console&);

Json to_json(const Error&, const Sources&);
Json to_json(const std::vector<Error>&, const Sources&);
std::string place_of(Place, const Sources&);  ///< site.yml:12:3; empty for nowhere.

}  // namespace chaos::cli
