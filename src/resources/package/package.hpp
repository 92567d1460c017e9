// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/located.hpp>
#include <chaos/past.hpp>
#include <chaos/resource.hpp>
#include <chaos/system/packages.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "backend.hpp"

namespace chaos::resources {

/// An entry is there because somebody asked for it: not by itself, and whole.
struct Package {
    std::string name;
    std::optional<std::string> version;
    std::optional<Located> packed;  ///< The file it comes from, where that is of the manifest.
    std::optional<std::string> sha256;
    std::optional<bool> hold, automatic = false, intact = true;
    std::optional<bool> removed = false;  ///< It is not installed, and what its removal left is there.
    bool purge = false;
    TextMap debconf;
    std::optional<std::string> archive;
    std::vector<std::string> allow_removals;
    std::string source;  ///< Empty: whichever its package manager prefers.
    std::optional<TextMap> comes, goes;
    std::optional<std::int64_t> fetched, takes;  ///< Bytes.
    std::optional<bool> scripts;
    std::optional<bool> fresh;         ///< Of one that came: nothing of it was there before.
    std::vector<std::string> members;  ///< Of a group: what it has.
};

/// How the kind is called in ids.
inline constexpr std::string_view package_kind = "package";

/// One package of a change, with what its package manager calls it.
const Package* either(const Change&);

bool changes_version(const Change&);

/// `libfoo:amd64` where amd64 is the native architecture is `libfoo`.
std::string bare(std::string name, const Packages&);

/// All of a package that is there.
Package seen(const View&, const Packages::Package& there, const std::string& name);

/// A package that comes, or becomes another version, for the sake of others: as it is, and as it will be.
struct Along {
    State before;
    Package goal;
};
Along along(const View&, const std::string& name, const std::string& version, const Reason&);

/// Notes of those that come whether anything of them is there: what a removal had left of it stays when that is taken
/// back.
void tell_what_is_fresh(const View&, std::span<Change>);

/// It goes with its configuration and data: that was asked for, or there was nothing of it before what is taken back.
bool goes_wholly(const Change&, bool undo);

/// What changes of packages ask of their package manager. `undo`: versions may be older. What is removed is purged
/// where all of it goes wholly.
Request request_for(std::span<const Change>, bool undo);

/// What earlier runs tell; null where nothing is known.
const Past* past_of(const View&);

/// It is there for the sake of others alone, and the host may do without it: not essential, not held, no kernel.
bool may_go_along(const Packages::Package&);

/// What goes because of a change goes as wholly as that: purged where that is.
State going_with(const State& there, const Change& cause);

/// Asks once for all changes: exact versions, what comes along, what would have to go.
std::vector<Companion> resolve_packages(const View&, std::span<Change>, Diagnostics&);

/// The same, and needed_by_others, by asking the package manager: where there is no libsolv.
std::vector<Companion> resolve_by_simulation(const View&, std::span<Change>, Diagnostics&);
std::set<std::string, std::less<>> needed_by_simulation(const View&, const std::vector<std::string>& asked);

/// Those of `asked` that can not go without something else going as well. What `changing` need does not count: they
/// become other versions at the same time.
std::set<std::string, std::less<>> needed_by_others(const Host&, const std::vector<std::string>& asked,
                                                    const std::vector<std::string>& changing = {});

/// Makes the changes, in one transaction.
void apply_packages(WritableHost&, std::span<const Change>);

/// Takes them back: what came is purged where nothing of it was there before, and else removed; what went comes back at
/// its version. What others have come to need meanwhile stays, marked as automatic.
void undo_packages(WritableHost&, std::span<const Change>);

}  // namespace chaos::resources
