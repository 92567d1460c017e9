// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/resource.hpp>

namespace chaos {

/// A kind of which a part is only the running kernel's, or runs until the host goes down.
class PassesBoots {
public:
    /// What a boot makes of a state that was seen before it: what does not last follows from what does. Where nothing
    /// says what a boot makes of it, it stays as it was seen.
    virtual State after_boot(const View&, const State& seen) const = 0;

protected:
    ~PassesBoots() = default;
};

/// The same of any kind: one that has no such part is as it was seen.
inline State after_boot(const ResourceType& type, const View& view, const State& seen) {
    const auto* passes = dynamic_cast<const PassesBoots*>(&type);
    return passes && seen ? passes->after_boot(view, seen) : seen;
}

}  // namespace chaos
