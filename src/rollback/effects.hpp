// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal.hpp"

namespace chaos::rollback {

/// Puts back what the tools of one opaque step changed beside their target. Three-way by path: what is neither as it
/// was before the step nor as the step left it is somebody's, and stays.
class Effects {
public:
    /// `before`: the footprint before the step began. `after`: what it was found to have changed, where it came to its
    /// end; where it did not (`cut`), all that differs is its doing.
    Effects(StagedHost&, const Footprint&, Scan before, const std::vector<Operation>& after, bool cut);

    /// Queues, once, whatever is ours and differs from before; also what the tools that took the step back left.
    void put_back();

    const std::vector<std::string>& left() const { return left_; }  ///< Paths that were not put back.

private:
    bool concerns(const std::string& path, const Scan& now) const;
    bool is_ours(const std::string& path) const;

    StagedHost& host_;
    const Footprint& footprint_;
    Scan before_, found_;                ///< found: as it was when taking back began.
    std::map<std::string, Image> made_;  ///< What the step made of it, for each path it changed.
    std::map<std::string, std::string> trash_;
    bool cut_;
    std::vector<std::string> left_;
};

}  // namespace chaos::rollback
