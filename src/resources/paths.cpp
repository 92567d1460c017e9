// SPDX-License-Identifier: Apache-2.0
#include "paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>
#include <chaos/system/accounts.hpp>
#include <charconv>

#include "account_files.hpp"

namespace chaos::resources {

std::string parent_of(const std::string& path) {
    const auto cut = path.rfind('/');
    return cut == 0 || cut == std::string::npos ? "/" : path.substr(0, cut);
}

std::string below(const std::string& directory, std::string_view name) {
    return fmt::format("{}/{}", directory == "/" ? "" : directory, name);
}

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string owner_of(const View& view, const Entry& entry, const std::optional<std::string>& wanted) {
    if (wanted && is_number(*wanted)) return std::to_string(entry.uid);
    return view.once<Accounts>().owner_name(entry.uid);
}

std::string group_of(const View& view, const Entry& entry, const std::optional<std::string>& wanted) {
    if (wanted && is_number(*wanted)) return std::to_string(entry.gid);
    return view.once<Accounts>().group_name(entry.gid);
}

Meta meta_of(const std::optional<Mode>& mode, const std::optional<std::string>& owner,
             const std::optional<std::string>& group, std::uint32_t mode_otherwise) {
    return {.mode = mode ? mode->bits : mode_otherwise, .owner = owner.value_or(""), .group = group.value_or("")};
}

void claim_path(const std::string& path, const std::optional<std::string>& owner,
                const std::optional<std::string>& group, std::vector<Claim>& claims) {
    claims.push_back({Claim::Role::provides, "path:" + path});
    claims.push_back({Claim::Role::needs, "path:" + parent_of(path)});
    if (owner && !is_number(*owner)) claims.push_back({Claim::Role::needs, "user:" + *owner});
    if (group && !is_number(*group)) claims.push_back({Claim::Role::needs, "group:" + *group});
}

void review_owners(const std::optional<std::string>& owner, const std::optional<std::string>& group, Place where,
                   Diagnostics& problems) {
    const auto review = [&](std::string_view attribute, const std::optional<std::string>& name) {
        if (!name) return;
        std::uint32_t number = 0;
        const bool fits = is_number(*name)
                              ? std::from_chars(name->data(), name->data() + name->size(), number).ec == std::errc() &&
                                    number != 0xffffffff
                              : could_be_account(*name);
        if (!fits)
            problems.add(Error(where, fmt::format("expected a name or a number as {}, found '{}'", attribute, *name))
                             .help("a number is one from 0 to 4294967294; to leave it as it is, leave it out"));
    };
    review("owner", owner);
    review("group", group);
}

void review_path(std::string_view attribute, const std::string& path, Place where, Diagnostics& problems) {
    try {
        schema::clean_path(path);
    } catch (Error& error) {
        problems.add(Error(where, fmt::format("{}: {}", attribute, error.what())).help(error.hint));
    }
}

void refuse_own_state(const Resource& resource, const std::string& path, bool with_all_below, Diagnostics& problems) {
    constexpr std::string_view own = "/var/lib/chaos";
    const bool is_it = path == own || path.starts_with(std::string(own) + "/");
    const bool holds_it = with_all_below && own.starts_with(path == "/" ? path : path + "/");
    if (is_it || holds_it)
        problems.add(Error(resource.where, fmt::format("{} is where chaos keeps what it did: it can not be managed{}",
                                                       own, is_it ? "" : ", and " + path + " holds it"))
                         .help("take this entry out"));
}

Written look_at_file(const View& view, const std::string& path, const std::optional<Content>& wanted, bool read) {
    std::string bytes;
    Written found{.entry = view->look(path, read ? &bytes : nullptr)};
    switch (found.entry.kind) {
        case Entry::Kind::absent: break;
        case Entry::Kind::file:
            if (!read) break;
            if (found.entry.size > Content::in_memory)
                found.content = view->content(path);
            else if (wanted && wanted->held() && wanted->bytes() == bytes)
                found.content = wanted;
            else
                found.content = Content(std::move(bytes));
            break;
        case Entry::Kind::link:
            if (!read) view->look(path, &bytes);
            found.link = std::move(bytes);
            break;
        case Entry::Kind::directory:
            throw Error(path + " is a directory, and a file is to be there")
                .help("move it away, or manage it under directories: mv " + path + " " + path + ".orig");
        case Entry::Kind::other:
            throw Error(path + " is a socket, pipe or device, and a file is to be there")
                .help("choose another path, or stop what made it and remove it");
    }
    return found;
}

std::string own_group(const View& view, const std::string& user) {
    const auto& accounts = view.once<Accounts>();
    const auto* there = accounts.user(user);
    return there ? accounts.group_name(there->gid) : std::string();
}

std::optional<std::string> group_for(const View& view, const std::optional<std::string>& user) {
    const std::string group = user ? own_group(view, *user) : std::string();
    return group.empty() ? std::nullopt : std::optional(group);
}

namespace {

/// Where somebody's own things lie; empty where that is no directory of theirs.
std::string home_of(const View& view, const std::optional<std::string>& owner) {
    if (!owner || is_number(*owner) || *owner == "root") return {};
    const auto* there = view.once<Accounts>().user(*owner);
    const std::string home = there ? there->home : "/home/" + *owner;
    return home.size() > 1 && home.starts_with('/') ? home : std::string();
}

}  // namespace

void Parents::above(const std::string& path, std::size_t because, Place where, Diagnostics& problems,
                    const std::optional<std::string>& owner, const std::optional<std::string>& group) {
    const std::string home = home_of(view_, owner);
    for (auto directory = parent_of(path);; directory = parent_of(directory)) {
        const auto place = std::lower_bound(known_.begin(), known_.end(), directory);
        if (place != known_.end() && *place == directory) return;
        known_.insert(place, directory);
        const auto kind = view_->look(directory).kind;
        // A link may lead to a directory; if it does not, publishing says so.
        if (kind == Entry::Kind::directory || kind == Entry::Kind::link || directory == "/") return;
        if (kind != Entry::Kind::absent)
            return problems.add(Error(where, directory + " is a file, and " + path + " is to be in it")
                                    .help("move it away: mv " + directory + " " + directory + ".orig"));
        Directory made{.path = directory, .mode = Mode{0755}};
        if (view_->superuser()) made.owner = made.group = "root";
        const bool is_at_home = !home.empty() && (directory == home || directory.starts_with(home + "/"));
        if (is_at_home && view_->superuser()) made.owner = owner, made.group = group ? group : made.group;
        missing_.push_back(
            {{{"directory", directory}, {}, State::of(std::move(made)), where}, because, &directory_type()});
    }
}

}  // namespace chaos::resources
