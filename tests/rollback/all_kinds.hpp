// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "rollback/staged_host.hpp"

namespace chaos::test {

/// A tree with one of every kind of name in it, and a mount (srv) that is there already.
void make_all_kinds(const std::string& root);

/// Queues one of every kind of change of it.
void change_all_kinds(rollback::StagedHost&);

/// Everything that must be as it was (store.md, undo equality), as text that can be compared: type, mode, owner,
/// content, attributes, link target, group of hard links, mtime of files. Not below var/lib/chaos.
std::string manifest(const std::string& root);

void put_file(const std::string& path, const std::string& bytes, unsigned mode = 0644);
std::string file_at(const std::string& path);

}  // namespace chaos::test
