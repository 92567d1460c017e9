// SPDX-License-Identifier: Apache-2.0
// What dnf would do, by its own library: its command takes locks, writes logs and fetches before it answers anything,
// so that who may only look can not ask it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend.hpp"

namespace chaos::resources::dnf {

/// By what dnf has fetched already. Nothing where the host's dnf is none of Python, or has fetched too little.
std::optional<Answer> simulation(const Host&, const Request&);
std::optional<std::vector<std::string>> left_alone(const Host&, const std::vector<std::string>& going);
/// Throws Error where it finds no way.
std::optional<Renewal> renewal(const Host&, const UpgradeWish&);

/// What is asked, a line each with tabs between: `install`, name, version, repository.
std::string question_of(const Request&);
/// What is answered: what comes and goes, what it is not done for, what stays.
struct Told {
    Answer answer;
    Renewal renewal;
};
Told parse(std::string_view said);

}  // namespace chaos::resources::dnf
