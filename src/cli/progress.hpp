// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/reporter.hpp>

#include "console.hpp"

namespace chaos::cli {

/// Tells a run on standard error: on a terminal one line that is written over, elsewhere a line for each step.
class Progress final : public Reporter {
public:
    Progress(Console&, const Sources&);
    ~Progress() override;
    void begins(const Step&, std::size_t number, std::size_t of) override;
    void ends(const Step&, bool well) override;
    void says(const std::string& line) override;
    void warns(const Error&) override;

private:
    void wipe();
    Console& console_;
    const Sources& sources_;
    bool line_stands_ = false;
    std::size_t ended_ = 0, of_ = 0;
};

/// "create file:/etc/motd", "change package:nginx and 12 more".
std::string words_for(const Step&);

}  // namespace chaos::cli
