// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/reporter.hpp>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "processes.hpp"

namespace chaos::rollback {

/// The one writer of a store: flock on <state>/lock, close-on-exec. The file says who holds it, since when, and (fence)
/// which children he started: a kill -9 frees the lock while they go on.
class Lock {
public:
    /// Throws Busy, naming holder, pid and age, where another process holds it. Where it was free but children of the
    /// last holder still run (store.md C3), says so, waits for them, then SIGTERM, `grace_s` later SIGKILL; throws
    /// Error where one can not be killed. Makes the state directory where there is none.
    Lock(const std::string& state_directory, Reporter&, int patience_s = 600, int grace_s = 10);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    /// Remembers a child that may change the host: (boot_id, pid, start time, argv) are written when this returns. The
    /// child leads a session of its own and waits until then. Callable from several threads.
    void fence(int pid, const std::string& argv);
    void lift(int pid);  ///< It has ended.

private:
    void append(const std::string& line);

    int descriptor_ = -1;
    std::string path_;
    std::int64_t head_ = 0;      ///< Length of the line that says who holds it.
    std::vector<int> fenced_{};  ///< Children that have not ended.
    mutable std::mutex mutex_{};
};

/// Who is at work on the store of this directory: "chaos apply (pid 4711, since 2 min, by alice)". Empty: nobody.
/// Does not touch the lock.
std::string holder_of(const std::string& state_directory);

std::optional<Process> holder_process(const std::string& state_directory);

std::string boot_id();  ///< Of the kernel that runs now.

}  // namespace chaos::rollback
