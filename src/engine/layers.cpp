// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include "provenance.hpp"

namespace chaos {

const Value* Declaration::find(std::string_view name) const {
    for (const auto& entry : body)
        if (entry.key.text() == name) return &entry.value;
    return nullptr;
}

void Declaration::remove(std::string_view name) {
    std::erase_if(body, [&](const Value::Entry& entry) { return entry.key.text() == name; });
}

std::string_view said_by(const Schema& schema, std::string_view attribute) {
    const Field* field = schema.find(attribute);
    return field && !field->into.empty() ? field->into : attribute;
}

void Layers::lay(Declaration entry) {
    const ResourceId id = entry.id();
    const auto [held, is_new] = numbers_.try_emplace(id, static_cast<std::uint32_t>(entries_.size()));
    if (is_new) {
        if (const auto before = tells_ ? buried_.find(id) : buried_.end(); before != buried_.end()) {
            lay_sayings(entry.type->schema(), before->second, std::move(entry.said), false);
            entry.said = std::move(before->second), buried_.erase(before);
        }
        entries_.push_back(std::move(entry)), gone_.push_back(false);
        return;
    }
    Declaration& below = entries_[held->second];
    if (tells_) lay_sayings(below.type->schema(), below.said, std::move(entry.said), below.layer == entry.layer);
    below.by_site |= entry.by_site;
    for (const std::uint32_t module : entry.modules)
        if (std::find(below.modules.begin(), below.modules.end(), module) == below.modules.end())
            below.modules.push_back(module);
    if (below.layer == entry.layer && below.part == entry.part)
        problems_.add(Error(entry.where, fmt::format("{} is declared twice", to_text(id)))
                          .note(below.where, "it was declared here first")
                          .help("remove one of them, or put both together"));
    else if (below.layer == entry.layer)
        lay_beside(below, std::move(entry));
    else if (strict_)
        problems_.add(
            Error(entry.where, fmt::format("{} is declared below already, and this file is strict", to_text(id)))
                .note(below.where, "it is declared here")
                .help("say it in one of the two files, or take strategy: strict away"));
    else
        lay_higher(below, std::move(entry));
}

bool has_labels(const Schema& schema) {
    return schema.key() && (schema.order == Order::exec || schema.order == Order::check);
}

void Layers::lay_module(Layers& module, std::uint32_t part, const std::string& name) {
    for (Declaration& entry : module.take()) {
        if (has_labels(entry.type->schema())) entry.key = name + "/" + entry.key;
        entry.layer = 0, entry.part = part;
        lay(std::move(entry));
    }
    lay_off(module, name);
    for (auto& [id, said] : module.buried_) {
        const ResourceType* type = registry_.type(id.type);
        const bool label = type && has_labels(type->schema());
        auto& all = buried_[{id.type, label ? name + "/" + id.key : id.key}];
        all.insert(all.end(), said.begin(), said.end());
    }
}

void Layers::lay_off(const Layers& module, const std::string& name) {
    for (ResourceId id : module.off_) {
        const ResourceType* type = registry_.type(id.type);
        if (type && has_labels(type->schema())) id.key = name + "/" + id.key;
        off_.insert(std::move(id));
    }
}

void Layers::drop(const ResourceType& type, Place by) {
    for (std::uint32_t i = 0; i < entries_.size(); ++i)
        if (!gone_[i] && entries_[i].type == &type)
            bury(i, Saying::How::dropped, by), gone_[i] = true, numbers_.erase(entries_[i].id());
}

void Layers::bury(std::uint32_t entry, Saying::How how, Place by) {
    if (!tells_) return;
    auto& said = entries_[entry].said;
    said.push_back({how, "", by, Value(), entries_[entry].where, "", ""});
    buried_[entries_[entry].id()] = std::move(said);
}

void Layers::switched_off(ResourceId id, Place when) {
    if (tells_) buried_[id].push_back({Saying::How::off, "", when, Value(), {}, "", ""});
    off_.insert(std::move(id));
}

std::vector<Provenance::Gone> Layers::gone() const {
    std::vector<Provenance::Gone> all;
    for (const auto& [id, said] : buried_) all.push_back({id, said});
    return all;
}

void Layers::drop(const ResourceId& id, Saying::How how, Place by) {
    const auto held = numbers_.find(id);
    if (held == numbers_.end()) return;
    bury(held->second, how, by);
    gone_[held->second] = true;
    numbers_.erase(held);
}

void Layers::lay_absent(Declaration entry) {
    const auto held = numbers_.find(entry.id());
    if (held == numbers_.end() || entries_[held->second].layer >= entry.layer) return;
    Declaration& below = entries_[held->second];
    if (tells_) lay_sayings(below.type->schema(), below.said, std::move(entry.said), false);
    lay_higher(below, std::move(entry));
}

namespace {

void lay_maps(Value::Map& below, const Value::Map& above);

/// `groups+: [x]` becomes `groups` with what the lower layer had, and x.
Value added(const Value* below, Value more) {
    if (!below || below->is_null()) return more;
    Value out = *below;
    out.where = more.where;
    if (out.is_map() && more.is_map()) return lay_maps(std::get<Value::Map>(out.data), more.map()), out;
    if (!out.is_list()) out.data = Value::List{*below};
    auto& list = std::get<Value::List>(out.data);
    const auto add = [&](const Value& item) {
        if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
    };
    if (more.is_list())
        std::for_each(more.list().begin(), more.list().end(), add);
    else
        add(more);
    return out;
}

void lay_maps(Value::Map& below, const Value::Map& above) {
    for (const auto& entry : above) {
        const auto held =
            std::find_if(below.begin(), below.end(), [&](const Value::Entry& e) { return e.key == entry.key; });
        if (held == below.end())
            below.push_back(entry);
        else if (entry.value.is_null())
            below.erase(held);
        else if (held->value.is_map() && entry.value.is_map())
            lay_maps(std::get<Value::Map>(held->value.data), entry.value.map());
        else
            held->value = entry.value;
    }
}

}  // namespace

void Layers::lay_higher(Declaration& below, Declaration above) {
    below.where = above.where, below.layer = above.layer, below.part = above.part;
    if (above.absent || below.absent) {  // what is not there has no attributes to lay anything on
        below.absent = above.absent, below.body = std::move(above.body), below.bound = std::move(above.bound);
        return;
    }
    if (!above.bound.empty()) below.bound = std::move(above.bound);
    const Schema& schema = below.type->schema();
    for (auto& [key, value] : above.body) {
        std::string name = key.text();
        const bool adds = name.size() > 1 && name.ends_with('+');
        if (adds) name.pop_back(), key.data = name, value = added(below.find(name), std::move(value));
        const auto same =
            std::find_if(below.body.begin(), below.body.end(), [&](const auto& e) { return e.key.text() == name; });
        if (same != below.body.end()) {
            if (same->value.is_map() && value.is_map())
                lay_maps(std::get<Value::Map>(same->value.data), value.map());
            else
                same->key = std::move(key), same->value = std::move(value);
            continue;
        }
        const auto group = said_by(schema, name);
        std::erase_if(below.body, [&](const auto& e) { return said_by(schema, e.key.text()) == group; });
        below.body.push_back({std::move(key), std::move(value)});
    }
}

void Layers::lay_beside(Declaration& held, Declaration other) {
    const auto differ = [&](std::string_view what, Place here, Place there) {
        problems_.add(Error(here, fmt::format("{} is declared twice, and {} differs", to_text(held.id()), what))
                          .note(there, "the other one is here")
                          .help("neither lies over the other: make them agree, or say it in one place"));
    };
    if (!other.bound.empty()) held.bound = std::move(other.bound);
    if (held.absent != other.absent) return differ("whether it is there", other.where, held.where);
    for (auto& [key, value] : other.body) {
        const std::string name = key.text();
        const std::string counterpart = name.ends_with('+') ? name.substr(0, name.size() - 1) : name + "+";
        if (const Value* replaced = held.find(counterpart)) {  // one replaces what the other adds to
            differ(fmt::format("'{}'", name), key.where, replaced->where);
            continue;
        }
        const auto same = std::find_if(held.body.begin(), held.body.end(), [&](const auto& e) {
            return said_by(held.type->schema(), e.key.text()) == said_by(held.type->schema(), name);
        });
        if (same == held.body.end())
            held.body.push_back({std::move(key), std::move(value)});
        else if (name.ends_with('+'))  // both add
            same->value = added(&same->value, std::move(value));
        else if (!(same->key == key) || !(same->value == value))
            differ(fmt::format("'{}'", name), key.where, same->key.where);
    }
}

void Layers::forget(const Value& pattern) {
    const std::string& text = pattern.text();
    if (text.find('*') == std::string::npos) {
        const ResourceId id = parse_id(text, registry_, pattern.where);
        if (!numbers_.contains(id) && is_off(id)) return;
        if (!numbers_.contains(id))
            throw Error(pattern.where, fmt::format("nothing below this file declares {}", to_text(id)))
                .help("remove it from without:");
        return drop(id, Saying::How::forgotten, pattern.where);
    }
    for (std::size_t i = 0; i < entries_.size(); ++i)
        if (!gone_[i] && matches(text, entries_[i].id(), registry_))
            drop(entries_[i].id(), Saying::How::forgotten, pattern.where);
}

bool Layers::has(const ResourceType& type) const {
    for (std::size_t i = 0; i < entries_.size(); ++i)
        if (!gone_[i] && entries_[i].type == &type && !entries_[i].absent) return true;
    return false;
}

std::vector<Declaration> Layers::take() {
    if (std::find(gone_.begin(), gone_.end(), true) == gone_.end()) return std::move(entries_);
    std::vector<Declaration> out;
    out.reserve(entries_.size());
    for (std::size_t i = 0; i < entries_.size(); ++i)
        if (!gone_[i]) out.push_back(std::move(entries_[i]));
    return out;
}

}  // namespace chaos
