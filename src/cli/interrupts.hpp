// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace chaos::cli {

/// While it lives, Ctrl-C, SIGTERM and a hang-up do not end the program: the first is told on standard error, and
/// raises a flag that whoever works reads. Ctrl-Z is ignored: a run that sleeps would hold the lock.
class Interrupts {
public:
    enum class Meaning : char {
        takes_back,
        goes_on
    };  ///< What is said: the run is taken back; or it goes on to its end.
    explicit Interrupts(Meaning);
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;

    static const std::atomic<bool>& flag();
};

}  // namespace chaos::cli
