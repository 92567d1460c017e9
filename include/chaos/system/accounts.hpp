// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/view.hpp>
#include <string>
#include <unordered_map>
#include <vector>

namespace chaos {

/// The users and groups of a root: /etc/passwd, group, shadow (empty where it may not be read). NSS is not asked.
struct Accounts {
    struct User {
        std::string name, comment, home, shell;
        std::uint32_t uid = 0, gid = 0;
        std::string password;  ///< The field of shadow; empty where it could not be read. Secret.
        std::string expires;   ///< Days since 1970, as shadow has it.
    };
    struct Group {
        std::string name;
        std::uint32_t gid = 0;
        std::vector<std::string> members;
    };
    std::vector<User> users;
    std::vector<Group> groups;

    const User* user(std::string_view name) const;
    const User* user(std::uint32_t uid) const;
    const Group* group(std::string_view name) const;
    const Group* group(std::uint32_t gid) const;
    std::string owner_name(std::uint32_t uid) const;  ///< The name, or the number where there is none.
    std::string group_name(std::uint32_t gid) const;
    std::vector<std::string> groups_of(std::string_view user) const;  ///< Supplementary ones, sorted.

    static Accounts read(const View&);

private:
    std::unordered_map<std::string_view, std::size_t> user_by_name_, group_by_name_;
    std::unordered_map<std::uint32_t, std::size_t> user_by_id_, group_by_id_;
};

}  // namespace chaos
