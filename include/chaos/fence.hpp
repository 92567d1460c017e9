// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace chaos {

/// Takes from the calling thread, and from every thread and process it starts, the right to write, create, remove or
/// rename anything in a file system (/dev/null excepted); for ever. What is already open for writing stays writable.
/// False where the kernel has no Landlock: then nothing happened.
bool forbid_writes();

}  // namespace chaos
