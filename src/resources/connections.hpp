// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <string>
#include <vector>

namespace chaos::resources {

/// A connection of TCP that is open, seen from here; or a port that is listened on (without remote).
struct Connection {
    std::string remote{};
    unsigned remote_port = 0, port = 0;
    bool listens = false;
};

/// Those of a running host, as /proc/net/tcp and tcp6 tell them; of an image there are none.
std::vector<Connection> connections(const Host&);

}  // namespace chaos::resources
