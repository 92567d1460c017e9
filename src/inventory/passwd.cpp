// SPDX-License-Identifier: Apache-2.0
#include "passwd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "text.hpp"

namespace chaos {

std::optional<Login> parse_login(std::string_view passwd, std::string_view group, std::string_view user) {
    std::optional<Login> found;
    for_lines(passwd, [&](std::string_view line) {
        const auto field = fields<7>(line);
        if (found || (field[0] != user && field[2] != user)) return;
        const auto uid = number<uid_t>(field[2]);
        const auto gid = number<gid_t>(field[3]);
        if (uid && gid) found = Login{std::string(field[0]), std::string(field[5]), *uid, *gid, {*gid}};
    });
    if (!found) return found;
    for_lines(group, [&](std::string_view line) {
        const auto field = fields<4>(line);
        const auto gid = number<gid_t>(field[2]);
        if (!gid || *gid == found->gid) return;
        for_words(field[3], ',', [&](std::string_view member) {
            if (member == found->name) found->groups.push_back(*gid);
        });
    });
    return found;
}

Login login_of(const Host& host, const std::string& user) {
    const auto login =
        parse_login(read_text(host, "/etc/passwd").value_or(""), read_text(host, "/etc/group").value_or(""), user);
    if (!login) throw Error(fmt::format("there is no user {} in /etc/passwd", user));
    return *login;
}

}  // namespace chaos
