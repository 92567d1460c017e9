// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/history.hpp>
#include <chaos/host.hpp>

namespace chaos {

/// A host that finds out what a command writes. Nobody sees any of it before the command has ended well; then each file
/// is done as if it had been asked for here: recorded, staged, published, and taken back exactly. What the command
/// leaves running is ended. One that fails, or is cut, has written nothing.
class Recorder {
public:
    virtual Output record(const Command&) = 0;

protected:
    ~Recorder() = default;
};

/// Records what the command writes where the host can; one that keeps no record runs it, and no more.
inline Output record(WritableHost& host, const Command& command) {
    auto* const recorder = dynamic_cast<Recorder*>(&host);
    return recorder ? recorder->record(command) : host.run(command);
}

/// What the recorded commands of a run wrote: changes of files, links and directories, by path. Their owners are
/// numbers; what a command wrote that was given a secret has no content. Empty where the history has no such records.
std::vector<ChangeRecord> recorded_writes(const History&, std::int64_t run);

}  // namespace chaos
