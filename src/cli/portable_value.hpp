// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/seal.hpp>
#include <chaos/value.hpp>

namespace chaos::cli {

/// A value as a file of ours has it: JSON has no bytes that are no UTF-8 ({"$base64": ...}), and what is secret is
/// closed with a key ({"$secret": ...}) or, without one, left out.
Value to_portable(const Value&, const SealKey*);

/// The way back. A secret that was left out is an empty one. Throws Error where it is nothing of that.
Value from_portable(const Value&, const SealKey*);

}  // namespace chaos::cli
