// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "database.hpp"

namespace chaos::rollback {

/// One version of the tables, made from the one before. Migrations only add: a program that knows an older version
/// reads and writes what it knows, as long as `min_reader` allows it.
struct Migration {
    const char* script;
    std::int64_t min_reader;  ///< The oldest version whose programs may still use the store.
};
std::span<const Migration> migrations();  ///< The n-th makes version n, from 1.

/// Marks a file as chaos's ("chao"), for file(1) and for us.
constexpr std::int64_t application = 0x6368616f;

/// True where there is nothing in it yet, not even the tables: as a crash while it was made leaves it.
bool is_new(Database&);

/// Throws Error where it is somebody else's database, or too new. True where migrate() has something to do.
bool needs_migration(Database&, std::span<const Migration>);

/// Throws Busy where a run waits to be confirmed: the program that is to take it back is of the version that began it,
/// and could not read a newer store.
void refuse_while_one_waits(Database&);

/// Brings it to the newest version, each in one transaction. A store with runs in it is kept as it was beside it, as
/// store.vN.db. Throws Error where a run is open: that must be taken back by the program that began it.
void migrate(Database&, std::span<const Migration>);

}  // namespace chaos::rollback
