// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "backend.hpp"

namespace chaos::resources::apt {

Command command(const Request&, bool simulate);
Command back(const Request&);  ///< The same, to take something back: also where dpkg was cut, and by files.

/// Takes something back: by the .debs that were kept, so that no network is needed, and step by step by dpkg where apt
/// finds no way.
void go_back(WritableHost&, Request);

Answer parse(const Output&);

/// What apt would do, asked once.
Answer simulate(const Host&, const Request&);

/// Packages lists were fetched at some time: without them apt knows nothing to install.
bool has_lists(const Host&);

/// Every list of packages that its sources have was fetched: false where a source came since.
bool has_all_lists(const Host&);
Command update();

/// What a cut dpkg left is brought to an end, and that is told: packages that need a fresh copy are unpacked again from
/// the .deb that was coming, then all is configured. Does nothing where nothing is broken. What can not be configured
/// is an Error, or (who takes it back anyway) let be.
void repair(WritableHost&, bool must_configure = true);

/// What somebody's removal left half there, and the request does not speak of: apt would go on with that in any
/// transaction, and the plan has nothing of it.
void finish_removals(WritableHost&, const Request&);

/// What a removal left half there, and is to be there.
void unpack_halves(WritableHost&, const std::vector<std::string>& packages);

/// What was cut may be noted as done and not be: dpkg syncs what it notes, and not the names of files, which lie on
/// another file system where /var is one. What of these packages is not where it belongs is unpacked again; what was
/// about to be removed and is to stay is not to be removed any more. What it notes as gone, and whose files are there
/// again, is unpacked once more from the .deb that was kept (`before` is what the cut run had brought), so that it can
/// be removed.
void unpack_again(WritableHost&, std::span<const Change>);

}  // namespace chaos::resources::apt
