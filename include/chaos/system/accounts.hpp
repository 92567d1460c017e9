// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/view.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace chaos {

/// The users and groups of a root: /etc/passwd, group, shadow (empty where it may not be read). NSS is not asked.
struct Accounts {
    struct User {
        std::string name, comment, home, shell;
        std::uint32_t uid = 0, gid = 0;
        std::string password;   ///< The field of shadow; empty where it could not be read. Secret.
        std::string aging;      ///< What shadow has after it: changed:min:max:warn:inactive:expires:reserved.
        bool shadowed = false;  ///< Has a line in shadow. Without one, in a root that has a shadow: half made.
    };
    struct Group {
        std::string name;
        std::uint32_t gid = 0;
        std::vector<std::string> members;
    };
    std::vector<User> users;  ///< In the order of the file; not to be changed: the questions below search an index.
    std::vector<Group> groups;
    bool shadow_known = false;  ///< /etc/shadow could be read.

    const User* user(std::string_view name) const;
    const User* user(std::uint32_t uid) const;
    const Group* group(std::string_view name) const;
    const Group* group(std::uint32_t gid) const;
    std::string owner_name(std::uint32_t uid) const;  ///< The name, or the number where there is none.
    std::string group_name(std::uint32_t gid) const;
    std::vector<std::string> groups_of(std::string_view user) const;  ///< Supplementary ones, sorted.

    static Accounts read(const View&);

    /// The same from the texts of the files. A line that is none is passed over, as the C library does.
    static Accounts parse(std::string_view passwd, std::string_view group, const std::string* shadow);

private:
    using Index = std::vector<std::uint32_t>;  // sorted numbers, so that a copy of all this is as good as the original
    Index user_by_name_, user_by_id_, group_by_name_, group_by_id_;
};

}  // namespace chaos
