// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/system/packages.hpp>

#include "apt_sources.hpp"
#include "backend.hpp"
#include "solver.hpp"

namespace chaos::resources::apt {

/// What dpkg has installed, told to the solver.
void add_installed(solver::Pool&, const View&);

/// What apt's lists offer, in the order of `lists`; each is read from the host's cache where it was read before as it
/// is now, and kept there else. A list that vanishes meanwhile has nothing.
void add_lists(solver::Pool&, const View&, const Settings&, const std::string& native);

/// The tasks that all lists have.
GroupTable tasks(const View&, const Settings&);

}  // namespace chaos::resources::apt
