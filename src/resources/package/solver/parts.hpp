// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../deb822.hpp"
#include "../solver.hpp"
#include "library.hpp"

namespace chaos::resources::solver {

/// `libfoo:any (>= 1.2)`
struct Relation {
    std::string_view name, architecture, version;
    int flags = 0;
};

struct Pool::Parts {
    Family family = Family::deb;
    std::string native;
    std::vector<std::string> foreign;
    const Library& solv = library();
    std::unique_ptr<::Pool, Closer> pool{solv.pool_create()};
    std::vector<Repo*> repositories{};
    std::vector<std::pair<Id, Id>> by_name{};  ///< All that repositories offer: name, then the newest first.
    std::unordered_map<Id, Id> chosen{};       ///< By name, what is considered beside the installed version.
    std::vector<unsigned char> bits{};
    Map considered{};

    Id text(std::string_view part) const {
        return solv.pool_strn2id(pool.get(), part.data(), static_cast<unsigned>(part.size()), 1);
    }
    /// Null where nothing has that name.
    Id known(std::string_view part) const {
        return solv.pool_strn2id(pool.get(), part.data(), static_cast<unsigned>(part.size()), 0);
    }
    const char* text(Id id) const { return solv.pool_id2str(pool.get(), id); }
    Solvable& at(Id id) const { return pool->solvables[id]; }
    std::string name(Id id) const { return text(at(id).name); }
    std::string version(Id id) const { return text(at(id).evr); }
    std::string shown(Id id) const { return solv.pool_solvable2str(pool.get(), &at(id)); }
    Id related(Id name, const Relation& said) const {
        if (!said.flags || said.version.empty()) return name;
        return solv.pool_rel2id(pool.get(), name, text(said.version), said.flags, 1);
    }

    const Id* providers(Id dependency) const {
        Id at_offset;
        if (dependency & static_cast<Id>(0x80000000)) {
            at_offset = static_cast<Id>(pool->whatprovides_rel[dependency ^ static_cast<Id>(0x80000000)]);
        } else {
            at_offset = static_cast<Id>(pool->whatprovides[dependency]);
        }
        if (!at_offset) at_offset = solv.pool_addrelproviders(pool.get(), dependency);
        return pool->whatprovidesdata + at_offset;
    }
    bool provided_by(Id dependency, Id package) const {
        for (const Id* one = providers(dependency); *one; ++one)
            if (*one == package) return true;
        return false;
    }

    bool is_foreign(std::string_view architecture) const {
        return std::find(foreign.begin(), foreign.end(), architecture) != foreign.end();
    }
    Id named(std::string_view name, std::string_view architecture) const {
        if (!is_foreign(architecture)) return text(name);
        return text(std::string(name) + ":" + std::string(architecture));
    }
    Id needed(const Relation& said, std::string_view by) const {
        if (said.architecture.empty()) return related(named(said.name, by), said);
        if (said.architecture == "any") return related(text(std::string(said.name) + ":any"), said);
        return related(named(said.name, said.architecture), said);
    }

    void add_needs(Repo* repo, Solvable& package, std::string_view list, std::string_view architecture,
                   Offset Solvable::*where) const;
    void add_conflicts(Repo* repo, Solvable& package, std::string_view list) const;
    void add_names(Repo* repo, Solvable& package, const DebParagraph& said, bool is_from_abroad) const;
    void add_deb(Repo* repo, Repodata* data, const DebParagraph& said) const;
    void add_text(Repo* repo, std::string_view text, bool installed) const;
    std::pair<const std::pair<Id, Id>*, const std::pair<Id, Id>*> offers(const std::string& name) const;
    Id installed(Id name) const;
    Offer offer(Id id, std::size_t repository, bool sources) const {
        const Id source = sources ? solv.pool_lookup_id(pool.get(), id, SOLVABLE_SOURCENAME) : 0;
        return {text(at(id).name), text(at(id).evr), text(at(id).arch), text(source ? source : at(id).name),
                repository};
    }
};

}  // namespace chaos::resources::solver
