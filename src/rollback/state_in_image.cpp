// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <chaos/transaction.hpp>

#include "beneath.hpp"

namespace chaos {

std::string state_directory_in(const std::string& root) {
    const rollback::Beneath beneath(root);
    std::string there = "/var/lib/chaos", rest;
    for (; there != "/"; there = rollback::parent_of(there)) {
        if (const auto directory = beneath.directory(there))
            return beneath.outside((beneath.path_of(*directory) == "/" ? "" : beneath.path_of(*directory)) + rest);
        const auto spot = beneath.spot(there);
        struct stat found {};
        if (spot && ::fstatat(spot.at(), spot.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0)
            throw Error(S_ISLNK(found.st_mode) ? there + " is a link that leads nowhere in " + root
                                               : there + " is no directory in " + root)
                .help("mend the image, or say where runs are recorded: --state-dir DIR");
        rest = there.substr(there.rfind('/')) + rest;
    }
    return beneath.outside(rest);
}

}  // namespace chaos
