// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <pwd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>

#include "../text.hpp"
#include "facts.hpp"

namespace chaos::facts {
namespace {

std::string full_hostname(const View& view) {
    if (!view->live()) return read_line(view.host(), "/etc/hostname");
    utsname names{};
    ::uname(&names);
    return names.nodename;
}

}  // namespace

std::string parse_fqdn(std::string_view hosts, std::string_view hostname) {
    if (hostname.find('.') != hostname.npos) return std::string(hostname);
    std::string found;
    for_lines(hosts, [&](std::string_view line) {
        std::string row(line.substr(0, line.find('#')));
        for (char& each : row) each = each == '\t' ? ' ' : each;
        bool address = true, named = false;
        std::string full;
        for_words(row, ' ', [&](std::string_view word) {
            named = named || (!address && word == hostname);
            if (!address && full.empty() && word.size() > hostname.size() && word.starts_with(hostname) &&
                word[hostname.size()] == '.')
                full = word;
            address = false;
        });
        if (found.empty() && (named || !full.empty())) found = full;
    });
    return found.empty() ? std::string(hostname) : found;
}

Value read_hostname(const View& view) {
    const std::string name = full_hostname(view);
    return Value(name.substr(0, name.find('.')));
}

Value read_fqdn(const View& view) {
    return Value(parse_fqdn(read_text(view.host(), "/etc/hosts").value_or(""), full_hostname(view)));
}

Value read_machine_id(const View& view) {
    std::string id = read_line(view.host(), "/etc/machine-id");
    if (id == "uninitialized") id.clear();
    return Value(std::move(id));
}

Value read_users(const View& view) {
    Value::Map users;
    const std::string text = read_text(view.host(), "/etc/passwd").value_or("");
    for_lines(text, [&](std::string_view line) {
        const auto field = fields<7>(line);
        if (field[0].empty() || field[0].front() == '+' || field[0].front() == '#') return;
        add(users, field[0],
            map_of({{"uid", std::string(field[2])},
                    {"gid", std::string(field[3])},
                    {"home", std::string(field[5])},
                    {"shell", std::string(field[6])}}));
    });
    return Value(std::move(users));
}

Value read_user(const View&) {
    const uid_t uid = ::geteuid();
    std::array<char, 16384> buffer;
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    return map_of({{"name", found ? found->pw_name : fmt::to_string(uid)},
                   {"uid", fmt::to_string(uid)},
                   {"home", found ? found->pw_dir : "/"}});
}

}  // namespace chaos::facts
