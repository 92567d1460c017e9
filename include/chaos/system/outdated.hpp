// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/view.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace chaos {

/// What runs code of a file that was replaced or removed since it was loaded: after an upgrade, with the old library.
struct Outdated {
    std::vector<std::string> services;   ///< Units of the system's service manager: sorted, each once.
    std::vector<std::string> processes;  ///< "bash (pid 712)": in no unit that can simply be restarted.
    explicit operator bool() const { return !services.empty() || !processes.empty(); }

    /// Reads /proc/PID/maps of all processes; what ends meanwhile, or may not be looked at, is left out.
    static Outdated read(const View&);

    /// From the text of a process's maps: code that is mapped and whose file is no more, below the directories of
    /// programs and libraries.
    static bool is_outdated(std::string_view maps);

    /// `systemctl restart a b`; empty where no service is concerned.
    std::string restart() const;
};

}  // namespace chaos
