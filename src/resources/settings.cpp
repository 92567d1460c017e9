// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lines.hpp"
#include "paths.hpp"

namespace chaos::resources {

namespace {

/// `../b` from /a/x is /b: what `.` and `..` in the target of a link mean, without looking.
std::string led_to(const std::string& link, const std::string& target) {
    const std::string whole = target.starts_with('/') ? target : parent_of(link) + "/" + target;
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; at < whole.size();) {
        const auto end = std::min(whole.find('/', at), whole.size());
        const auto part = std::string_view(whole).substr(at, end - at);
        if (part == "..") {
            if (!parts.empty()) parts.pop_back();
        } else if (!part.empty() && part != ".") {
            parts.push_back(part);
        }
        at = end + 1;
    }
    return fmt::format("/{}", fmt::join(parts, "/"));
}

/// Key and raw value of a line; an empty key where it assigns nothing.
std::pair<std::string_view, std::string_view> assignment(std::string_view line) {
    line = trimmed(line);
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const auto equals = line.find('=');
    if (line.empty() || equals == std::string_view::npos || equals == 0) return {};
    const auto key = line.substr(0, equals);
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (!std::all_of(key.begin(), key.end(), fits)) return {};
    return {key, line.substr(equals + 1)};
}

std::string unquoted(std::string_view raw) {
    std::string out;
    char quote = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const char c = raw[i];
        if (quote == '\'' ? c == '\'' : quote && c == quote)
            quote = 0;
        else if (!quote && (c == '\'' || c == '"'))
            quote = c;
        else if (!quote && (c == '#' || c == ' ' || c == '\t') && i > 0)
            break;  // a comment after it
        else if (c == '\\' && quote != '\'' && i + 1 < raw.size())
            out += raw[++i];
        else
            out += c;
    }
    return out;
}

std::string quoted(const std::string& value) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-.,:/@+%=").find(c) != std::string_view::npos;
    };
    if (std::all_of(value.begin(), value.end(), plain)) return value;
    std::string out = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\' || c == '$' || c == '`') out += '\\';
        out += c;
    }
    return out + '"';
}

}  // namespace

SharedFile shared_file(const Host& host, std::string path) {
    constexpr int most_links = 16;
    for (int followed = 0; followed < most_links; ++followed) {
        std::string text;
        const Entry entry = host.look(path, &text);
        switch (entry.kind) {
            case Entry::Kind::absent: return {std::move(path), entry, std::nullopt};
            case Entry::Kind::file:
                if (entry.size > Content::in_memory)
                    throw Error(fmt::format("{} has {} bytes: it can not be what it is to be", path, entry.size))
                        .help("look at it: head " + path);
                return {std::move(path), entry, std::move(text)};
            case Entry::Kind::link: path = led_to(path, text); continue;
            default: throw Error(path + " is no regular file").help("move it away: mv " + path + " " + path + ".orig");
        }
    }
    throw Error(path + " is a link that leads to itself").help("remove it: rm " + path);
}

void put(WritableHost& host, const SharedFile& file, const std::string& text, bool stays, std::uint32_t mode) {
    if (text.empty() && !stays) return host.remove(file.path);
    if (file.text != text) host.write(file.path, Content(text), {.mode = file.entry ? file.entry.mode : mode});
}

std::optional<std::string> assigned(std::string_view text, std::string_view key) {
    std::optional<std::string> value;
    for (const auto line : lines_of(text))
        if (const auto [name, raw] = assignment(line); name == key) value = unquoted(raw);
    return value;
}

std::string assign(std::string_view text, std::string_view key, const std::optional<std::string>& value) {
    if (assigned(text, key) == value) return std::string(text);
    const auto lines = lines_of(text);
    std::size_t last = lines.size();
    for (std::size_t i = 0; i < lines.size(); ++i)
        if (assignment(lines[i]).first == key) last = i;
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const bool is_it = assignment(lines[i]).first == key;
        if (is_it && !value) continue;
        if (i == last)
            out += fmt::format("{}={}\n", key, quoted(*value));
        else
            out.append(lines[i]).append("\n");
    }
    if (value && last == lines.size()) out += fmt::format("{}={}\n", key, quoted(*value));
    return out;
}

std::vector<std::string> assigned_keys(std::string_view text) {
    std::vector<std::string> keys;
    for (const auto line : lines_of(text))
        if (const auto key = assignment(line).first;
            !key.empty() && std::find(keys.begin(), keys.end(), key) == keys.end())
            keys.emplace_back(key);
    return keys;
}

}  // namespace chaos::resources
