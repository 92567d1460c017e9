// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/beside.hpp>
#include <chaos/witness.hpp>

#include "world.hpp"

namespace chaos::cli {

/// A command that found nothing to do, and all that it saw of manifests, history and host. Where the same words are
/// said again and all of it is so still, told by inodes and times, the same is answered, and nothing is read.
///
/// It lives while the command reads and looks; the host is looked at through eye(), or nothing is kept.
class Settled {
public:
    Settled(Context&, const World&);
    ~Settled();

    /// Says what was said then. False where something moved, or nothing is known; --full asks for that.
    bool says_it_again();
    const Host& eye() const { return witness_; }
    /// After all was said and what was opened is closed: there was nothing to do, and nothing was done.
    void keep();

private:
    std::string circumstances() const;

    Context& context_;
    const World& world_;
    std::string name_, circumstances_;
    Witness witness_;
    beside::Notes notes_;
};

}  // namespace chaos::cli
