// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "backend.hpp"

namespace chaos::resources::apt {

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
