// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/view.hpp>
#include <string>
#include <unordered_map>
#include <vector>

namespace chaos {

/// What dpkg has installed: /var/lib/dpkg/status and, for the auto marks, /var/lib/apt/extended_states, read in
/// process.
struct Packages {
    struct Package {
        std::string name, architecture, version;
        std::string want, flag,
            status;  ///< install|hold|deinstall|purge, ok|reinstreq, installed|config-files|half-installed|unpacked|...
        bool automatic = false;  ///< Came along with another one.
        bool essential = false;
    };
    std::vector<Package> all;
    std::string architecture;  ///< The native one.
    bool present = false;      ///< There is a dpkg here.

    /// `nginx`, or `libc6:i386`. Null where dpkg does not know it.
    const Package* find(std::string_view name) const;

    static Packages read(const View&);

private:
    std::unordered_map<std::string, std::size_t> by_name_;
};

}  // namespace chaos
