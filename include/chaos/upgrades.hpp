// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>

namespace chaos {

/// Which of a host's packages are to become newer.
struct UpgradeWish {
    std::vector<std::string> names;  ///< These alone; empty: all.
    bool security_only = false;      ///< Those for which a source of security updates has a newer version.
    bool removals = false;           ///< Others may go for that.
    std::vector<std::string> fixed;  ///< Whose version somebody decides elsewhere: they stay as they are.
};

/// What comes to be newer, ready to be planned: the packages that were meant, then what has to come, or go, with them.
struct Upgrades {
    Catalog catalog;
    States observed, goal;

    /// A package of which there is a newer version, and which stays.
    struct Stays {
        enum class Why : char { held, fixed, impossible } why;
        std::string name, version, newer;
        std::string reason{};  ///< In the solver's words, where it can not be.
    };
    std::vector<Stays> stays;
    std::size_t not_chosen = 0;    ///< How many have newer versions that the sources' priorities (pins) leave out.
    std::size_t not_security = 0;  ///< How many could be newer, but not for security.
};

/// Asks the solver. Throws Error where it can not tell on this host, and where a name is none of an installed package.
Upgrades upgrades(const View&, const UpgradeWish&);

/// What a package manager knows of its repositories.
struct PackageLists {
    std::string keeper;        ///< apt; empty where there is none.
    std::int64_t fetched = 0;  ///< When, in nanoseconds since 1970; 0: never.
};
PackageLists package_lists(const View&);

/// Fetches them anew. Throws Error with what the package manager says.
void fetch_package_lists(WritableHost&);

}  // namespace chaos
