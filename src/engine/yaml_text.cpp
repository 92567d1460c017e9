// SPDX-License-Identifier: Apache-2.0
#include "yaml_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/error.hpp>
#include <span>
#include <unordered_set>

#include "utf8.hpp"
#include "yaml_hints.hpp"

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;

bool is_merge(const Value::Entry& entry) {
    return !entry.key.quoted && entry.key.text() == "<<";
}

}  // namespace

void check_bytes(std::string_view text, std::uint16_t source) {
    if (text.size() > most_bytes_of_yaml)
        throw Error(Place{1, 1, source}, fmt::format("this manifest has {} MiB, more than 16", text.size() >> 20))
            .help("put big content beside the manifest, and name it with source:");
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
        (text.size() > 1 && (text[0] == '\0' || text[1] == '\0')))
        throw Error(Place{1, 1, source}, "this is not UTF-8 (it looks like UTF-16)")
            .help("save it as UTF-8: iconv -f UTF-16 -t UTF-8 OLD > NEW");
    if (const auto bad = first_invalid_utf8(text); bad != npos)
        throw Error(place_of({text, bad}, source),
                    fmt::format("the byte 0x{:02x} is not UTF-8", static_cast<unsigned char>(text[bad])))
            .help("save the manifest as UTF-8; binary content goes beside it, named with source:");
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        if ((c >= 0x20 && c != 0x7F) || c == '\t' || c == '\n') continue;
        throw Error(place_of({text, at}, source),
                    fmt::format("the control character {} can not stand here", printable(text.substr(at, 1))))
            .help("in \"…\" write it as an escape, such as \\x1b; binary content goes beside it, named with source:");
    }
}

std::string_view normal(std::string_view text, std::string& room) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    // Blanks after the last line are no line: yaml-cpp takes them for a part of a text that is folded.
    if (const auto end = text.find_last_not_of(" \t"); end != npos && text[end] == '\n') text = text.substr(0, end + 1);
    if (text.find("\r\n") == npos) return text;
    for (std::size_t at = 0; at < text.size(); ++at)
        if (text[at] != '\r' || at + 1 == text.size() || text[at + 1] != '\n') room += text[at];
    return room;
}

std::string without_blank_tabs(std::string_view text) {
    std::string out(text);
    for (std::size_t start = 0; start < out.size();) {
        const auto end = std::min(out.find('\n', start), out.size());
        if (out.find_first_not_of(" \t", start) >= end)
            std::fill(out.begin() + static_cast<std::ptrdiff_t>(start), out.begin() + static_cast<std::ptrdiff_t>(end),
                      ' ');
        start = end + 1;
    }
    return out;
}

bool has_content(std::string_view text) {
    for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find('\n', start), text.size());
        const auto first = text.find_first_not_of(" \t", start);
        const auto line = text.substr(start, end - start);
        if (first < end && text[first] != '#' && line != "---" && line != "...") return true;
        start = end + 1;
    }
    return false;
}

void merge_keys(Value::Map& map) {
    Value::Map plain, added;
    for (auto& entry : map) {
        if (!is_merge(entry)) {
            plain.push_back(std::move(entry));
            continue;
        }
        const Value one[] = {entry.value};
        const std::span<const Value> bases = entry.value.is_list() ? std::span(entry.value.list()) : one;
        for (const Value& base : bases) {
            if (!base.is_map())
                throw Error(entry.key.where,
                            fmt::format("<< takes a mapping or a list of them, found {}", kind_of(base)))
                    .help("write <<: *NAME");
            added.insert(added.end(), base.map().begin(), base.map().end());
        }
    }
    std::unordered_set<std::string> seen;
    for (const auto& entry : plain) seen.insert(entry.key.text());
    for (auto& entry : added)
        if (seen.insert(entry.key.text()).second) plain.push_back(std::move(entry));
    map = std::move(plain);
}

void check_double_keys(const Value::Map& map) {
    const auto twice = [](const Value& first, const Value& second) {
        return Error(second.where, fmt::format("the key '{}' is here twice", second.text()))
            .note(first.where, "it was here first")
            .help("remove one of them, or put both together");
    };
    if (map.size() <= 12) {
        for (std::size_t i = 0; i < map.size(); ++i)
            for (std::size_t j = i + 1; j < map.size(); ++j)
                if (map[i].key == map[j].key) throw twice(map[i].key, map[j].key);
        return;
    }
    std::vector<std::pair<std::string_view, std::uint32_t>> keys;
    keys.reserve(map.size());
    for (std::uint32_t i = 0; i < map.size(); ++i) keys.emplace_back(map[i].key.text(), i);
    std::sort(keys.begin(), keys.end());
    for (std::size_t i = 1; i < keys.size(); ++i)
        if (keys[i].first == keys[i - 1].first) throw twice(map[keys[i - 1].second].key, map[keys[i].second].key);
}

}  // namespace chaos
