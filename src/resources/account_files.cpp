// SPDX-License-Identifier: Apache-2.0
#include "account_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace chaos::resources {

void drop_lines(WritableHost& host, std::string_view name, std::span<const std::string_view> files) {
    const auto head = std::string(name) + ":";
    for (const auto file : files) {
        std::string text, kept;
        const Entry entry = host.look(std::string(file), &text, 64U << 20);
        if (entry.kind != Entry::Kind::file) continue;
        for (std::string_view rest = text; !rest.empty();) {
            const auto line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
            if (!line.starts_with(head)) kept += line;
            rest.remove_prefix(line.size());
        }
        if (kept != text)
            host.write(std::string(file), Content(kept),
                       {.mode = entry.mode, .owner = std::to_string(entry.uid), .group = std::to_string(entry.gid)});
    }
}

void must(WritableHost& host, const Command& command) {
    if (const auto output = host.run(command); output.status != 0) throw failed(command, output);
}

FreeIds::FreeIds(const View& view) {
    const auto& accounts = view.once<Accounts>();
    for (const auto& user : accounts.users) taken_.insert(user.uid), taken_.insert(user.gid);
    for (const auto& group : accounts.groups) taken_.insert(group.gid);
    std::string text;
    view->look("/etc/login.defs", &text);
    for (std::string_view rest = text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const auto end = std::min(line.find_first_of(" \t"), line.size());
        const auto key = line.substr(0, end);
        auto* const into = key == "UID_MIN"       ? &first_
                           : key == "UID_MAX"     ? &last_
                           : key == "SYS_UID_MIN" ? &system_first_
                           : key == "SYS_UID_MAX" ? &system_last_
                                                  : nullptr;
        const auto digit = line.find_first_of("0123456789", end);
        if (into && digit != line.npos) std::from_chars(line.data() + digit, line.data() + line.size(), *into);
    }
}

std::uint32_t FreeIds::next(bool system) {
    if (system) {
        for (auto id = system_last_; id >= system_first_ && id != 0; --id)
            if (taken_.insert(id).second) return id;
    } else {
        const auto above = taken_.upper_bound(last_);
        auto id = above == taken_.begin() ? first_ : std::max(first_, *std::prev(above) + 1);
        for (; id <= last_; ++id)
            if (taken_.insert(id).second) return id;
        for (id = first_; id <= last_; ++id)  // the last one is taken: a gap then
            if (taken_.insert(id).second) return id;
    }
    throw Error("no id is free for a new account").help("give it one of its own (uid, gid), or widen /etc/login.defs");
}

bool leaves(std::span<const Change> changes, std::string_view kind, const std::string& name) {
    return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
        return !change.after && change.id.type == kind && change.id.key == name;
    });
}

std::string clean_account(std::string_view name) {
    const auto is_lower = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    const auto is_word = [&](char c) {
        return is_lower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '$';
    };
    bool good = !name.empty() && name.size() <= 32 && (is_lower(name[0]) || (name[0] >= 'A' && name[0] <= 'Z'));
    for (const char c : name) good = good && is_word(c);
    if (!good)
        throw Error(fmt::format("expected the name of an account, found '{}'", name))
            .help("a letter or _, then letters, digits, - _ and .; 32 at the most");
    return std::string(name);
}

bool could_be_account(std::string_view name) {
    const auto breaks = [](char c) {
        return c == ':' || c == ',' || c == '/' || static_cast<unsigned char>(c) < ' ' || c == '\x7F';
    };
    return !name.empty() && name.front() != '-' && std::none_of(name.begin(), name.end(), breaks);
}

}  // namespace chaos::resources
