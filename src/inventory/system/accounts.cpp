// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chaos/system/accounts.hpp>
#include <charconv>
#include <numeric>

namespace chaos {
namespace {

constexpr std::size_t most = 64U << 20;  // of a file that is wholly read

/// Takes what stands before the next `separator` (or all that is left) off the front of `text`.
std::string_view take(std::string_view& text, char separator) {
    const auto end = std::min(text.find(separator), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

bool number(std::string_view text, std::uint32_t& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool a_name(std::string_view name) {
    return !name.empty() && name[0] != '#' && name[0] != '+' && name[0] != '-';  // comments, and what NIS put there
}

template <class Items, class Key>
std::vector<std::uint32_t> index(const Items& items, Key key) {
    std::vector<std::uint32_t> numbers(items.size());
    std::iota(numbers.begin(), numbers.end(), 0U);
    std::stable_sort(numbers.begin(), numbers.end(), [&](auto a, auto b) { return key(items[a]) < key(items[b]); });
    return numbers;
}

template <class Items, class Key, class Wanted>
auto find(const Items& items, const std::vector<std::uint32_t>& numbers, Key key, const Wanted& wanted)
    -> decltype(items.data()) {
    const auto at = std::lower_bound(numbers.begin(), numbers.end(), wanted,
                                     [&](auto number, const Wanted& value) { return key(items[number]) < value; });
    return at != numbers.end() && key(items[*at]) == wanted ? &items[*at] : nullptr;
}

constexpr auto by_name = [](const auto& item) { return std::string_view(item.name); };
constexpr auto by_uid = [](const auto& user) { return user.uid; };
constexpr auto by_gid = [](const auto& group) { return group.gid; };

std::vector<Accounts::User> users_of(std::string_view passwd) {
    std::vector<Accounts::User> users;
    while (!passwd.empty()) {
        auto line = take(passwd, '\n');
        Accounts::User user;
        user.name = take(line, ':');
        if (!a_name(user.name)) continue;
        take(line, ':');  // the password, which is in shadow
        const auto uid = take(line, ':'), gid = take(line, ':');
        if (!number(uid, user.uid) || !number(gid, user.gid)) continue;
        user.comment = take(line, ':');
        user.home = take(line, ':');
        user.shell = take(line, ':');
        users.push_back(std::move(user));
    }
    return users;
}

std::vector<Accounts::Group> groups_from(std::string_view text) {
    std::vector<Accounts::Group> groups;
    while (!text.empty()) {
        auto line = take(text, '\n');
        Accounts::Group group;
        group.name = take(line, ':');
        if (!a_name(group.name)) continue;
        take(line, ':');
        if (!number(take(line, ':'), group.gid)) continue;
        while (!line.empty())
            if (const auto member = take(line, ','); !member.empty()) group.members.emplace_back(member);
        groups.push_back(std::move(group));
    }
    return groups;
}

}  // namespace

Accounts Accounts::parse(std::string_view passwd, std::string_view group, const std::string* shadow) {
    Accounts found;
    found.users = users_of(passwd);
    found.groups = groups_from(group);
    // Sorted stably, so that the first line of a name or number wins, as it does for the C library.
    found.user_by_name_ = index(found.users, by_name);
    found.user_by_id_ = index(found.users, by_uid);
    found.group_by_name_ = index(found.groups, by_name);
    found.group_by_id_ = index(found.groups, by_gid);
    found.shadow_known = shadow != nullptr;
    if (!shadow) return found;
    for (std::string_view rest = *shadow; !rest.empty();) {
        auto line = take(rest, '\n');
        const auto* user = found.user(take(line, ':'));
        if (!user || user->shadowed) continue;
        auto& mine = found.users[static_cast<std::size_t>(user - found.users.data())];
        mine.password = take(line, ':');
        mine.aging = line;
        mine.shadowed = true;
    }
    return found;
}

Accounts Accounts::read(const View& view) {
    std::string passwd, group, shadow;
    view->look("/etc/passwd", &passwd, most);
    view->look("/etc/group", &group, most);
    bool readable = true;
    try {
        readable = static_cast<bool>(view->look("/etc/shadow", &shadow, most));
    } catch (const Error&) {
        readable = false;  // nobody but root may: what needs it says so
    }
    if (!view->superuser() && shadow.empty()) readable = false;
    return parse(passwd, group, readable ? &shadow : nullptr);
}

const Accounts::User* Accounts::user(std::string_view name) const {
    return find(users, user_by_name_, by_name, name);
}
const Accounts::User* Accounts::user(std::uint32_t uid) const {
    return find(users, user_by_id_, by_uid, uid);
}
const Accounts::Group* Accounts::group(std::string_view name) const {
    return find(groups, group_by_name_, by_name, name);
}
const Accounts::Group* Accounts::group(std::uint32_t gid) const {
    return find(groups, group_by_id_, by_gid, gid);
}

std::string Accounts::owner_name(std::uint32_t uid) const {
    const auto* found = user(uid);
    return found ? found->name : uid == 0 ? "root" : std::to_string(uid);
}

std::string Accounts::group_name(std::uint32_t gid) const {
    const auto* found = group(gid);
    return found ? found->name : gid == 0 ? "root" : std::to_string(gid);
}

std::vector<std::string> Accounts::groups_of(std::string_view user) const {
    std::vector<std::string> names;
    for (const auto& group : groups)
        if (std::find(group.members.begin(), group.members.end(), user) != group.members.end())
            names.push_back(group.name);
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace chaos
