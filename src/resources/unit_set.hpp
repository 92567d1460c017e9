// SPDX-License-Identifier: Apache-2.0
// The units of one service manager: the host's, or that of a person's session.
#pragma once

#include <chaos/system/units.hpp>

#include "person.hpp"

namespace chaos::resources {

/// One manager's units as a look has them, and what steers them. A person's manager runs while she is logged in or
/// lingers; where it does not, her units can be enabled and masked, and nothing runs.
class UnitSet {
public:
    /// An empty name is the host's own. The View must outlive it.
    UnitSet(const View&, const std::string& person);

    /// Whether there is something that could run a unit.
    bool answers() const;
    /// Where the unit's file, or its script of /etc/init.d, is; empty where there is none.
    std::string file_of(const std::string& unit) const;
    bool is_there(const std::string& unit) const;
    bool starts(const std::string& unit) const;          ///< With the host, or with the session.
    bool starts_for_all(const std::string& unit) const;  ///< In every session, whatever this person says.
    bool named_by_link(const std::string& unit) const { return units_->enabled.contains(unit); }
    bool masked(const std::string& unit) const { return units_->masked.contains(unit); }
    bool runs(const std::string& unit) const;  ///< As of one look at all of them.
    Unit now(const std::string& unit) const;   ///< Asked now, in full.

    /// Waits for the job; the manager knows of changed files before. Throws Error where it did not come to be.
    void control(WritableHost&, UnitVerb, const std::string& unit) const;

    /// Where a person's own units and links lie.
    static std::string own_directory(const Person&);

private:
    struct Sessions;
    const View& view_;
    Person person_;
    const Units* units_ = nullptr;
    const Units* for_all_ = nullptr;
    bool is_host() const { return person_.name.empty(); }
    void heed(const std::string& unit) const;  ///< Tells whoever cares that this one of all units was asked about.
};

/// True of a unit that does what it is for.
bool runs(const Unit&);

}  // namespace chaos::resources
