// SPDX-License-Identifier: Apache-2.0
// What there is, before anything is asked of the solver.
#include <algorithm>
#include <set>

#include "parts.hpp"

namespace chaos::resources::solver {

std::size_t edits(std::string_view a, std::string_view b, std::size_t most) {
    if (a.size() > b.size()) std::swap(a, b);
    if (b.size() - a.size() > most) return most + 1;
    std::vector<std::size_t> row(a.size() + 1), before, earlier;
    for (std::size_t i = 0; i <= a.size(); ++i) row[i] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
        earlier = std::move(before), before = row, row[0] = j;
        std::size_t least = j;
        for (std::size_t i = 1; i <= a.size(); ++i) {
            row[i] = std::min({before[i] + 1, row[i - 1] + 1, before[i - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[i] = std::min(row[i], earlier[i - 2] + 1);
            least = std::min(least, row[i]);
        }
        if (least > most) return most + 1;
    }
    return row[a.size()];
}

std::vector<std::string> Pool::unmet(const std::string& name) const {
    const Id id = parts_->known(name);
    const auto candidate = id ? parts_->chosen.find(id) : parts_->chosen.end();
    std::vector<std::string> names;
    if (candidate == parts_->chosen.end()) return names;
    const auto& package = parts_->at(candidate->second);
    if (!package.dep_requires) return names;
    for (const Id* need = package.repo->idarraydata + package.dep_requires; *need; ++need) {
        if (*need == SOLVABLE_PREREQMARKER || *parts_->providers(*need)) continue;
        for (Id rest = *need; rest;) {  // a | b | c, or only the last of it
            Id one = rest;
            rest = 0;
            while (ISRELDEP(one)) {
                const Reldep* const relation = GETRELDEP(parts_->pool.get(), one);
                if (relation->flags == REL_OR) rest = relation->evr;
                one = relation->name;
            }
            names.emplace_back(parts_->text(one));
        }
    }
    return names;
}

bool Pool::knows(const std::string& name) const {
    const auto [first, last] = parts_->offers(name);
    const Id id = parts_->known(name);
    return first != last || (id && parts_->installed(id));
}

std::vector<std::string> Pool::versions(const std::string& name) const {
    std::vector<std::string> all;
    const auto [first, last] = parts_->offers(name);
    for (auto one = first; one != last; ++one)
        if (auto version = parts_->version(one->second); all.empty() || all.back() != version)
            all.push_back(std::move(version));
    return all;
}

std::string Pool::candidate(const std::string& name) const {
    const Id id = parts_->known(name);
    if (const auto found = parts_->chosen.find(id); id && found != parts_->chosen.end())
        return parts_->version(found->second);
    const Id there = id ? parts_->installed(id) : 0;
    return there ? parts_->version(there) : std::string();
}

std::vector<std::string> Pool::providers(const std::string& name) const {
    std::set<std::string> all;
    if (const Id id = parts_->known(name))
        for (const Id* one = parts_->providers(id); *one; ++one) all.insert(parts_->name(*one));
    return {all.begin(), all.end()};
}

std::vector<std::string> Pool::like(const std::string& name) const {
    const std::size_t most = name.size() < 4 ? 1 : name.size() < 8 ? 2 : 3;
    std::vector<std::pair<std::size_t, std::string>> near;
    Id last = 0;
    for (const auto& [id, solvable] : parts_->by_name) {
        if (id == std::exchange(last, id)) continue;
        const std::string_view other = parts_->text(id);
        if (const auto distance = edits(name, other, most); distance <= most) near.emplace_back(distance, other);
    }
    std::sort(near.begin(), near.end());
    std::vector<std::string> names;
    for (auto& [distance, one] : near)
        if (names.size() < 3 && distance <= near.front().first + 1) names.push_back(std::move(one));
    return names;
}

std::vector<Newer> Pool::newer(const std::function<bool(const Offer&)>& mark) const {
    auto* const pool = parts_->pool.get();
    const auto is_newer = [&](Id a, Id b) {
        return a != b && parts_->solv.pool_evrcmp(pool, a, b, EVRCMP_COMPARE) > 0;
    };
    std::unordered_map<const Repo*, std::size_t> numbers;
    for (std::size_t i = 0; i < parts_->repositories.size(); ++i) numbers[parts_->repositories[i]] = i;
    std::vector<Newer> all;
    for (Id id = pool->installed->start; id < pool->installed->end; ++id) {
        if (parts_->at(id).repo != pool->installed) continue;
        const Id now = parts_->at(id).evr;
        const auto [first, last] = parts_->offers(parts_->name(id));
        if (first == last || !is_newer(parts_->at(first->second).evr, now)) continue;
        Newer one{parts_->name(id), parts_->text(now), parts_->version(first->second), {}, false};
        const auto chosen = parts_->chosen.find(parts_->at(id).name);
        const Id candidate = chosen == parts_->chosen.end() ? 0 : parts_->at(chosen->second).evr;
        if (candidate && is_newer(candidate, now)) {
            one.candidate = parts_->text(candidate);
            for (auto offer = first; offer != last && is_newer(parts_->at(offer->second).evr, now); ++offer)
                if (!is_newer(parts_->at(offer->second).evr, candidate))
                    one.marked = one.marked ||
                                 mark(parts_->offer(offer->second, numbers.at(parts_->at(offer->second).repo), false));
        }
        all.push_back(std::move(one));
    }
    std::sort(all.begin(), all.end(), [](const Newer& a, const Newer& b) { return a.name < b.name; });
    return all;
}

}  // namespace chaos::resources::solver
