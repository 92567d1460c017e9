// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/reporter.hpp>
#include <string>

namespace chaos::rollback {

/// The one writer of a store: flock on <state>/lock, close-on-exec. The file says who holds it, since when, and (fence)
/// which children he started: a kill -9 frees the lock while they go on.
class Lock {
public:
    /// Throws Busy, naming holder, pid and age, where another process holds it. Where it was free but children of the
    /// last holder still run (store.md C3), says so, waits for them, then SIGTERM, then SIGKILL.
    Lock(const std::string& state_directory, Reporter&, int patience_s = 600);
    ~Lock();
    Lock(const Lock&) = delete;

    /// Remembers a child that may change the host: (boot_id, pid, start time, argv) are on disk when this returns. The
    /// child leads a session of its own and waits until then.
    void fence(int pid, const std::string& argv);
    void lift(int pid);  ///< It has ended.

private:
    int descriptor_ = -1;
    std::string path_;
};

}  // namespace chaos::rollback
