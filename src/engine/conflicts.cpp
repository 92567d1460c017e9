// SPDX-License-Identifier: Apache-2.0
// What no order of the resources mends, and what only one order does that nobody asked for. After Shambaugh, Weiss,
// Guha: "Rehearsal" (PLDI 2016): for each path who writes it, who makes a directory of it and who reads it; two that
// write one path, or one that writes what another reads, must be ordered. Only those that share a path, or the nearest
// one above it, are compared.
#include <fmt/format.h>
#include <algorithm>
#include <chaos/manifest.hpp>
#include <optional>
#include <unordered_map>
#include "ordering.hpp"

namespace chaos {

namespace {

using Role = Claim::Role;
constexpr std::string_view path_mark = "path:";

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <class T>
using ByName = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

std::string_view parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == 0 || slash == std::string_view::npos ? "/" : path.substr(0, slash);
}

/// An id as an item of `needs: [...]`.
std::string item(const ResourceId& id) {
    const std::string text = to_text(id);
    const bool plain = text.find_first_of(" ,[]{}#'\"") == std::string::npos;
    return plain ? text : fmt::format("'{}'", text);
}

bool writes_content(const Resource& resource) {
    const Schema& schema = resource.type->schema();
    if (schema.order == Order::link) return true;
    return std::any_of(schema.fields.begin(), schema.fields.end(), [&](const Field& field) {
        return field.role == Field::Role::property && field.merge == Merge::text && field.given(resource.wanted.spec());
    });
}

/// The paths of a site behind its own links: `/srv/www/x` is `/var/www/x` where `/srv/www` leads to `/var/www`.
class Links {
public:
    void add(std::string_view path, std::string_view to, std::uint32_t link) {
        to_.emplace(path, Target{std::string(to), link});
    }
    bool empty() const { return to_.empty(); }

    struct Found {
        std::string path;
        std::optional<std::uint32_t> link{};  // the last one that was followed
        bool nowhere = false;                 // the links lead in a circle
    };
    /// Links in what is above it are followed, and the path itself where `whole`.
    Found follow(std::string_view written, bool whole = false) const {
        Found found{std::string(written)};
        if (to_.empty()) return found;
        constexpr int most = 40;  // as the kernel has it: links in a circle lead nowhere
        for (int hops = 0;; ++hops) {
            const Target* via = nullptr;
            std::size_t end = 0;
            for (auto at = found.path.find('/', 1);; at = found.path.find('/', at + 1)) {
                const bool last = at == std::string::npos;
                if (last && !whole) break;
                end = last ? found.path.size() : at;
                const auto link = to_.find(std::string_view(found.path).substr(0, end));
                if (link != to_.end()) via = &link->second;
                if (via || last) break;
            }
            if (!via) break;
            if ((found.nowhere = hops == most)) break;
            found.path = (via->path == "/" ? "" : via->path) + found.path.substr(end);
            found.link = via->link;
        }
        return found;
    }

private:
    struct Target {
        std::string path;
        std::uint32_t link;
    };
    ByName<Target> to_;
};

class Finder {
public:
    Finder(const Site& site, const Graph& graph, Diagnostics& problems)
        : site_(site), catalog_(site.catalog), ordering_(catalog_, graph), problems_(problems) {}

    void find() {
        collect();
        for (std::uint32_t i = 0; i < catalog_.size(); ++i) {
            if (!counts(i)) continue;
            for (const Claim& claim : claims_of(i)) compare(i, claim);
        }
        for (const auto& [reader, path] : site_.reads) compare_read(reader, path);
    }

private:
    /// What is in the manifest, and is changed by a run.
    bool counts(std::uint32_t i) const {
        const Resource& resource = catalog_[i];
        return resource.where && resource.wanted && !resource.leaving && !resource.audit;
    }
    bool present(std::uint32_t i) const { return !catalog_[i].absent; }
    Order kind(std::uint32_t i) const { return catalog_[i].type->schema().order; }
    std::string name(std::uint32_t i) const { return to_text(catalog_[i].id); }

    std::span<const Claim> claims_of(std::uint32_t i) const {
        return std::span(claims_).subspan(begin_[i], begin_[i + 1] - begin_[i]);
    }

    void collect() {
        claims_.reserve(catalog_.size() * 4);
        begin_.reserve(catalog_.size() + 1);
        begin_.push_back(0);
        for (std::uint32_t i = 0; i < catalog_.size(); ++i) {
            if (counts(i)) catalog_[i].type->claims(catalog_[i].wanted, claims_);
            begin_.push_back(claims_.size());
            if (counts(i) && present(i)) collect_links(i);
        }
        makers_.reserve(catalog_.size());
        for (std::uint32_t i = 0; i < catalog_.size(); ++i) {
            for (const Claim& claim : claims_of(i)) {
                if (claim.role == Role::provides) collect_maker(i, claim.name);
                if (claim.role == Role::fills) (present(i) ? fillers_ : emptied_).emplace(claim.name, i);
                if (claim.role == Role::brings && creates_once(catalog_[i]) && claim.name.starts_with(path_mark))
                    created_.emplace(links_.follow(std::string_view(claim.name).substr(path_mark.size()), true).path,
                                     i);
            }
            if (counts(i) && present(i))
                for (const std::string_view path : catalog_[i].type->footprint().contents) tools_.emplace(path, i);
        }
    }

    void collect_links(std::uint32_t i) {
        std::string_view path;
        for (const Claim& claim : claims_of(i)) {
            if (claim.role == Role::provides && claim.name.starts_with(path_mark))
                path = std::string_view(claim.name).substr(path_mark.size());
            if (claim.role == Role::leads && !path.empty())
                links_.add(path, std::string_view(claim.name).substr(path_mark.size()), i);
        }
    }

    /// By what it is called behind the links. What is there shadows what is not; what two make under one spelling,
    /// order() has told.
    void collect_maker(std::uint32_t i, const std::string& name) {
        if (!name.starts_with(path_mark)) {
            const auto [held, first] = makers_.try_emplace(name, i);
            if (!first && !present(held->second)) held->second = i;
            return;
        }
        const auto behind = links_.follow(std::string_view(name).substr(path_mark.size()));
        const auto [held, first] = makers_.try_emplace(fmt::format("{}{}", path_mark, behind.path), i);
        if (first) return;
        const std::uint32_t other = held->second;
        if (present(i) || present(other)) same_thing(other, i, behind.path);
        if (present(i) != present(other)) refuse_undoing(present(i) ? other : i, present(i) ? i : other, behind.path);
        if (!present(other)) held->second = i;
    }

    /// Of one sort, each run would take away what the one before made. Of two, whoever looks for the one to take it
    /// away finds the other, and stops.
    void refuse_undoing(std::uint32_t absent, std::uint32_t made, const std::string& path) {
        if (catalog_[absent].type == catalog_[made].type || !is_at_a_path(kind(made)) || !is_at_a_path(kind(absent)))
            return;
        const auto sort = [&](std::uint32_t i) { return kind(i) == Order::unit ? Order::file : kind(i); };
        problems_.add(Error(catalog_[absent].where,
                            fmt::format("{} is to be absent, and {} makes {}: {}", name(absent), name(made), path,
                                        sort(absent) == sort(made) ? "each run would undo the one before"
                                                                   : "the next run would find that, and stop"))
                          .note(catalog_[made].where, name(made) + " is here")
                          .help("take one of the two away"));
    }

    std::optional<std::uint32_t> maker(std::string_view name) const {
        const auto found = makers_.find(name);
        return found == makers_.end() ? std::nullopt : std::optional(found->second);
    }
    std::optional<std::uint32_t> maker_of_path(std::string_view path) const {
        return maker(fmt::format("{}{}", path_mark, path));
    }
    /// Who makes the nearest of what is above it.
    std::optional<std::uint32_t> maker_above(std::string_view path) const {
        while (path.size() > 1) {
            path = parent_of(path);
            if (const auto by = maker_of_path(path)) return by;
        }
        return std::nullopt;
    }

    void compare(std::uint32_t i, const Claim& claim) {
        const std::string_view name = claim.name;
        const bool is_path = name.starts_with(path_mark);
        const auto path = is_path ? name.substr(path_mark.size()) : std::string_view();
        if (!present(i)) return;
        if (claim.role == Role::provides && is_path) {
            if (!links_.empty()) compare_behind_links(i, path);
            if (!tools_.empty()) compare_with_tools(i, path);
            if (!fillers_.empty()) compare_with_fillers(i, path);
            if (!created_.empty()) compare_with_created(i, links_.follow(path).path);
        }
        if (claim.role == Role::brings && is_path && kind(i) == Order::exec) compare_creation(i, path);
        if (claim.role == Role::leads) compare_target(i, path);
        if (claim.role == Role::needs && !is_path) compare_owner(i, name);
        if (claim.role == Role::watches && !is_path) compare_unit(i, name);
        if (claim.role == Role::watches && !is_path && !fillers_.empty())
            if (const auto by = fillers_.find(name); by != fillers_.end()) likely_after(i, by->second, "runs what");
    }

    void same_thing(std::uint32_t first, std::uint32_t second, const std::string& path) {
        if (catalog_[first].id == catalog_[second].id) return;
        const auto via = [&](std::uint32_t i) -> std::optional<std::uint32_t> {
            for (const Claim& claim : claims_of(i))
                if (claim.role == Role::provides && claim.name.starts_with(path_mark))
                    if (const auto found = links_.follow(std::string_view(claim.name).substr(path_mark.size()));
                        found.path == path && found.link)
                        return found.link;
            return std::nullopt;
        };
        const auto link = via(second) ? via(second) : via(first);
        if (!link) return;
        problems_.add(Error(catalog_[second].where, fmt::format("{} and {} are one thing: {} leads there", name(first),
                                                                name(second), name(*link)))
                          .note(catalog_[first].where, "the other one is here")
                          .note(catalog_[*link].where, name(*link) + " is here")
                          .help(fmt::format("declare it once, as {}", path)));
    }

    /// What is above it is called otherwise behind links, and so the edges from what is above miss it.
    void compare_behind_links(std::uint32_t i, std::string_view path) {
        const auto behind = links_.follow(path);
        if (!behind.link || *behind.link == i) return;
        if (behind.nowhere)
            return problems_.add(Error(catalog_[i].where, fmt::format("{} lies behind {}, which leads nowhere: the "
                                                                      "links lead to each other",
                                                                      name(i), name(*behind.link)))
                                     .note(catalog_[*behind.link].where, name(*behind.link) + " is here")
                                     .help("let one of the links lead to a directory"));
        problems_.note(
            Error(catalog_[i].where, fmt::format("{} lies behind {}: where that is not there yet, the run will "
                                                 "not find its way",
                                                 name(i), name(*behind.link)))
                .note(catalog_[*behind.link].where, name(*behind.link) + " is here")
                .help(fmt::format("name it as it is without the link: {}", behind.path)));
        const auto above = maker_above(behind.path);
        if (!above || *above == i) return;
        const Resource& holder = catalog_[*above];
        const bool is_file = present(*above) && (kind(*above) == Order::file || kind(*above) == Order::unit);
        if (is_file || (!present(*above) && is_at_a_path(kind(*above))))
            return problems_.add(
                Error(catalog_[i].where,
                      fmt::format("{} is to be in {} by way of {}, and that is to be {}", name(i), name(*above),
                                  name(*behind.link), is_file ? "no directory" : "absent"))
                    .note(holder.where, name(*above) + " is here")
                    .help("take one of the two away"));
        if (!present(*above) || ordering_.before(*above, i)) return;
        problems_.add(
            Error(catalog_[i].where, fmt::format("{} lies in {} by way of {}, and nothing says that it comes after",
                                                 name(i), name(*above), name(*behind.link)))
                .note(holder.where, name(*above) + " is here")
                .help(mend(i, *above)));
    }

    std::string mend(std::uint32_t later, std::uint32_t earlier) const {
        return fmt::format("say on {}: needs: [{}]", name(later), item(catalog_[earlier].id));
    }

    /// Tools change a part of a file, and somebody declares the whole of it.
    void compare_with_tools(std::uint32_t i, std::string_view path) {
        const auto by = tools_.find(path);
        if (by == tools_.end() || catalog_[by->second].type == catalog_[i].type || !writes_content(catalog_[i])) return;
        problems_.add(
            Error(catalog_[i].where, fmt::format("{} is the whole of what {} changes a part of: they would undo "
                                                 "each other",
                                                 name(i), name(by->second)))
                .note(catalog_[by->second].where, name(by->second) + " is here")
                .help(fmt::format("leave {} to the section '{}', or declare none there", path,
                                  catalog_[by->second].type->schema().section)));
    }

    /// A file below what a package most likely brings. What package managers read comes before packages on purpose.
    void compare_with_fillers(std::uint32_t i, std::string_view path) {
        if (catalog_[i].type->order(catalog_[i].wanted) == Order::repository) return;
        for (; path.size() > 1; path = parent_of(path)) {
            if (std::count(path.begin(), path.end(), '/') > 4) continue;
            const auto by = fillers_.find(fmt::format("{}{}", path_mark, path));
            if (by != fillers_.end()) return likely_after(i, by->second, "lies in what");
        }
    }

    void likely_after(std::uint32_t later, std::uint32_t earlier, std::string_view how) {
        if (later == earlier || ordering_.before(earlier, later) || ordering_.reaches(later, earlier)) return;
        problems_.note(
            Error(catalog_[later].where,
                  fmt::format("{} {} {} most likely brings, and would come first", name(later), how, name(earlier)))
                .note(catalog_[earlier].where, name(earlier) + " is here, and waits for what comes later by its kind")
                .help(mend(later, earlier)));
    }

    /// A command has nothing to do where what it creates is there.
    void compare_creation(std::uint32_t i, std::string_view written) {
        const std::string path = links_.follow(written, true).path;
        if (const auto [first, is_first] = creators_.try_emplace(path, i); !is_first)
            compare_two_creators(first->second, i, path);
        if (const auto made = maker_of_path(path); made && *made != i) return compare_creators(i, *made, path);
        const auto above = maker_above(path);
        if (!above || *above == i || !present(*above) || ordering_.before(*above, i)) return;
        const bool later = ordering_.reaches(i, *above);
        problems_.note(Error(catalog_[i].where, fmt::format("{} creates {}, and {} {} later", name(i), path,
                                                            name(*above), later ? "comes" : "may come"))
                           .note(catalog_[*above].where, name(*above) + " is here")
                           .help(later ? fmt::format("take away what lets it wait for {}", name(i)) : mend(i, *above)));
    }

    /// Whatever comes first in what a command creates makes the directory of it as well.
    void compare_with_created(std::uint32_t i, std::string_view path) {
        while (path.size() > 1) {
            path = parent_of(path);
            if (maker_of_path(path)) return;  // that one is compared
            const auto by = created_.find(path);
            if (by == created_.end()) continue;
            const std::uint32_t command = by->second;
            if (ordering_.before(command, i)) return;
            problems_.add(Error(catalog_[command].where,
                                fmt::format("{} would never run: it creates {}, and {}, which lies in it, comes first",
                                            name(command), path, name(i)))
                              .note(catalog_[i].where, name(i) + " is here")
                              .help(ordering_.reaches(i, command)
                                        ? std::string("name another sign that the command is done: creates, unless or "
                                                      "onlyif")
                                        : mend(i, command)));
            return;
        }
    }

    /// Steps of one work may share the sign that it is done, in their order. Where there is none, whichever comes first
    /// leaves the other nothing to do.
    void compare_two_creators(std::uint32_t first, std::uint32_t second, const std::string& path) {
        if (!catalog_[first].watches.empty() || !catalog_[second].watches.empty()) return;
        if (ordering_.before(first, second) || ordering_.before(second, first)) return;
        problems_.add(Error(catalog_[second].where,
                            fmt::format("{} and {} both create {}, and nothing says which comes first: the other one "
                                        "would never run",
                                        name(first), name(second), path))
                          .note(catalog_[first].where, "the other one is here")
                          .help(fmt::format("name another sign that one of them is done, or, where both belong to one "
                                            "work, {}",
                                            mend(second, first))));
    }

    void compare_creators(std::uint32_t command, std::uint32_t made, const std::string& path) {
        const Place where = catalog_[command].where;
        if (!present(made))
            return problems_.add(
                Error(where, fmt::format("{} creates {}, which shall not be there: each run would undo "
                                         "the one before",
                                         name(command), path))
                    .note(catalog_[made].where, "it is to be absent here")
                    .help("let the command remove it itself, or name another sign that it is done: "
                          "creates, unless or onlyif"));
        if (!catalog_[command].watches.empty() || ordering_.before(command, made)) return;
        problems_.add(Error(where, fmt::format("{} would never run: it creates {}, and {} makes that first",
                                               name(command), path, name(made)))
                          .note(catalog_[made].where, name(made) + " is here")
                          .help(ordering_.reaches(made, command)
                                    ? std::string("let one of them make it, or name another sign that the command is "
                                                  "done: creates, unless or onlyif")
                                    : mend(made, command)));
    }

    void compare_target(std::uint32_t i, std::string_view written) {
        const auto target = links_.follow(written, true);
        if (target.nowhere)
            return problems_.note(
                Error(catalog_[i].where, fmt::format("{} leads nowhere: it leads back to where it was", name(i)))
                    .help("let it lead to what is there"));
        const auto made = taken_with(target.path);
        if (!made || *made == i || present(*made)) return;
        problems_.note(Error(catalog_[i].where, fmt::format("{} leads to what shall not be there", name(i)))
                           .note(catalog_[*made].where, name(*made) + " is to be absent here")
                           .help("take one of the two away"));
    }

    /// A unit that is taken away, or most likely goes with its package; another one of that name may be there still.
    void compare_unit(std::uint32_t i, std::string_view unit) {
        auto made = maker(unit);
        const bool itself = made.has_value();
        if (!made)
            if (const auto by = emptied_.find(unit); by != emptied_.end() && !fillers_.contains(unit))
                made = by->second;
        if (!made || *made == i || present(*made)) return;
        problems_.note(Error(catalog_[i].where,
                             fmt::format("{} runs what {}{}, and that shall not be there", name(i), itself ? "is " : "",
                                         name(*made) + (itself ? "" : " most likely brings")))
                           .note(catalog_[*made].where, name(*made) + " is to be absent here")
                           .help("take one of the two away"));
    }

    /// Who makes it; else a directory above it that is to be absent.
    std::optional<std::uint32_t> taken_with(std::string_view path) const {
        if (const auto made = maker_of_path(path)) return made;
        const auto above = maker_above(path);
        return above && !present(*above) && kind(*above) == Order::directory ? above : std::nullopt;
    }

    /// What goes, goes first: its owner would be gone.
    void compare_owner(std::uint32_t i, std::string_view asked) {
        if (!asked.starts_with("user:") && !asked.starts_with("group:")) return;
        const auto by = maker(asked);
        if (!by || present(*by) || *by == i) return;
        problems_.add(Error(catalog_[i].where, fmt::format("{} needs {}, which shall not be there", name(i), name(*by)))
                          .note(catalog_[*by].where, name(*by) + " is to be absent here")
                          .help("name another owner, or let it be"));
    }

    /// `source: /etc/x` is read before anything is done.
    void compare_read(std::uint32_t i, const std::string& path) {
        if (!counts(i) || !present(i)) return;
        const std::string behind = links_.follow(path, true).path;
        const auto by = taken_with(behind);
        if (!by || *by == i) return;
        if (!present(*by))
            return problems_.add(
                Error(catalog_[i].where, fmt::format("{} is made from {}, which shall not be there: the "
                                                     "next run would not find it",
                                                     name(i), path))
                    .note(catalog_[*by].where, "it is to be absent here")
                    .help("keep it beside the manifest: source: PATH"));
        if (!writes_content(catalog_[*by])) return;
        problems_.add(
            Error(catalog_[i].where, fmt::format("{} is made from {} as it is before the run, and {} writes that",
                                                 name(i), path, name(*by)))
                .note(catalog_[*by].where, name(*by) + " is here")
                .help("give both the same content or source"));
    }

    const Site& site_;
    const Catalog& catalog_;
    Ordering ordering_;
    Diagnostics& problems_;
    std::vector<Claim> claims_;       // of one resource after the other
    std::vector<std::size_t> begin_;  // where those of each begin
    Links links_;
    ByName<std::uint32_t> makers_, fillers_, emptied_, tools_, creators_, created_;
};

}  // namespace

void find_conflicts(const Site& site, const Graph& graph, Diagnostics& problems) {
    Finder(site, graph, problems).find();
}

}  // namespace chaos
