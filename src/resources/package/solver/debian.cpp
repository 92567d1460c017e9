// SPDX-License-Identifier: Apache-2.0
// How Debian's architectures are told to libsolv, which knows none:
//
// - A package of a foreign architecture is called `libc6:i386`, and what it needs without saying of which architecture
//   is `name:i386`. What is `Multi-Arch: foreign` provides its names for every architecture, `allowed` also `name:any`.
// - `=name` is provided by the native package, `=name:i386` by that one: two that are not `Multi-Arch: same` conflict
//   with each other by these, and two that are, with every other version.
// - Conflicts and Breaks hold for all architectures.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "../../lines.hpp"
#include "parts.hpp"

namespace chaos::resources::solver {
namespace {

std::string_view until(std::string_view& text, char separator) {
    const auto part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return trimmed(part);
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}
Relation relation(std::string_view text) {
    Relation found;
    const auto open = text.find('(');
    found.name = trimmed(text.substr(0, std::min(open, text.find('['))));
    if (const auto colon = found.name.find(':'); colon != found.name.npos)
        found.architecture = found.name.substr(colon + 1), found.name = found.name.substr(0, colon);
    if (open == text.npos) return found;
    auto inside = text.substr(open + 1);
    inside = inside.substr(0, inside.find(')'));
    const auto sign = inside.substr(0, inside.find_first_not_of("<=> \t"));
    found.version = trimmed(inside.substr(sign.size()));
    const auto is = trimmed(sign);
    found.flags = is == "<<"                ? REL_LT
                  : is == "<=" || is == "<" ? REL_LT | REL_EQ
                  : is == ">>"              ? REL_GT
                  : is == ">=" || is == ">" ? REL_GT | REL_EQ
                                            : REL_EQ;
    return found;
}

template <class Each>
void each_clause(std::string_view list, Each each) {
    while (!list.empty())
        if (const auto clause = until(list, ','); !clause.empty()) each(clause);
}

}  // namespace

void Pool::Parts::add_needs(Repo* repo, Solvable& package, std::string_view list, std::string_view architecture,
                            Offset Solvable::*where) const {
    each_clause(list, [&](std::string_view clause) {
        std::vector<Id> either;
        for (auto rest = clause; !rest.empty();)
            if (const auto one = until(rest, '|'); !one.empty()) either.push_back(needed(relation(one), architecture));
        if (either.empty()) return;
        Id all = either.back();
        for (std::size_t i = either.size() - 1; i-- > 0;) all = solv.pool_rel2id(pool.get(), either[i], all, REL_OR, 1);
        package.*where = solv.repo_addid(repo, package.*where, all);
        // Who says `a | b` would rather have a. What is suggested never comes by itself, but goes first in a choice.
        if (either.size() > 1) package.dep_suggests = solv.repo_addid(repo, package.dep_suggests, either.front());
    });
}

void Pool::Parts::add_conflicts(Repo* repo, Solvable& package, std::string_view list) const {
    each_clause(list, [&](std::string_view clause) {
        const auto said = relation(clause);
        const auto add = [&](Id name) {
            package.dep_conflicts = solv.repo_addid(repo, package.dep_conflicts, related(name, said));
        };
        if (!said.architecture.empty() && said.architecture != "any") return add(named(said.name, said.architecture));
        add(text(said.name));
        for (const auto& one : foreign) add(named(said.name, one));
    });
}

/// All that it can be asked for by.
void Pool::Parts::add_names(Repo* repo, Solvable& package, const DebParagraph& said, bool is_from_abroad) const {
    const auto add = [&](Id name, Id version) {
        const Id all = version ? solv.pool_rel2id(pool.get(), name, version, REL_EQ, 1) : name;
        package.dep_provides = solv.repo_addid(repo, package.dep_provides, all);
    };
    const bool everywhere = said.multi_arch == "foreign";
    const auto add_everywhere = [&](std::string_view name, Id version) {
        if (!is_from_abroad || everywhere) add(text(name), version);
        for (const auto& one : foreign)
            if (everywhere || (is_from_abroad && one == said.architecture)) add(named(name, one), version);
    };
    add_everywhere(said.package, package.evr);
    if (said.multi_arch == "allowed") add(text(std::string(said.package) + ":any"), package.evr);
    each_clause(said.provides, [&](std::string_view clause) {
        const auto one = relation(clause);
        add_everywhere(one.name, one.version.empty() ? 0 : text(one.version));
        if (said.multi_arch == "allowed")
            add(text(std::string(one.name) + ":any"), one.version.empty() ? 0 : text(one.version));
    });
    if (foreign.empty()) return;
    const auto token = [&](std::string_view architecture) {
        return text(is_foreign(architecture) ? fmt::format("={}:{}", said.package, architecture)
                                             : fmt::format("={}", said.package));
    };
    const auto apart = [&](Id other, int flags) {
        const Id all = flags ? solv.pool_rel2id(pool.get(), other, package.evr, flags, 1) : other;
        package.dep_conflicts = solv.repo_addid(repo, package.dep_conflicts, all);
    };
    add(token(said.architecture), package.evr);
    std::vector<std::string_view> others(foreign.begin(), foreign.end());
    others.emplace_back(native);
    for (const auto other : others) {
        if (other == said.architecture || (!is_from_abroad && !is_foreign(other))) continue;
        if (said.multi_arch == "same")
            apart(token(other), REL_LT), apart(token(other), REL_GT);
        else
            apart(token(other), 0);
    }
}

void Pool::Parts::add_deb(Repo* repo, Repodata* data, const DebParagraph& said) const {
    const bool is_from_abroad = is_foreign(said.architecture);
    if (said.version.empty() || (!is_from_abroad && said.architecture != native && said.architecture != "all")) return;
    const Id id = solv.repo_add_solvable(repo);
    Solvable package{};
    package.repo = repo;
    package.name = named(said.package, said.architecture);
    package.evr = text(said.version);
    package.arch = text(said.architecture);
    const auto by = is_from_abroad ? said.architecture : std::string_view(native);
    add_needs(repo, package, said.depends, by, &Solvable::dep_requires);
    if (!said.pre_depends.empty()) {
        package.dep_requires = solv.repo_addid(repo, package.dep_requires, SOLVABLE_PREREQMARKER);
        add_needs(repo, package, said.pre_depends, by, &Solvable::dep_requires);
    }
    add_needs(repo, package, said.recommends, by, &Solvable::dep_recommends);
    add_conflicts(repo, package, said.conflicts);
    add_conflicts(repo, package, said.breaks);
    add_names(repo, package, said, is_from_abroad);
    at(id) = package;
    if (!said.size.empty()) solv.repodata_set_num(data, id, SOLVABLE_DOWNLOADSIZE, number(said.size));
    solv.repodata_set_num(data, id, SOLVABLE_INSTALLSIZE, number(said.installed_size) * 1024);
    if (!said.source.empty())
        solv.repodata_set_id(data, id, SOLVABLE_SOURCENAME,
                             text(trimmed(said.source.substr(0, said.source.find('(')))));
}

void Pool::Parts::add_text(Repo* repo, std::string_view all, bool installed) const {
    Repodata* const data = solv.repo_add_repodata(repo, 0);
    for (DebParagraph said; next_paragraph(all, said);) {
        if (installed) {
            const auto state = trimmed(said.status.substr(std::min(said.status.rfind(' '), said.status.size())));
            if (state == "not-installed" || state == "config-files" || state.empty()) continue;
        }
        add_deb(repo, data, said);
    }
    solv.repo_internalize(repo);
}

}  // namespace chaos::resources::solver
