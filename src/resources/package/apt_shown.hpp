// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "backend.hpp"

namespace chaos::resources::apt {

/// To be added to an apt-get that carries out a whole plan (Request::complete): of the archive's lists it sees the
/// paragraphs of what it is to install, in a directory of its own that only this command sees. Two thirds of what
/// apt-get takes for a few packages is reading the others; and what it does not see it can not choose. Leaves the
/// command as it is where it can not be told so: lists that can not be read, a version that none of them has.
void show_only_what_comes(WritableHost&, const Request&, Command&);

/// The paragraphs of a list (deb822) that tell of one of these (`jq=1.6-2.1`, `libc6:i386=2.36-9`), whichever list it
/// is: of two with the same version apt chooses as ever. Adds those it has to `found`.
std::string paragraphs_of(std::string_view list, const std::set<std::string>& wanted, const std::string& native,
                          std::set<std::string>& found);

}  // namespace chaos::resources::apt
