// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>
#include <chaos/view.hpp>

namespace chaos {

/// Something true of a host that nobody declares: its system, its memory. Read at the first expression that names it.
struct Fact {
    std::string_view name, doc;  ///< `os`: facts.os.family is in what it reads.
    bool passing =
        false;  ///< Changes by itself (load, free memory, addresses): may be shown, may not decide what exists.
    Value (*read)(const View&);
};

}  // namespace chaos
