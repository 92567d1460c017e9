// SPDX-License-Identifier: Apache-2.0
#include "references.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "utf8.hpp"

namespace chaos {

References::References(const Catalog& catalog, const Registry& registry, const Layers& layers, const Modules& modules)
    : catalog_(catalog), registry_(registry), layers_(layers), modules_(modules) {
    numbers_.reserve(catalog.size());
    for (std::uint32_t i = 0; i < catalog.size(); ++i) numbers_.emplace(catalog[i].id, i);
    for (std::uint32_t i = 0; i < catalog.size(); ++i)
        if (!catalog[i].called.empty()) numbers_.emplace(ResourceId{catalog[i].id.type, catalog[i].called}, i);
}

const References::Sorted& References::sorted(std::string_view type) {
    const auto [held, is_new] = by_key_.try_emplace(type);
    if (is_new) {
        for (std::uint32_t i = 0; i < catalog_.size(); ++i)
            if (catalog_[i].id.type == type) {
                held->second.emplace_back(catalog_[i].id.key, i);
                if (!catalog_[i].called.empty()) held->second.emplace_back(catalog_[i].called, i);
            }
        std::sort(held->second.begin(), held->second.end());
    }
    return held->second;
}

/// Many name the same pattern: what it fits is looked for once.
const std::vector<std::uint32_t>& References::matching(const std::string& pattern) {
    const auto held = matched_.find(pattern);
    return held != matched_.end() ? held->second : matched_.emplace(pattern, look_for(pattern)).first->second;
}

std::vector<std::uint32_t> References::look_for(const std::string& pattern) {
    std::vector<std::uint32_t> found;
    const auto colon = std::min(pattern.find(':'), pattern.size());
    const ResourceType* type = registry_.section(std::string_view(pattern).substr(0, colon));
    if (!type && pattern.find('*') > colon) {
        parse_id(pattern, registry_);  // says which kind was meant
        return found;
    }
    if (!type) {
        for (std::uint32_t i = 0; i < catalog_.size(); ++i)
            if (matches(pattern, catalog_[i], registry_)) found.push_back(i);
        return found;
    }
    // Keys are sorted: only those that begin as the pattern does are looked at.
    const auto key = std::string_view(pattern).substr(std::min(colon + 1, pattern.size()));
    const auto start = key.substr(0, key.find('*'));
    const auto& keys = sorted(type->schema().name);
    for (auto one = std::lower_bound(keys.begin(), keys.end(), std::pair(start, std::uint32_t{0}));
         one != keys.end() && one->first.starts_with(start); ++one)
        if (matches(pattern, catalog_[one->second], registry_)) found.push_back(one->second);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

/// All resources of a module that the manifest at `where` uses; none where `when` switched it off.
std::vector<std::uint32_t> References::of_module(const std::string& name, Place where) const {
    const std::string path = modules_.path_at(where) + name;
    if (modules_.is_off(path)) return {};
    if (!modules_.find(path)) {
        std::vector<std::string> used;
        for (const Module& one : modules_.all())
            if (one.of == modules_.number_at(where)) used.push_back(one.name);
        const auto near = nearest(name, used);
        throw Error(where, fmt::format("no module is used as '{}' here", name))
            .help(near.empty() ? fmt::format("write use: [{}], or take it out of this list", name)
                               : fmt::format("did you mean module:{}?", near));
    }
    std::vector<std::uint32_t> found;
    for (std::uint32_t i = 0; i < catalog_.size(); ++i)
        for (const std::string& one : catalog_[i].modules)
            if (one == path || (one.starts_with(path) && one[path.size()] == '/')) {
                found.push_back(i);
                break;
            }
    return found;
}

std::vector<std::uint32_t> References::find(const Value& item) {
    std::string text;
    if (item.is_map() && item.map().size() == 1 && item.map()[0].value.is_text())
        text = item.map()[0].key.text() + ":" + item.map()[0].value.text();  // [service: nginx]
    else if (item.is_text())
        text = plain_id(item.text(), registry_);
    else
        throw Error(item.where, fmt::format("expected an id, found {}", kind_of(item)))
            .help("write it as in [file:/etc/motd]");
    if (text.starts_with("module:")) {
        const auto start = text.find_first_not_of(' ', 7);
        return of_module(start == std::string::npos ? std::string() : text.substr(start), item.where);
    }
    if (const std::string& module = modules_.path_at(item.where); !module.empty()) {
        const ResourceType* type = registry_.section(std::string_view(text).substr(0, text.find(':')));
        if (type && has_labels(type->schema())) {  // its own, before one of the site that was handed in
            std::string own = text;
            own.insert(own.find(':') + 1, module);
            if (own.find('*') != std::string::npos) return matching(own);
            const ResourceId id = parse_id(own, registry_, item.where);
            if (const auto held = numbers_.find(id); held != numbers_.end()) return {held->second};
            if (layers_.is_off(id)) return {};
        }
    }
    const bool pattern = text.find('*') != std::string::npos;
    ResourceId id;
    try {
        id = parse_id(text, registry_, item.where);
    } catch (Error& error) {
        if (pattern) {
            if (text.find(':') > text.find('*')) return matching(text);
        } else if (text.find(':') == std::string::npos) {
            for (const Resource& resource : catalog_)
                if (resource.id.key == text)
                    throw std::move(error).help(fmt::format("did you mean {}?", to_text(resource.id)));
        }
        if (!pattern) throw;
    }
    if (!id.type.empty())
        if (const auto held = numbers_.find(id); held != numbers_.end()) return {held->second};
    if (pattern) {
        try {
            return matching(text);
        } catch (Error& error) {
            if (!error.where) error.where = item.where;
            throw;
        }
    }
    if (layers_.is_off(id)) return {};
    std::vector<std::string_view> known;
    for (const auto& [key, number] : sorted(id.type)) known.push_back(key);
    const auto near = known.size() < 10'000 ? nearest(id.key, known) : std::string_view();
    for (const auto& [key, number] : sorted(id.type))
        if (key.starts_with('~') && key.ends_with("/" + id.key))
            throw Error(item.where, fmt::format("nothing declares {}", to_text(id)))
                .help(fmt::format("did you mean {}?", to_text(catalog_[number].id)));
    throw Error(item.where, fmt::format("nothing declares {}", to_text(id)))
        .help(near.empty() ? "declare it, or take it out of this list; a pattern (*) may match nothing"
                           : fmt::format("did you mean {}:{}?", id.type, near));
}

}  // namespace chaos
