// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chaos/resource.hpp>
#include <chaos/system/accounts.hpp>
#include <optional>
#include <set>
#include <span>
#include <string_view>

namespace chaos::resources {

/// What a cut tool left: lines of `name` in these colon-separated files go, the rest stays byte for byte.
void drop_lines(WritableHost&, std::string_view name, std::span<const std::string_view> files);

/// Runs it; throws what failed where its exit status is not 0.
void must(WritableHost&, const Command&);

/// Ids to be given to accounts, by the ranges of /etc/login.defs: above all that are there, system accounts below.
class FreeIds {
public:
    explicit FreeIds(const View&);
    void take(std::uint32_t id) { taken_.insert(id); }
    std::uint32_t next(
        bool system);  ///< Neither a user nor a group has it; taken from now on. Throws where none is left.

private:
    std::set<std::uint32_t> taken_;
    std::uint32_t first_ = 1000, last_ = 60000, system_first_ = 100, system_last_ = 999;
};

/// Whether an account leaves the host by these changes, and its number is free then.
bool leaves(std::span<const Change>, std::string_view kind, const std::string& name);

/// Whether who has a number lets go of it by these changes: it goes back to not being there, or to another number.
template <class Account>
bool frees(std::span<const Change> changes, std::string_view kind, const std::string& name,
           std::optional<std::int64_t> Account::*number, std::int64_t which) {
    return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
        if (change.id.type != kind || change.id.key != name) return false;
        const Account* to = change.after.as<Account>();
        return !to || (to->*number && *(to->*number) != which);
    });
}

/// A name that useradd and groupadd take; throws Error where it is none.
std::string clean_account(std::string_view name);

/// Whether somebody could be called so, in whatever directory of accounts: what would break a line of /etc/passwd or
/// /etc/group, or be read as an option, is no name.
bool could_be_account(std::string_view name);

}  // namespace chaos::resources
