// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/secrets.hpp>
#include "age.hpp"

namespace chaos {

/// The private keys of a ring. Throws Error where a named file is not there, where others may read one, or where it
/// holds something else.
std::vector<age::Identity> identities_of(const KeyRing&);

/// How to give a key: for errors.
std::string how_to_give_a_key();

}  // namespace chaos
