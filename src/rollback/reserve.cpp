// SPDX-License-Identifier: Apache-2.0
// Room that is kept for the end of a window: a disk that somebody fills meanwhile must not keep the run where it is.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "descriptor.hpp"
#include "expiry.hpp"
#include "state_directory.hpp"

namespace chaos::rollback {

namespace {

constexpr off_t room = 8 << 20;  ///< For the log of a run that takes back, and what it keeps of what it replaces.

std::string path_of(const std::string& state_directory) {
    return state_directory + "/window/reserve";
}

}  // namespace

void keep_reserve(const std::string& state_directory) {
    const std::string path = path_of(state_directory);
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) fail_on("can not write", path);
    if (const int error = ::posix_fallocate(*file, 0, room); error != 0) errno = error, fail_on("can not write", path);
    if (::fsync(*file) != 0) fail_on("can not sync", path);
}

bool release_reserve(const std::string& state_directory) {
    return ::unlink(path_of(state_directory).c_str()) == 0;
}

}  // namespace chaos::rollback
