// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/plan.hpp>

namespace chaos {

/// A kind, too, that has something to say of what was written before defaults were filled in: of wishes that contradict
/// each other. What it is asked about is present and could be decoded; the attributes have their names and places.
class ReviewsWritten {
public:
    virtual void review_written(const Resource&, const Value& written, Diagnostics&) const = 0;

protected:
    ~ReviewsWritten() = default;
};

}  // namespace chaos
