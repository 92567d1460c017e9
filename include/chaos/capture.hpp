// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>

namespace chaos {

/// What a person asked for of one kind, as this host has it, ready for emit(): no more than a manifest has to say for
/// that. Secrets are left out. The kind must have has_others(). Throws Error where it can not be looked at.
Catalog capture(const ResourceType&, const View&);

}  // namespace chaos
