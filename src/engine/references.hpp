// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include "declaration.hpp"
#include "modules.hpp"

namespace chaos {

/// Who is meant by the ids and patterns of `needs`, `before`, `watch` and `notify`.
class References {
public:
    References(const Catalog&, const Registry&, const Layers&, const Modules&);

    /// Numbers of what an item of such a list names; none for a pattern that fits nothing, and for what `when` switched
    /// off. Throws Error where it is no id, or names nothing.
    std::vector<std::uint32_t> find(const Value& item);

private:
    std::vector<std::uint32_t> of_module(const std::string& name, Place where) const;
    std::vector<std::uint32_t> matching(const std::string& pattern);
    using Sorted = std::vector<std::pair<std::string_view, std::uint32_t>>;
    const Sorted& sorted(std::string_view type);

    const Catalog& catalog_;
    const Registry& registry_;
    const Layers& layers_;
    const Modules& modules_;
    Numbers numbers_;
    std::map<std::string_view, Sorted> by_key_;  // of kinds that a pattern asked for
};

}  // namespace chaos
