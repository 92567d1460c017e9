// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>
#include <chaos/host.hpp>

#include <optional>

namespace chaos {

/// Who a command runs as.
struct Login {
    std::string name, home;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  ///< With gid.
};

/// By name or number, from the texts of /etc/passwd and /etc/group. Nothing where there is no such user.
std::optional<Login> parse_login(std::string_view passwd, std::string_view group, std::string_view user);

/// From those of a host. Throws Error where there is no such user.
Login login_of(const Host&, const std::string& user);

}  // namespace chaos
