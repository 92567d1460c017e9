// SPDX-License-Identifier: Apache-2.0
#include "linker.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

namespace chaos {

template <class Act>
void Linker::each(const Value& said, std::uint32_t me, Act act) {
    if (said.is_null() || too_many_) return;
    const Value* before = nullptr;
    for (const Value& item : items_in(said)) {
        try {
            const auto found = references_.find(item);
            for (const auto other : found) {
                if (too_many_) return;
                if (other != me)
                    act(other, item.where);
                else if (found.size() == 1 && item.is_text() && item.text().find('*') == std::string::npos)
                    throw Error(item.where, fmt::format("{} can not wait for itself", to_text(site_.catalog[me].id)))
                        .help("remove it, or name what is meant");
            }
        } catch (Error& error) {
            const bool cut = before && item.is_text() && item.text().find(':') == std::string::npos;
            if (cut && !error.hint.starts_with("did you"))
                error.hint = "a comma ends an item between [ ]: quote an id that has one in it";
            problems_.add(std::move(error));
        }
        before = &item;
    }
}

void Linker::link(const Links& said) {
    const auto me = said.of;
    each(said.needs, me, [&](auto other, Place at) { edge({other, me}, "needs", at); });
    each(said.before, me, [&](auto other, Place at) { edge({me, other}, "before", at); });
    each(said.watch, me, [&](auto other, Place at) { watch(me, other, "watch", at); });
    each(said.notify, me, [&](auto other, Place at) { watch(other, me, "notify", at); });
}

void Linker::belongs(std::uint32_t resource, const std::vector<std::uint32_t>& modules) {
    if (modules.empty()) return;
    auto within = modules_.with_users(modules.front());  // of all that declare it
    for (const std::uint32_t module : modules) {
        const auto users = modules_.with_users(module);
        std::erase_if(within, [&](auto use) { return std::find(users.begin(), users.end(), use) == users.end(); });
    }
    for (const std::uint32_t use : within) by_module_[use].push_back(resource);
}

void Linker::link_module(std::uint32_t number) {
    const auto& mine = by_module_[number];
    const Module& module = modules_[number];
    for (const std::uint32_t resource : mine) {
        Resource& one = site_.catalog[resource];
        if (one.doc.empty() && !module.doc.is_null()) one.doc = module.doc.text();
        if (module.tags.is_null()) continue;
        for (const Value& tag : items_in(module.tags)) one.tags.push_back(tag.text());
    }
    for (const auto& [word, said] : module.links)
        for (const Value& item : items_in(said)) {
            try {
                bind(word.text(), references_.find(item), item.where, mine);
            } catch (Error& error) {
                problems_.add(std::move(error));
            }
        }
}

void Linker::finish() {
    if (too_many_) return site_.edges.clear();
    std::sort(site_.edges.begin(), site_.edges.end());
    site_.edges.erase(std::unique(site_.edges.begin(), site_.edges.end()), site_.edges.end());
    for (Resource& resource : site_.catalog) {
        std::sort(resource.watches.begin(), resource.watches.end());
        resource.watches.erase(std::unique(resource.watches.begin(), resource.watches.end()), resource.watches.end());
    }
}

bool Linker::fits(Place at) {
    constexpr std::size_t most = 10'000'000;
    if (site_.edges.size() < most) return true;
    if (!std::exchange(too_many_, true))
        problems_.add(Error(at, fmt::format("these lists and patterns make more than {} pairs of what waits and what "
                                            "it waits for",
                                            most))
                          .help("let one resource stand between them: an exec that needs the many, and that the "
                                "others need; or a directory with source:"));
    return false;
}

void Linker::edge(Graph::Edge edge, std::string_view word, Place at) {
    if (!fits(at)) return;
    site_.edges.push_back(edge);
    if (provenance_) provenance_->links.push_back({edge.from, edge.to, word, at});
}

void Linker::watch(std::uint32_t who, std::uint32_t what, std::string_view word, Place at) {
    Resource& reacts = site_.catalog[who];
    if (!reacts.type->schema().reacts) {
        problems_.add(Error(at, fmt::format("{} can not react to a change", reacts.id.type))
                          .help("services, exec and units can; for order alone write needs: or before:"));
        return;
    }
    if (!fits(at)) return;
    reacts.watches.push_back(what);
    edge({what, who}, word, at);
}

void Linker::bind(const std::string& word, const std::vector<std::uint32_t>& others, Place at,
                  const std::vector<std::uint32_t>& mine) {
    const auto reacts = [&](auto one) { return site_.catalog[one].type->schema().reacts; };
    for (const std::uint32_t other : others) {
        if (too_many_) return;
        if (std::binary_search(mine.begin(), mine.end(), other)) continue;
        if (word == "notify" && !reacts(other)) watch(other, other, "notify", at);  // says that it can not
        for (const std::uint32_t me : mine) {
            if (word == "needs")
                edge({other, me}, "needs", at);
            else if (word == "before")
                edge({me, other}, "before", at);
            else if (word == "watch" && reacts(me))
                watch(me, other, "watch", at);
            else if (word == "notify" && reacts(other))
                watch(other, me, "notify", at);
        }
    }
    if (word == "watch" && !mine.empty() && std::none_of(mine.begin(), mine.end(), reacts))
        problems_.add(Error(at, "nothing in this module can react to a change")
                          .help("services, exec and units can; for order alone write needs: or before:"));
}

}  // namespace chaos
