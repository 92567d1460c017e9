// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/resource.hpp>

namespace chaos::rollback {

/// Kind and key, of a resource or of a record of one; owns nothing.
struct IdView {
    std::string_view type, key;
    IdView(std::string_view kind, std::string_view name) : type(kind), key(name) {}
    explicit IdView(const ResourceId& id) : type(id.type), key(id.key) {}
    friend bool operator==(const IdView&, const IdView&) = default;
};

struct IdHash {
    std::size_t operator()(const IdView& id) const {
        return std::hash<std::string_view>()(id.key) * 31 + std::hash<std::string_view>()(id.type);
    }
};

}  // namespace chaos::rollback
