// SPDX-License-Identifier: Apache-2.0
// What is a person's and not the host's: keys that name somebody, and commands with her rights and environment.
#pragma once

#include <chaos/view.hpp>

namespace chaos::resources {

/// A key of what may be a person's, in its parts: `~eve/syncthing` is eve's. Without person it is the host's.
struct Owned {
    std::string person{}, name{};
};
Owned owned(std::string_view key);
std::string key_of(const Owned&);

/// The key with its name made clean by `how`. Throws Error where nobody can be called so.
std::string clean_owned(std::string_view key, std::string (*how)(std::string_view));

/// Somebody as this host has her; who is not there yet has the home that useradd would give.
struct Person {
    std::string name{}, group{}, home{};
    std::uint32_t uid = 0;
    bool there = false;
    std::string runtime{};  ///< /run/user/UID, where she is logged in or lingers; else empty.
};
Person person_of(const View&, const std::string& name);

/// Who runs a command as her: nobody else, where chaos runs without root.
Command as_person(const Host&, const Person&, std::vector<std::string> argv);

/// Runs it, and throws Error where it fails.
Output run_as_person(WritableHost&, const Person&, std::vector<std::string> argv, const std::string& input = {});

}  // namespace chaos::resources
