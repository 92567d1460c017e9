// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/history.hpp>
#include <chaos/resource.hpp>
#include <chaos/system/packages.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// <state>/packages: every .deb that a recorded run took away or brought, by its usual name (NAME_VERSION_ARCH.deb), so
// that taking back and recovery need no network. `incoming` names those of the last transaction.

namespace chaos::resources::apt {

/// How apt and we call the file of a version: an epoch's colon is %3a.
std::string archive_name(std::string_view name, std::string_view version, std::string_view architecture);

/// Where the .deb of this version lies: kept, or in apt's cache; empty where neither has it.
std::string archive_of(const Host&, const Packages::Package&);

/// The kept .deb of `name` (`libc6:i386`) at this version; empty where there is none.
std::string kept_archive(const Host&, const Packages&, const std::string& name, const std::string& version);

/// What goes is kept before it goes: from apt's cache where that is what the archive's lists say of it, else fetched,
/// else packed anew of what lies here. Synced when it returns. Throws Error where one can not be kept.
void keep_outgoing(WritableHost&, std::span<const Change>);

/// To be added to an apt-get that installs: apt hands its .debs to a command before it calls dpkg, which keeps and
/// syncs them, and stops apt where there is no room for what they hold.
void keep_incoming(WritableHost&, Command&);

/// The .debs that were to be unpacked when dpkg was cut, for these packages: those of the last transaction, else the
/// newest in apt's cache.
std::vector<std::string> incoming_of(const Host&, const std::vector<const Packages::Package*>&);

/// A run that is recorded, and not undone, has a package at that version; or it was there before the first of them.
bool is_needed(const History&, const std::string& key, const std::string& version);

/// What the archives take, each by the newest run that needs it.
std::vector<ResourceType::Kept> kept_archives(const Host&, const History&);

/// Files that no recorded run needs go.
void sweep_archives(WritableHost&, const History&);

}  // namespace chaos::resources::apt
