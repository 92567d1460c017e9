// SPDX-License-Identifier: Apache-2.0
#include "apt_universe.hpp"

#include <fmt/format.h>

#include <chaos/cache.hpp>
#include <chaos/digest.hpp>
#include <set>

#include "deb822.hpp"
#include "groups.hpp"

namespace chaos::resources::apt {
namespace {

constexpr std::size_t most = 256U << 20;  // of a file that is wholly read: no host's status comes near it

/// What a list was made from, and by whom it is read: another name for each.
std::string kept_name(const View& view, const List& list, const Settings& settings, const std::string& native) {
    const Entry entry = view->look(list.path);
    auto all = fmt::format("{} {} {} {} {} {}", list.path, entry.size, entry.device, entry.inode, entry.modified,
                           entry.changed);
    if (entry.kind == Entry::Kind::link) return {};  // of a `file:` source: what it leads to may change
    for (const auto& one : settings.foreign) all += " " + one;
    return "packages-" + hex(digest(all + " " + native));
}

}  // namespace

void add_installed(solver::Pool& pool, const View& view) {
    std::string status, cut;
    view->look("/var/lib/dpkg/status", &status, most);
    for (const auto& name : view->list("/var/lib/dpkg/updates")) {
        if (name.find_first_not_of("0123456789") != name.npos) continue;
        std::string part;
        if (view->look("/var/lib/dpkg/updates/" + name, &part, most)) cut += "\n" + part;
    }
    if (cut.empty()) return pool.add_installed(status);
    // dpkg was cut: what it wrote down last stands for what the status says of these.
    std::set<std::pair<std::string_view, std::string_view>> later;
    DebParagraph one;
    for (std::string_view rest = cut; next_paragraph(rest, one);) later.emplace(one.package, one.architecture);
    std::string all;
    for (std::string_view rest = status; !rest.empty();) {
        const auto before = rest;
        if (!next_paragraph(rest, one)) break;
        if (!later.contains({one.package, one.architecture})) all += before.substr(0, before.size() - rest.size());
        all += "\n";
    }
    pool.add_installed(all + "\n" + cut);
}

void add_lists(solver::Pool& pool, const View& view, const Settings& settings, const std::string& native) {
    const auto* remembering = dynamic_cast<const Remembering*>(&view.host());
    Cache* const cache = remembering ? remembering->cache() : nullptr;
    for (const List& list : settings.lists) {
        const auto name = cache ? kept_name(view, list, settings, native) : std::string();
        if (!name.empty())
            if (const auto kept = cache->get(name); kept && pool.add_kept(list.path, *kept)) continue;
        pool.add(list.path, text_of(view, list));
        if (!name.empty()) cache->put(name, pool.kept());
    }
}

GroupTable tasks(const View& view, const Settings& settings) {
    const auto* remembering = dynamic_cast<const Remembering*>(&view.host());
    Cache* const cache = remembering ? remembering->cache() : nullptr;
    const std::size_t digest_size = hex(digest("")).size();
    GroupTable all;
    for (const List& list : settings.lists) {
        const auto name = cache ? kept_name(view, list, settings, "tasks") : std::string();
        const auto kept = name.empty() ? std::nullopt : cache->get(name);
        GroupTable its;
        const bool is_whole = kept && kept->size() >= digest_size &&
                              hex(digest(kept->substr(digest_size))) == kept->substr(0, digest_size);
        if (is_whole)
            add_pacman_groups(std::string_view(*kept).substr(digest_size), its);  // a line each: group and package
        else
            add_tasks(text_of(view, list), its);
        std::string lines;
        for (const auto& [group, members] : its)
            for (const auto& one : members) lines += fmt::format("{} {}\n", group, one), all[group].insert(one);
        if (!is_whole && !name.empty()) cache->put(name, hex(digest(lines)) + lines);
    }
    return all;
}

}  // namespace chaos::resources::apt
