// SPDX-License-Identifier: Apache-2.0
// Ids as people write them: `kind:key`, singular or plural, the key in any spelling (manifest.md section 6).
#include <fmt/format.h>
#include <algorithm>
#include <chaos/manifest.hpp>

#include "nearest.hpp"

namespace chaos {

std::string to_text(const ResourceId& id) {
    return id.key.empty() ? std::string(id.type) : fmt::format("{}:{}", id.type, id.key);
}

namespace {

struct Parts {
    std::string_view kind, key;
    bool keyed;
};

Parts cut(std::string_view text) {
    const auto colon = text.find(':');
    return {text.substr(0, colon), colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1),
            colon != std::string_view::npos};
}

/// `*` matches any text, also none. Greedy with one point to come back to: linear in practice, never exponential.
bool glob(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*')
            star = p++, mark = t;
        else if (p < pattern.size() && pattern[p] == text[t])
            ++p, ++t;
        else if (star != std::string_view::npos)
            p = star + 1, t = ++mark;
        else
            return false;
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::string cleaned(const Schema& schema, std::string_view key) {
    return schema.clean ? schema.clean(key) : std::string(key);
}

}  // namespace

bool matches(std::string_view pattern, const ResourceId& id, const Registry& registry) {
    const auto [kind, key, keyed] = cut(pattern);
    const ResourceType* type = registry.section(kind);
    if (!type) return glob(pattern, to_text(id));
    if (type->schema().name != id.type) return false;
    if (!keyed) return id.key.empty();
    if (key.find('*') != std::string_view::npos) return glob(key, id.key);
    try {
        return cleaned(type->schema(), key) == id.key;
    } catch (const Error&) {
        return false;
    }
}

ResourceId parse_id(std::string_view text, const Registry& registry, Place where) {
    const auto [kind, key, keyed] = cut(text);
    const ResourceType* type = registry.section(kind);
    if (!type) {
        std::vector<std::string_view> names;
        for (const ResourceType* known : registry.types) names.push_back(known->schema().name);
        const auto guess = nearest(kind, names);
        Error error(where,
                    fmt::format("expected an id like file:/etc/motd, found '{}': there is no kind '{}'", text, kind));
        error.hint = guess.empty() ? "chaos explain lists the kinds" : fmt::format("did you mean {}:{}?", guess, key);
        throw error;
    }
    const Schema& schema = type->schema();
    if (schema.key() && (!keyed || key.empty()))
        throw Error(where, fmt::format("'{}' does not say which {}", text, schema.name))
            .help(fmt::format("write {}:KEY", schema.name));
    if (!schema.key() && keyed)
        throw Error(where, fmt::format("a host has one {}: its id is '{}'", schema.name, schema.name));
    try {
        return {schema.name, schema.key() ? cleaned(schema, key) : std::string()};
    } catch (Error& error) {
        if (!error.where) error.where = where;
        throw;
    }
}

}  // namespace chaos
