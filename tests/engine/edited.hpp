// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chaos/cache.hpp>
#include <chaos/manifest.hpp>
#include <map>

#include "../../src/engine/yaml_edited.hpp"
#include "same_value.hpp"

namespace chaos::test {

inline std::optional<ParsedYaml> whole(const std::string& text) {
    try {
        return parse_whole(text, 3);
    } catch (const Error&) {
        return std::nullopt;
    }
}

enum class How { none, taken, whole };

/// Both ways of parsing what `before` became; none where `before` is not one to begin with.
inline How edited(const std::string& before, const std::string& after) {
    auto old = whole(before);
    if (!old || !old->alone) return How::none;
    const auto found = parse_edited({before, std::move(old->value)}, after, 3);
    if (!found) return How::whole;
    const auto expected = whole(after);
    CAPTURE(before);
    CAPTURE(after);
    REQUIRE(expected);
    REQUIRE(expected->alone);
    REQUIRE(same(*found, expected->value));
    return How::taken;
}

class Kept final : public Cache {
public:
    std::optional<std::string> get(const std::string& name) const override {
        const auto found = entries.find(name);
        return found == entries.end() ? std::nullopt : std::optional(found->second);
    }
    void put(const std::string& name, const std::string& bytes) override { entries[name] = bytes; }
    std::map<std::string, std::string> entries;
};

/// What parse_yaml says: the bytes of the value, or the error as a person reads it.
inline std::string said(const std::string& text, Cache* cache) {
    Sources sources;
    const auto source = sources.add("site.yml", "/", text);
    try {
        return freeze(parse_yaml(sources, source, cache));
    } catch (const Error& error) {
        return render(error, sources);
    }
}

inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
        lines.push_back(text.substr(at, end - at));
        at = end;
    }
    return lines;
}

inline std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line;
    return text;
}

}  // namespace chaos::test
