// SPDX-License-Identifier: Apache-2.0
// Packages that repositories have under one name: `@web-server` in a manifest.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "package.hpp"

namespace chaos::resources {

/// What this host's repositories have of groups, as far as they were fetched: apt's tasks, groups and environments of
/// dnf, pacman's groups, zypper's patterns. Looked up once a View, and only where a manifest names one.
struct Groups {
    GroupTable all;
    static Groups read(const View&);
    /// Null where there is none of that name.
    const std::set<std::string>* members(std::string_view key) const;
};

/// A key that names a group: `@web-server`.
inline bool is_group(std::string_view key) {
    return key.starts_with('@');
}

/// What is there of a group: all of `wanted.members` where they are said, else all that it has by now; absent where
/// one of them is missing.
State seen_group(const View&, const Package& wanted);

/// Changes of groups as changes of their packages, and back. Holds on to the changes it was made of.
class Ungrouped {
public:
    /// Where a group is not known, that is told.
    Ungrouped(const View&, std::span<Change>, Diagnostics&);
    /// No group, but their packages: what is asked of a package manager.
    std::vector<Change>& changes() { return changes_; }
    /// What became of these is said to the changes it was made of; what is a package of a group comes along with that.
    std::vector<Companion> take(std::vector<Companion> along);

private:
    void come(std::size_t group, const std::set<std::string>& members);
    void go(std::size_t group);
    void add(std::size_t group, const std::string& name, State before, State after);
    bool is_of_another(const Past&, const std::string& member) const;

    const View& view_;
    std::span<Change> asked_;
    std::vector<Change> changes_;
    std::vector<std::size_t> origin_;  ///< Of each, among those that were asked about.
    std::set<std::string> named_;
};

/// The changes without those of groups, which are done when their packages are.
std::vector<Change> without_groups(std::span<const Change>);

/// In a comps.xml of dnf: groups by id (what they have for sure and by default), and environments.
void add_comps(std::string_view xml, GroupTable&);
/// In a Packages file of apt: its `Task` fields, the packages called `task-NAME`, and by priority `standard`.
void add_tasks(std::string_view packages, GroupTable&);
/// In what `pacman -Sgg` says.
void add_pacman_groups(std::string_view said, GroupTable&);
/// In what `zypper info --provides` says of packages.
void add_patterns(std::string_view said, GroupTable&);

}  // namespace chaos::resources
