// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/plan.hpp>

namespace chaos {

struct RunRecord;
struct Outcome;

/// What happens during a run, told as it happens to whoever shows it. Called from one thread at a time; must not throw.
class Reporter {
public:
    virtual ~Reporter() = default;
    virtual void starts(const RunRecord&) {}  ///< It has its number, and nothing of it is done yet.
    virtual void finishes(const Outcome&) {}  ///< Of the run that started last, or of one that was cut before.
    virtual void begins(const Step&, std::size_t number, std::size_t of) { (void)number, (void)of; }
    virtual void ends(const Step&, bool well) { (void)well; }
    virtual void says(const std::string& line) {
        (void)line;
    }  ///< "waiting for the apt lock, held by apt-get (pid 712)", "taking back 3 changes".
    virtual void warns(const Error&) {}
};

}  // namespace chaos
