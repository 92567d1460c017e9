// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <chaos/history.hpp>
#include "declaration.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

/// True where `pattern` covers all of `text`, each `*` any text: linear but for the last star, which may go back.
bool covers(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++, resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p, ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1, t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

}  // namespace

std::string to_text(const ResourceId& id) {
    if (id.key.empty()) return std::string(id.type);
    const auto slash = id.key.front() == '~' ? id.key.find('/') : std::string::npos;
    if (slash == std::string::npos) return fmt::format("{}:{}", id.type, id.key);
    return fmt::format("{}/{}:{}", id.key.substr(0, slash), id.type, id.key.substr(slash + 1));
}

std::string to_text(const RecordedId& id) {
    return to_text(ResourceId{id.type, id.key});
}

std::string plain_id(std::string_view text, const Registry& registry) {
    const auto colon = std::min(text.find(':'), text.size());
    const auto slash = text.substr(0, colon).rfind('/');
    if (slash == std::string_view::npos || slash == 0 || colon == text.size()) return std::string(text);
    const ResourceType* type = registry.section(text.substr(slash + 1, colon - slash - 1));
    const bool personal = type && type->schema().personal != Personal::no && text.front() == '~';
    if (!type || (!personal && !has_labels(type->schema()))) return std::string(text);
    return fmt::format("{}:{}/{}", type->schema().name, text.substr(0, slash), text.substr(colon + 1));
}

ResourceId parse_id(std::string_view written, const Registry& registry, Place where) {
    const std::string plain = plain_id(written, registry);
    const std::string_view text = plain;
    const auto colon = text.find(':');
    const auto kind = text.substr(0, colon);
    const ResourceType* type = registry.section(kind);
    if (!type) {
        std::vector<std::string_view> known;
        for (const ResourceType* one : registry.types) known.push_back(one->schema().name);
        const auto near = nearest(kind, known);
        throw Error(where, fmt::format("'{}' is no id: there is no kind '{}'", text, kind))
            .help(near.empty() ? "an id is kind:key, as in file:/etc/motd; 'chaos explain' lists the kinds"
                               : fmt::format("did you mean {}{}?", near, text.substr(kind.size())));
    }
    const Schema& schema = type->schema();
    if (!schema.key()) {
        if (colon != std::string_view::npos)
            throw Error(where, fmt::format("a host has one {}: its id has no key", schema.name))
                .help(fmt::format("write {}", schema.name));
        return {schema.name, {}};
    }
    if (colon == std::string_view::npos || colon + 1 == text.size())
        throw Error(where, fmt::format("the id '{}' has no key", text))
            .help(fmt::format("write it as in {}:KEY", schema.name));
    std::string key(text.substr(colon + 1));
    if (key.front() == ' ') key.erase(0, key.find_first_not_of(' '));
    try {
        return {schema.name, schema.clean ? schema.clean(key) : key};
    } catch (Error& error) {
        if (!error.where) error.where = where;
        throw;
    }
}

bool matches(std::string_view pattern, const Resource& resource, const Registry& registry) {
    return matches(pattern, resource.id, registry) ||
           (!resource.called.empty() && matches(pattern, ResourceId{resource.id.type, resource.called}, registry));
}

bool matches(std::string_view written, const ResourceId& id, const Registry& registry) {
    const std::string plain = written.find('/') < written.find(':') ? plain_id(written, registry) : std::string();
    const std::string_view pattern = plain.empty() ? written : plain;
    const auto colon = pattern.find(':');
    const auto kind = pattern.substr(0, colon);
    if (kind.find('*') == std::string_view::npos) {
        const ResourceType* type = registry.section(kind);
        if (!type || type->schema().name != id.type) return false;
    } else if (!covers(kind, id.type)) {
        return false;
    }
    if (colon == std::string_view::npos) return id.key.empty();
    const auto key = pattern.substr(colon + 1);
    if (key == id.key || covers(key, id.key)) return true;
    if (key.find('*') != std::string_view::npos) return false;
    const ResourceType* type = registry.type(id.type);
    if (!type || !type->schema().clean) return false;
    try {
        return type->schema().clean(key) == id.key;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace chaos
