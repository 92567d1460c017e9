// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/transaction.hpp>

#include "journal.hpp"

namespace chaos::rollback {

/// Runs a plan (store.hpp, the protocol): its steps, cut into phases of files, which are published together, and calls.
/// One Runner is one run.
class Runner {
public:
    Runner(Workplace&, const Request&);
    ~Runner();

    /// What earlier runs left that this one takes back: their images go back to the byte where nobody changed them
    /// since. Must be called before run().
    void takes_back(const std::vector<std::int64_t>& runs);

    Outcome run();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Takes an open run back, by its records alone: another process may have begun it. Idempotent; ends with the run
/// undone, or stuck where something could not be put back, or still undoing where it was not to go further.
Outcome undo(Workplace&, std::int64_t run, const std::string& why, Recovery = Recovery::whole);

/// Restarts or reloads what took note of states that are no more, after a run was taken back. Errors go to the outcome.
void settle(Workplace&, StagedHost&, std::int64_t run, Outcome&);

/// Frees what a finished run needs no more on the disk; again after a cut (store.hpp, rule 6).
enum class Published : char { by_anybody, by_this_host };  ///< What the run did.
void sweep(Workplace&, StagedHost&, std::int64_t run, Published = Published::by_anybody);

/// A recorded or observed value, short enough for a message; a secret is not shown, nor is anything that has one in it.
std::string in_words(const Value&);

/// Of a kind whose changes are commands: what they wrote is recorded, and no attribute tells of it.
inline bool runs_commands(const ResourceType& type) {
    return type.way() == Way::opaque && type.schema().reacts;
}

/// Of such a kind: what it wrote is known, and goes back without its help.
inline bool is_recorded(const ResourceType& type, const State& done) {
    return runs_commands(type) && done && type.undo_of({{}, {}, done}) == Undo::exact;
}

/// True where one of them has, or had, an attribute that is hidden.
bool is_given_a_secret(std::span<const Change>);

/// What a command printed may be the secret that it was given: left out.
Error without_output(const Error&);

/// What a manifest declared of it, as it is now: what drift and release compare.
State declared(const Schema&, const State& now, const State& wanted);

}  // namespace chaos::rollback
