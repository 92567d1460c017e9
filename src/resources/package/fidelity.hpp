// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>

#include "backend.hpp"

namespace chaos::resources::apt {

/// Options for apt-get by which it shows what it is about to do before dpkg is touched, and stops unless that is all of
/// `request` and nothing else.
std::vector<std::string> held_to(const Request& request);

/// What apt-get ended with says that it stopped for that reason.
bool was_stopped(const Error&);

/// Both lists, and how they differ.
Error other_than_planned(const Request& request, const Answer& apt);

}  // namespace chaos::resources::apt
