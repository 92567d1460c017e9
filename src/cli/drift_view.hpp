// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attribute_view.hpp"

namespace chaos::cli {

/// What is otherwise than a run left it.
struct Drifted {
    enum class How : char { missing, appeared, changed, stale } how = How::changed;  ///< stale: it wants a restart.
    std::string id, site, where;
    std::int64_t run = 0;                   ///< The run that made it as it should be.
    std::vector<AttributeView> attributes;  ///< before: as recorded; after: as it is.
    bool audited = false;                   ///< The manifest wishes it, and has it told and not mended.
};
std::string_view to_text(Drifted::How);

struct DriftView {
    std::size_t resources = 0;  ///< How many were looked at.
    std::vector<Drifted> drifted;
    std::string next;
};

Json to_json(const DriftView&);
std::string render(const DriftView&, Style, bool verbose);

}  // namespace chaos::cli
