// SPDX-License-Identifier: Apache-2.0
// Packages that a manifest brings as files of its own.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "package.hpp"

namespace chaos::resources {

/// What a file of a package says of itself.
struct PackageFile {
    std::string name, version, architecture;
    std::string control{};  ///< Of a .deb: all of its paragraph.
};

/// Looks into one by the package manager's own tools, since whoever made it may mean harm: they run in a process that
/// can write nothing. Throws Error where it is none, or one of another package manager.
PackageFile read_package_file(const View&, const Located&);

/// Of a Debian control archive (a tar), the paragraph of the package; empty where there is none.
std::string control_in(std::string_view tar);

/// What the files of changes are, in their order (nothing where a change has none), with their versions in `after`.
/// One that is not what its entry says is told at its place; `well` is false then.
std::vector<std::optional<PackageFile>> settle_files(const View&, std::span<Change>, Diagnostics&, bool& well);

/// Where the file of a version is kept while a run needs it, whether it is there or not; empty where the state
/// directory lies outside of the host.
std::string staged_path(const Host&, const std::string& name, const std::string& version);

/// What goes by these changes, or becomes another version, and is not kept as a file; nothing where none can be.
std::vector<Packages::Package> unkept_of(WritableHost&, std::span<const Change>);
/// Keeps what was fetched of these, each from where that is said to lie; what is not there is told.
void keep_files(WritableHost&, const std::vector<Packages::Package>&,
                const std::function<std::string(const Packages::Package&)>& fetched);

/// Copies the files of what a request installs to where nobody else writes, and tells the request. Throws Error where
/// one is no more what it was when the plan was made.
void stage_files(WritableHost&, std::span<const Change>, Request&);

/// Those of an earlier run that are still kept, for what comes back.
void find_staged(const Host&, Request&);

/// Those that no recorded run needs go; with `all`, every one.
void sweep_files(WritableHost&, const History&, bool all);

}  // namespace chaos::resources
