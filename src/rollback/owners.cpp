// SPDX-License-Identifier: Apache-2.0
#include "owners.hpp"

#include <fmt/format.h>

#include <chaos/error.hpp>
#include <charconv>

namespace chaos::rollback {
namespace {

constexpr std::string_view superuser = "root";

bool number_in(std::string_view text, std::uint32_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

/// Both files are alike as far as this goes: name, password, number.
std::unordered_map<std::string, std::uint32_t> numbers_by_name(std::string_view text) {
    std::unordered_map<std::string, std::uint32_t> out;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::size_t name = line.find(':');
        const std::size_t password = name == line.npos ? name : line.find(':', name + 1);
        if (password == line.npos) continue;
        const std::string_view rest = line.substr(password + 1);
        std::uint32_t number = 0;
        if (number_in(rest.substr(0, rest.find(':')), number)) out.emplace(line.substr(0, name), number);
    }
    return out;
}

std::uint32_t find(const std::unordered_map<std::string, std::uint32_t>& known, const std::string& name,
                   std::string_view what, std::string_view where) {
    if (const auto found = known.find(name); found != known.end()) return found->second;
    std::uint32_t number = 0;  // root's, in an image that has no accounts yet as well
    if (number_in(name, number) || name == superuser) return number;
    throw Error(fmt::format("there is no {} \"{}\" in {}", what, name, where))
        .help(fmt::format("declare it with {}: and it is made before", what));
}

}  // namespace

Owners::Owners(std::string_view passwd, std::string_view group)
    : users_(numbers_by_name(passwd)), groups_(numbers_by_name(group)) {}

std::uint32_t Owners::user(const std::string& name) const {
    return find(users_, name, "user", "/etc/passwd");
}
std::uint32_t Owners::group(const std::string& name) const {
    return find(groups_, name, "group", "/etc/group");
}

}  // namespace chaos::rollback
