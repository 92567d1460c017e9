// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <memory>
#include <string>
#include <vector>

namespace chaos {

/// The words that start this program again, as it was when it started: whoever was replaced by a newer one since is
/// still the same. Of a copy that was started by a loader beside it, the loader comes first.
std::vector<std::string> own_command();

/// A command as a process of its own, made but held back until release(): so that who must know of it first (the fence)
/// can write down its pid. It leads a session, has no terminal, only the descriptors 0, 1 and 2, all signals as they
/// are by default, umask 022, and in its environment LC_ALL, PATH, what the Command says and, with a user, HOME, USER
/// and LOGNAME. Below an image's root it runs chrooted. If chaos ends before release(), the command never starts.
class Child {
public:
    /// to_looking: Landlock, where the kernel has it, lets neither it nor its children write, create, remove or rename
    /// (pipes and /dev/null excepted); and it does not outlive who waits for it.
    enum class Held : char { no, to_looking };

    /// Throws Error where it can not be: no such user in the root, no process to be had.
    explicit Child(const Command&, const std::string& root = "/", Held = Held::no);
    ~Child();  ///< SIGKILL, where nobody waited.
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    int pid() const;
    void release();

    /// Waits for its end and answers the last 1 MiB of each of its outputs. What its own children still hold open is
    /// not waited for. Throws Error where there was no such command, or it took longer than its timeout and was
    /// stopped.
    Output wait();

    /// SIGTERM to its process group; what is left of its session after ten seconds gets SIGKILL. Returns when it ended.
    void stop();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace chaos
