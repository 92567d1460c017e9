// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/resource.hpp>
#include <functional>
#include <string>
#include <vector>

namespace chaos::rollback {

/// Something that is made where its key says, and nowhere else: a file, a directory, a link.
struct Coming {
    std::string path;
    std::uint32_t number;  ///< The caller's.
};

/// Whether this state of a resource is such: what is called by another name makes the directories that it needs.
bool comes_by_path(const ResourceType&, const State&, const std::string& key);

/// The numbers of those whose directory neither `is_there` nor comes with the others, the outermost first.
std::vector<std::uint32_t> lying_nowhere(std::vector<Coming>, const std::function<bool(const std::string&)>& is_there);

/// What is said of one: "/srv/tree, which it was in, is not there".
std::string why_nowhere(const std::string& path);

}  // namespace chaos::rollback
