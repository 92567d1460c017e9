// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "failure.hpp"

namespace chaos::resources::apt {

/// A command that asks nobody: not by debconf, dpkg (configuration that was edited stays), ucf, needrestart or
/// apt-listchanges. It is never cut.
Command quiet(std::vector<std::string> argv);

/// The directory that holds what one command alone sees (Command::veil); empty where there is none.
std::string veil_of(WritableHost&);

/// A program of the host as one command alone sees it, with each `from` made `to`; nothing where it says no `from`.
std::optional<Command::Own> changed_copy(const WritableHost&, const std::string& path, std::string_view from,
                                         const std::string& to);

/// Runs it, waiting for locks that others hold.
Output run_when_free(WritableHost&, Command);
/// The same; throws what it said where it fails.
void must(WritableHost&, const Command&);

/// For what runs maintainer scripts. Services that they would start are held, by a policy-rc.d that only
/// this command sees; what ran before may start again. Those that were held are told. Answers how it failed, where it
/// did; carry_out throws that.
std::optional<TransactionFailed> try_out(WritableHost&, Command);
void carry_out(WritableHost&, const Command&);

/// The text of that policy-rc.d: what is in `running` (names of units) may be started.
std::string policy(const std::vector<std::string>& running);

/// Names of units whose start it refused, out of what a package manager printed; each once.
std::vector<std::string> held_in(std::string_view errors);

}  // namespace chaos::resources::apt
