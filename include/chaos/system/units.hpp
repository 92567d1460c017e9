// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chaos/view.hpp>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace chaos {

/// Units of a root: which are loaded (from the service manager, where it answers) and which are enabled or masked, from
/// the symbolic links below /etc/systemd/system. ListUnitFiles is never asked: it costs 140 ms.
struct Units {
    std::unordered_map<std::string, Unit> loaded;
    std::unordered_set<std::string>
        enabled;  ///< Named in some .wants, .requires or as an alias; also by links of instances.
    std::unordered_set<std::string> masked;
    std::unordered_set<std::string> sysv;  ///< Named by a start link in /etc/rc2.d to rc5.d: what enabled means for a
                                           ///< script of /etc/init.d that has no unit file of its own.

    /// Where unit files lie, in the order systemd looks.
    static constexpr std::array<std::string_view, 5> directories{"/etc/systemd/system", "/run/systemd/system",
                                                                 "/usr/local/lib/systemd/system", "/lib/systemd/system",
                                                                 "/usr/lib/systemd/system"};

    /// Whether it is started at boot, however it came to be.
    bool starts(const Host&, const std::string& unit) const;

    /// The unit file in the first of these directories that has it; empty where there is none. `name@x.service` is
    /// found by its template.
    static std::string file_of(const Host&, const std::string& unit);

    static Units read(const View&);

    /// What the links in these directories enable and mask; nothing is said of what is loaded.
    static Units linked_in(const Host&, std::span<const std::string> directories);

    /// `getty@.service` of `getty@tty1.service`; empty for what is no instance.
    static std::string template_of(std::string_view unit);

    /// The first of these directories' file for a unit, or its template's; empty where there is none.
    static std::string file_in(const Host&, std::span<const std::string> directories, const std::string& unit);
};

/// `nginx` is `nginx.service`; a name with a known suffix stays.
std::string unit_name(std::string_view name);

}  // namespace chaos
