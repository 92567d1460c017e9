// SPDX-License-Identifier: Apache-2.0
// People and names as this host has them: what `user`, `~` and `name_on` mean here.
#pragma once

#include "declaration.hpp"
#include "modules.hpp"

namespace chaos {

/// Somebody with a home.
struct Person {
    std::string name, group, home;
};

/// As /etc/passwd and /etc/group of a host have them; one who is not there yet gets what useradd gives. Without a name:
/// who runs chaos.
Person person_on(const Host&, const std::string& name);

/// `~` and `~/x` below this home; any other text as it is.
std::string below_home(const std::string& text, const std::string& home);

/// `user: eve` becomes the attributes that say whose something is, where they are not said.
void give_to_persons(std::vector<Declaration>&, const Host&, Diagnostics& problems);

/// `name_on` becomes the name that a resource has on this host; where it has none, it is switched off.
void name_for_host(std::vector<Declaration>&, Layers&, const Modules&, Diagnostics& problems);

}  // namespace chaos
