// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "progress.hpp"
#include "world.hpp"

namespace chaos::cli {

struct PlanView;

/// The store of a host opened to change it, with its lock. Who works on it keeps everybody else out, the end of a
/// window as well; so the lock is let go while a person is asked.
class Work {
public:
    Work(Context&, const World&);

    Transactor& operator*() { return *transactor_; }
    Transactor* operator->() { return transactor_.get(); }

    /// Asks with the lock let go; without it, too, where the answer is no. Throws Overtaken where the answer is yes,
    /// and what is recorded is not as it was when the question was put: what was shown is not what would be done. What
    /// somebody changes on the host meanwhile is found by the steps themselves.
    bool agrees(const std::string& question);
    /// --yes, nobody there to ask, or the answer to what such a plan is about.
    bool agreed(const PlanView&, const std::string& question);

private:
    Context& context_;
    const World& world_;
    Progress progress_;
    std::unique_ptr<Transactor> transactor_;
};

/// Opens it where somebody else is at work for a moment only, such as a tick that finds nothing to do. Asked each time
/// that one was met: whether to go on waiting; else throws Busy, as it does when the moment is over.
std::unique_ptr<Transactor> open_soon(const World&, Reporter&, const std::function<bool()>& goes_on);

}  // namespace chaos::cli
