// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/transaction.hpp>

#include "journal.hpp"

namespace chaos::rollback {

/// Puts back what the tools of opaque steps changed beside their target. Three-way by path: what is neither as it was
/// before the oldest step that changed it nor as the newest one left it is somebody's, and stays.
class Effects {
public:
    /// Of one step, among the operations of its run: what it was found to have changed, where it came to its end; where
    /// it did not (`cut`), all that differs from its scan is its doing.
    Effects(StagedHost&, const Footprint&, const StepRecord&, const std::vector<Operation>& operations, bool cut);

    /// An older step of the same kind, which goes back along with those before: path by path, where the next one found
    /// what this one had left.
    void reach_back(const StepRecord&, const std::vector<Operation>& operations);

    /// Queues, once, whatever is ours and differs from before; also what the tools that took the step back left.
    void put_back();

    /// Adds the paths that were not put back. Files of lines that many share are none of them: the tools took their
    /// own lines out, and whoever changed others meanwhile keeps them.
    void tell(std::string_view type, std::vector<Conflict>&) const;

private:
    void note(const Operation&);
    bool concerns(const std::string& path, const Scan& now) const;
    bool is_ours(const std::string& path) const;

    StagedHost& host_;
    const Footprint& footprint_;
    Scan before_, found_;                ///< before: what it is to be; found: as it was when taking back began.
    std::map<std::string, Image> made_;  ///< What the steps made of it, for each path they changed.
    std::map<std::string, std::string> trash_;
    std::map<std::string, Image> beyond_;  ///< As it was before older steps, where somebody changed it since them.
    bool cut_;
    std::vector<std::string> left_, lost_;  ///< As somebody else made it; and of which nothing was kept.
};

}  // namespace chaos::rollback
