// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/history.hpp>
#include <chaos/journal.hpp>
#include <chaos/reporter.hpp>

#include "console.hpp"

namespace chaos::cli {

/// Tells a run on standard error: on a terminal one line that is written over, elsewhere a line for each step. What
/// changes the running system is told to its journal as well, with fields to find it by.
class Progress final : public Reporter {
public:
    Progress(Console&, const Sources&, bool live);
    ~Progress() override;
    void starts(const RunRecord&) override;
    void finishes(const Outcome&) override;
    void begins(const Step&, std::size_t number, std::size_t of) override;
    void ends(const Step&, bool well) override;
    void says(const std::string& line) override;
    void warns(const Error&) override;

private:
    void wipe();
    void write(int priority, std::string message, Journal::Fields more);
    Console& console_;
    const Sources& sources_;
    std::optional<Journal> journal_;
    RunRecord run_{};
    bool line_stands_ = false;
    std::size_t ended_ = 0, of_ = 0;
};

/// "create file:/etc/motd", "change package:nginx and 12 more".
std::string words_for(const Step&);

}  // namespace chaos::cli
