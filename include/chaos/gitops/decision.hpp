// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/gitops/memory.hpp>

namespace chaos::gitops {

/// Why a follower is at work: its timer, a person who wants it now, or something that changed on the host (then the
/// repository is not asked).
enum class Asked : char { by_timer, by_person, by_change };

/// What can be told of a host without planning: whether all that a plan looked at last is as it was.
enum class Noticed : char {
    nothing,  ///< It was not looked at since something else was decided: a look tells.
    still,    ///< All is as it was.
    moved,    ///< Something is another.
    costly,   ///< Nothing tells but looking at all of it again.
};

/// What is to be done about a repository, and why, in a sentence for people.
struct Decision {
    enum class Act : char {
        wait,     ///< Nothing, and the repository is not asked either.
        ask,      ///< Ask where the ref is.
        nothing,  ///< The host is as the commit says, as far as is known.
        apply,    ///< This commit is to be applied.
        heal,     ///< The host is compared with the commit it has; what drifted is put right.
        look,     ///< The same, but only told.
        tell,     ///< There is a new commit, and nobody wants it applied.
        stay,     ///< There is a commit that is not to be tried (again).
    } act = Act::wait;
    std::string commit{};
    std::string why{};
};

/// Before the repository is asked. `now`: seconds since 1970.
Decision before_asking(const Settings&, const Memory&, Asked, Noticed, std::int64_t now);

/// When it said that the ref is at `tip`; empty where it does not answer.
Decision after_asking(const Settings&, const Memory&, const std::string& tip, Asked, Noticed, std::int64_t now);

/// It answered, or it did not: what is remembered of that. A time grows from the interval, twice as long each time, to
/// an hour.
void note_answer(Memory&, const std::string& tip, std::int64_t now);
void note_silence(Memory&, const Settings&, const std::string& why, std::int64_t now);

void note_applied(Memory&, const std::string& commit, const std::string& manifest, std::int64_t run, std::int64_t now);
void note_failed(Memory&, const std::string& commit, const std::string& why, std::int64_t run, std::int64_t now);

/// A person took our run back, and the ref (empty: not known) has not moved since.
bool held(const Memory&, const std::string& tip);

/// Whether it is suspended now, and how that is said.
bool suspended(const Memory&, std::int64_t now);

}  // namespace chaos::gitops
