// SPDX-License-Identifier: Apache-2.0
#include <chaos/url.hpp>

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;

struct Password {
    std::size_t from = npos, to = npos;
    explicit operator bool() const { return from != npos; }
};

bool is_of_scheme(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
}

/// The first one at `at` or after it.
Password next_password(std::string_view text, std::size_t at) {
    for (auto mark = text.find("://", at); mark != npos; mark = text.find("://", mark + 1)) {
        std::size_t scheme = mark;
        while (scheme > 0 && is_of_scheme(text[scheme - 1])) --scheme;
        const std::size_t begin = mark + 3;
        const auto authority = text.substr(begin, text.find_first_of("/?# \t\r\n\"'", begin) - begin);
        const auto end = authority.rfind('@');
        if (end == npos || end == 0 || scheme == mark) continue;
        const auto colon = authority.substr(0, end).find(':');
        if (colon != npos && colon + 1 < end) return {begin + colon + 1, begin + end};
        const auto name = text.substr(scheme, mark - scheme);
        if (colon == npos && (name == "http" || name == "https")) return {begin, begin + end};
    }
    return {};
}

}  // namespace

bool holds_password(std::string_view text) {
    return static_cast<bool>(next_password(text, 0));
}

std::string without_passwords(std::string_view text) {
    std::string out;
    std::size_t at = 0;
    while (const Password password = next_password(text, at)) {
        out.append(text.substr(at, password.from - at)).append("***");
        at = password.to;
    }
    return out.append(text.substr(at));
}

}  // namespace chaos
