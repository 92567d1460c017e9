// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apt_sources.hpp"
#include "solver.hpp"

namespace chaos::resources::apt {

/// How much apt wants each version: its pins, Default-Release and what Release files say of themselves, as
/// apt_preferences(5) has it.
class Policy {
public:
    explicit Policy(const Settings&);

    /// Of a version that the list of this number has.
    int priority(const solver::Offer&) const;
    bool names_sources() const { return names_sources_; }
    int of_list(std::size_t number) const { return of_lists_.at(number); }

private:
    struct Pin {
        std::vector<std::string> packages;
        std::string kind, what;  ///< release | origin | version
        int priority = 0;
    };
    bool fits(const Pin&, std::size_t list, std::string_view version) const;
    bool names(const std::string& pattern, const solver::Offer&) const;

    std::vector<Pin> pins_;  ///< Of packages by name, in order: the first that fits counts.
    std::vector<List> lists_;
    std::vector<int> of_lists_;
    bool names_sources_ = false;
};

}  // namespace chaos::resources::apt
