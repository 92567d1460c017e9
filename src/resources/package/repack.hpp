// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <chaos/system/packages.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::resources::apt {

/// The paragraph of dpkg's status as the control file of a .deb: without what only an installed package has. Empty
/// where there is none of that name and architecture.
std::string control_of(std::string_view status, std::string_view name, std::string_view architecture);

/// Packs an installed package anew at `to`, of its files as they are and its scripts; for configuration that somebody
/// edited something stands in. `tree` is an empty directory to work in. Throws Error where dpkg does not know its
/// files.
void repack(WritableHost&, const Packages::Package&, const std::string& tree, const std::string& to);

/// After such an archive was installed: what dpkg put beside the edited configuration is taken away again.
void take_out_stand_ins(WritableHost&, const std::string& archive);

/// The paths of configuration that is not as its package brought it, in what `dpkg --verify` prints.
std::vector<std::string> edited_in(std::string_view verified);

/// Its maintainer scripts do nothing but what debhelper writes into them, or there are none.
bool has_plain_scripts(const Host&, const Packages::Package&);

}  // namespace chaos::resources::apt
