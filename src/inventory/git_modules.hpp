// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace chaos::git {

/// The submodules of a .gitmodules: url by path. Of git's way to write, what `git submodule` writes and people edit;
/// nothing is included from elsewhere. Throws Error with the line.
std::map<std::string, std::string> submodules_of(std::string_view text);

/// A commit or an annotated tag as git keeps it: lines of names and values, an empty line, and a message.
struct RawObject {
    std::multimap<std::string, std::string> fields{};
    std::string message{}, signature{}, payload{};
};

/// Throws Error where it is none, or has two signatures: then it would not be clear what is signed.
RawObject commit_in(std::string_view raw);
RawObject tag_in(std::string_view raw);

}  // namespace chaos::git
