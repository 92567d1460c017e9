// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace chaos::git {

/// The url of a repository, taken apart: https, http, ssh (also as `git@host:path`), file, or a plain path.
struct Address {
    enum class Way : char { https, http, ssh, file, path };
    Way way = Way::path;
    std::string user{}, password{}, host{}, port{};  ///< The first two as they are meant, not as a url escapes them.
    std::string path{};                              ///< Of ssh: as it is given to the other side.
};

/// Throws Error, with what to write, where it is none of these, or has in it what no url has.
Address address_of(const std::string& url);

/// An address of http as a url again, without name and password.
std::string plain_url(const Address&);

/// The same server, asked the same way.
bool same_server(const Address&, const Address&);

/// What a submodule's url (`../other.git`) means in a repository of that url.
std::string submodule_url(const std::string& of_repository, const std::string& url);

}  // namespace chaos::git
