// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend.hpp"
#include "failure.hpp"

namespace chaos::resources::rpm {

/// A section of a .repo file.
struct Repo {
    std::string name;
    bool enabled = true;
    int priority = 99;  ///< Lower comes first.
};

/// All of a directory's .repo files, in the order of their names.
std::vector<Repo> repos_in(const Host&, const std::string& directory);
std::vector<Repo> parse_repos(std::string_view text);

/// The process whose number a file holds, as "dnf (pid 712)"; empty where there is none, or it has ended.
std::string holder_by(const Host&, const std::string& pid_file);

/// `hello=1.0-1` as dnf takes it: `hello-1.0-1`.
std::string with_dash(const std::string& wanted);

/// What a package manager is about to do is what it was asked: it takes nothing away beside, and brings these versions.
/// Throws Error else.
void must_be_asked(const Request&, const Answer&, std::string_view who);

/// What dnf prints before it asks whether it may.
Answer parse_dnf_table(const Output&);
/// What zypper prints with --xmlout.
Answer parse_zypper_xml(const Output&);

/// Of `zypper --xmlout search`.
std::vector<std::string> names_in_zypper_xml(std::string_view);

}  // namespace chaos::resources::rpm
