// SPDX-License-Identifier: Apache-2.0
#include "clear_secrets.hpp"
#include <algorithm>
#include <span>

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;

std::size_t indentation(std::string_view line) {
    std::size_t at = std::min(line.find_first_not_of(" \t"), line.size());
    while (at + 1 < line.size() && line[at] == '-' &&
           line[at + 1] == ' ')  // what follows a dash stands beside the rest
        at = std::min(line.find_first_not_of(' ', at + 1), line.size());
    return at;
}

bool is_blank(std::string_view line) {
    return line.find_first_not_of(" \t\r") == npos;
}

bool in_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/// Behind `name:` from a byte on; npos: there is none.
std::size_t behind_key(std::string_view line, std::string_view name, std::size_t from) {
    for (auto at = line.find(name, from); at != npos; at = line.find(name, at + 1)) {
        if (at && in_word(line[at - 1])) continue;
        auto end = at + name.size();
        if (end < line.size() && (line[end] == '"' || line[end] == '\'')) ++end;
        if (end < line.size() && line[end] == '+') ++end;
        while (end < line.size() && line[end] == ' ') ++end;
        if (end < line.size() && line[end] == ':') return end + 1;
    }
    return npos;
}

/// The end of a value that begins at a byte: of quotes, of brackets, else of what a comma or bracket ends.
std::size_t end_of_value(std::string_view line, std::size_t from) {
    const char first = from < line.size() ? line[from] : '\0';
    if (first == '"' || first == '\'') {
        for (auto at = from + 1; at < line.size(); ++at) {
            if (line[at] == '\\' && first == '"')
                ++at;
            else if (line[at] == first)
                return at + 1;
        }
        return line.size();
    }
    if (first == '{' || first == '[') {
        std::size_t open = 0;
        for (auto at = from; at < line.size(); ++at) {
            open += line[at] == '{' || line[at] == '[';
            if ((line[at] == '}' || line[at] == ']') && --open == 0) return at + 1;
        }
        return line.size();
    }
    const bool flow = line.substr(0, from).find('{') != npos;
    const auto end = flow ? line.find_first_of(",}", from) : npos;
    return std::min(end, line.size());
}

bool says_secret(std::string_view line) {
    for (auto at = behind_key(line, "secret", 0); at != npos; at = behind_key(line, "secret", at)) {
        const auto from = std::min(line.find_first_not_of(" \"'", at), line.size());
        if (line.substr(from).starts_with("true") || line.substr(from).starts_with("yes") ||
            line.substr(from).starts_with("on"))
            return true;
    }
    return false;
}

/// Whether an entry that a line stands in says that it is secret: the lines beside it and those below them, and the one
/// they all stand under.
bool in_secret_entry(std::span<const std::string_view> lines, std::size_t number) {
    const std::size_t depth = indentation(lines[number]);
    if (says_secret(lines[number])) return true;
    const bool in_braces = lines[number].find('{') != npos;  // only what goes on below it is beside it
    for (std::size_t i = number; i-- > 0;) {
        if (is_blank(lines[i])) continue;
        if (in_braces && indentation(lines[i]) >= depth) continue;
        if (says_secret(lines[i])) return true;
        if (indentation(lines[i]) < depth) break;
    }
    for (std::size_t i = number + 1; i < lines.size(); ++i) {
        if (is_blank(lines[i])) continue;
        if (indentation(lines[i]) < depth + (in_braces ? 1 : 0)) break;
        if (says_secret(lines[i])) return true;
    }
    return false;
}

constexpr std::string_view of_secret_entries[] = {"content", "with"};

}  // namespace

std::vector<std::pair<std::size_t, std::size_t>> clear_secrets(std::string_view text, std::uint32_t line) {
    std::vector<std::pair<std::size_t, std::size_t>> found;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (text.find("password") == npos && text.find("secret") == npos) return found;
    std::vector<std::string_view> lines;
    for (std::size_t from = 0; from <= text.size();) {
        const auto end = std::min(text.find('\n', from), text.size());
        lines.push_back(text.substr(from, end - from));
        from = end + 1;
    }
    if (line == 0 || line > lines.size()) return found;
    const std::size_t number = line - 1;
    const std::string_view here = lines[number];
    const auto hide_values = [&](std::string_view name) {
        for (auto at = behind_key(here, name, 0); at != npos; at = behind_key(here, name, at)) {
            const auto from = std::min(here.find_first_not_of(' ', at), here.size());
            const auto end = end_of_value(here, from);
            const auto value = here.substr(from, end - from);
            // No secret stands there itself: it is made, or the key is one of a declaration.
            const bool made =
                value.find("{{") != npos || value.starts_with('!') || (name == "password" && value.starts_with('{'));
            if (!value.empty() && !made) found.emplace_back(from, end);
        }
    };
    hide_values("password");
    for (const auto name : of_secret_entries)
        if (behind_key(here, name, 0) != npos && in_secret_entry(lines, number)) hide_values(name);
    std::size_t depth = indentation(here);  // what stands under such a key, on lines of its own
    for (std::size_t i = number; i-- > 0 && depth > 0;) {
        if (is_blank(lines[i]) || indentation(lines[i]) >= depth) continue;
        depth = indentation(lines[i]);
        const auto is = [&](std::string_view name) {
            const auto at = behind_key(lines[i], name, depth);
            return at != npos && lines[i].find_first_not_of("|>+-123456789 \r", at) == npos;
        };
        const bool of_entry = std::any_of(std::begin(of_secret_entries), std::end(of_secret_entries), is);
        if (!is("password") && !(of_entry && in_secret_entry(lines, i))) continue;
        const auto from = std::min(here.find_first_not_of(" \t"), here.size());
        return {{from, here.size()}};
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace chaos
