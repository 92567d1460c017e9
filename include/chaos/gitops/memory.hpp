// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/gitops/settings.hpp>

namespace chaos::gitops {

/// What a host knows of the repository that it follows: a small file of JSON beside its history. Times are seconds
/// since 1970, 0 where there was none; commits are full hashes, empty where there is none.
struct Memory {
    std::string url{}, ref{};  ///< As they were when `seen` was.

    std::string seen{};        ///< Where the ref was when the repository was asked last.
    std::string trusted{};     ///< The last commit whose signature was found good.
    std::string signers{};     ///< The commit whose .chaos/signers says who may sign; empty: those of the settings.
    std::string signers_of{};  ///< Digest of the settings' list when that was so: where it differs, that holds again.
    std::int64_t asked = 0;    ///< When it answered last.
    std::int64_t unreachable = 0;  ///< Since when it does not answer; 0: it did.
    std::int64_t failures = 0;     ///< How often in a row it did not.
    std::int64_t ask_again = 0;    ///< Not before this, while it does not answer.
    std::string why_unreachable{};

    std::string good{};  ///< What this host was made to be last, and is but for drift.
    std::string good_subject{}, good_author{};
    std::string manifest{};  ///< The path in the repository that was applied then.
    std::int64_t good_at = 0;
    std::int64_t good_run = 0;  ///< The last run that the repository asked for; 0: nothing was to be changed.

    std::string failed{};  ///< The commit that could not be applied, or may not: not tried again until the ref moves.
    std::string why_failed{};
    std::int64_t failed_at = 0, failed_run = 0;
    std::string trying{};    ///< The commit that is being applied; still here where that was cut.
    std::int64_t tries = 0;  ///< How often it was begun.

    std::int64_t scanned = 0;      ///< When the whole host was compared with the manifest last.
    std::int64_t drifted = 0;      ///< How many resources were not as the manifest says, and were left so.
    std::int64_t duration_ms = 0;  ///< Of the last run.
    std::int64_t compared = 0;     ///< How many things were found to be as they were, at the last turn.
    std::string moved{};           ///< What was not, the last time that something was not.
    std::string left{};            ///< What drifts again and again: Drifting as text.
    std::string costly{};          ///< Why nothing tells but looking at all of it again; empty: the things tell.

    std::int64_t suspended_until = 0;  ///< -1: until somebody says resume.
    std::string suspended_by{}, suspended_why{};

    std::int64_t noticed_run = 0;  ///< Runs up to this one were looked at: whether they took ours back.
    bool undone = false;           ///< The host is not at `good` any more: its run was taken back.
    std::int64_t held_by_run = 0;  ///< A person took a run of ours back with this one.
    std::string held_by{},
        held_at{};  ///< Who; and the commit that the ref was at then: when it moves, it is followed again.

    friend bool operator==(const Memory&, const Memory&) = default;
};

std::string to_text(const Memory&);

/// Throws Error where it is no memory. What it does not know it leaves.
Memory read_memory(std::string_view text);

/// Reads DIRECTORY/state.json; a fresh one where there is none.
Memory load_memory(const std::string& directory);

/// Writes it durably, in one move. `asked`, which is all that most turns change, is the time of that file and no more:
/// a turn that finds nothing new writes nothing. Throws Error.
void save_memory(const std::string& directory, const Memory&);

/// One follower at a time: the lock is held while this lives. Throws Busy where another has it for longer than that.
class Turn {
public:
    static constexpr std::int64_t patience_ms = 10'000;  ///< Of a person, while the timer has its turn.
    explicit Turn(const std::string& directory, std::int64_t most_ms = patience_ms);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    int file_ = -1;
};

}  // namespace chaos::gitops
