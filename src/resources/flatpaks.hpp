// SPDX-License-Identifier: Apache-2.0
// What the kinds of flatpak share: where an installation is, and how it is spoken to.
#pragma once

#include <chaos/resource.hpp>

#include "person.hpp"

namespace chaos::resources {

/// The host's installation of flatpak, or a person's own (whose name it has).
struct Installation {
    std::string person{};
    std::string directory{};  ///< What is installed in it: app/, runtime/, repo/.
};
Installation installation_of(const View&, const std::string& person);

/// `flatpak WORDS --system|--user MORE`, by who may.
Command flatpak(const View&, const Installation&, std::vector<std::string> words, std::vector<std::string> more);

bool has_flatpak(const Host&);

/// A remote as its configuration has it; nothing where there is none of this name.
struct Remote {
    std::string url{};
    bool verified = false;
};
std::optional<Remote> remote_of(const View&, const Installation&, const std::string& name);

/// A remote that a wish for an application brings with it: where nothing else is said, they come from flathub.
State remote_state(const std::string& key, const std::string& url);

}  // namespace chaos::resources
