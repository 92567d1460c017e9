// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <chaos/resource.hpp>
#include <chaos/system/packages.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::resources::apt {

/// What apt-get is asked for, all at once.
struct Request {
    std::vector<std::string> install;  ///< `nginx`, `nginx=1.22.1-9`
    std::vector<std::string> remove;
    bool purge = false;       ///< What is removed goes with its configuration.
    bool downgrades = false;  ///< A version may be older than what is there.
    bool removals = false;    ///< Others may have to go; else apt-get refuses rather than removing one.
};

/// One line of a simulation.
struct Move {
    enum class Kind : char { install, remove } kind;
    std::string name;  ///< With `:arch` where it is not the native one.
    std::string old_version, version;
};

struct Answer {
    std::vector<Move> moves;            ///< In the order in which apt would make them.
    std::vector<std::string> problems;  ///< What stands after `E:`, line by line.
    bool known = true;                  ///< False: apt can not tell without writing its caches anew.
};

/// What changes of packages ask of it. `undo`: versions may be older, and what goes is purged.
Request request_for(std::span<const Change>, bool undo);

Command command(const Request&, bool simulate);
Answer parse(const Output&);

/// What apt would do, asked once.
Answer simulate(const Host&, const Request&);

/// Packages lists were fetched at some time: without them apt knows nothing to install.
bool has_lists(const Host&);

/// Every list of packages that its sources have was fetched: false where a source came since.
bool has_all_lists(const Host&);
Command update();

/// Who holds dpkg's lock, as "apt-get (pid 712)"; empty where nobody does.
std::string lock_holder(const Host&);

/// What a cut dpkg left is brought to an end: packages that need a fresh copy are unpacked again from the .deb in the
/// cache, then all is configured. Does nothing where nothing is broken.
void repair(WritableHost&);

/// Where apt keeps the .deb of a version.
std::string archive_of(const Packages::Package&);

/// Runs it, waiting for dpkg's lock; throws what apt said, naming who holds the lock where that is why.
void must(WritableHost&, const Command&);

}  // namespace chaos::resources::apt
