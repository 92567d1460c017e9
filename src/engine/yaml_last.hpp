// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/cache.hpp>

#include "yaml_edited.hpp"

namespace chaos {

/// The text of a source that was parsed last, by the name of the source: it is kept beside its parse.
class LastText {
public:
    /// Without a cache, and for a text that is parsed as quickly as it is compared, nothing is read or kept.
    LastText(Cache*, const Source&, std::string_view text);
    std::optional<Before> read(std::uint16_t source) const;
    void keep(const std::string& parse);  ///< The name under which the parse of this text is kept.

private:
    Cache* cache_;
    std::string name_;
    std::string_view text_;
};

}  // namespace chaos
