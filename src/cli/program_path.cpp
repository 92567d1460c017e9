// SPDX-License-Identifier: Apache-2.0
#include "program_path.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace chaos::cli {

std::string program_in(const RootHost& host) {
    char path[4096];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    if (!host.live() || length <= 0) return "/usr/bin/chaos";
    const std::string program(path, static_cast<std::size_t>(length));
    if (program.find_first_of(" \t%\"'\\$") != std::string::npos)
        throw Error(fmt::format("the path of this program has a character that a unit file can not have: {}", program));
    return program;
}

}  // namespace chaos::cli
