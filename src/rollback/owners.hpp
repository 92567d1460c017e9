// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace chaos::rollback {

/// Users and groups of a root by name, from its /etc/passwd and /etc/group: what a file is given to when it is
/// published, be the account one that a step before has made. root is 0 where the files do not say otherwise.
class Owners {
public:
    Owners(std::string_view passwd, std::string_view group);

    /// A name, or decimal digits. Throws Error where there is none.
    std::uint32_t user(const std::string& name) const;
    std::uint32_t group(const std::string& name) const;

private:
    std::unordered_map<std::string, std::uint32_t> users_, groups_;
};

}  // namespace chaos::rollback
