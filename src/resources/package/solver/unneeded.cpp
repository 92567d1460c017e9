// SPDX-License-Identifier: Apache-2.0
// What came along with what goes: it may go as well where nothing that stays, or comes, needs or recommends it.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "parts.hpp"

namespace chaos::resources::solver {
namespace {

class Sweep {
public:
    Sweep(const Pool::Parts& parts, const Answer& answer, const std::function<bool(const std::string&)>& may_go)
        : parts_(parts), may_go_(may_go) {
        const Repo* const installed = parts.pool->installed;
        for (Id id = installed->start; id < installed->end; ++id)
            if (parts.at(id).repo == installed) stays_.insert(id);
        for (const Move& move : answer.moves) {
            const Id name = parts.known(move.name);
            const Id there = name ? parts.installed(name) : 0;
            moving_.insert(there);
            stays_.erase(there);
            const auto chosen = parts.chosen.find(name);
            if (move.kind != Move::Kind::remove && chosen != parts.chosen.end()) stays_.insert(chosen->second);
            if (move.kind == Move::Kind::remove && there) goes_.emplace(there, Cause{move.job, {}});
        }
    }

    std::vector<Move> moves() {
        reach();
        keep_what_is_needed();
        std::vector<Move> all;
        for (const auto& [id, cause] : along_)
            all.push_back({.kind = Move::Kind::remove,
                           .name = parts_.name(id),
                           .version = {},
                           .old_version = parts_.version(id),
                           .job = cause.job,
                           .why = cause.why,
                           .installed = parts_.solv.pool_lookup_num(parts_.pool.get(), id, SOLVABLE_INSTALLSIZE, 0)});
        std::sort(all.begin(), all.end(), [](const Move& a, const Move& b) { return a.name < b.name; });
        return all;
    }

private:
    struct Cause {
        std::size_t job;
        std::string why;
    };

    /// Each package that can meet what `from` needs, or recommends.
    template <class Each>
    void each_met(Id from, Each each) const {
        const auto& package = parts_.at(from);
        for (const auto& [list, verb] :
             {std::pair(package.dep_requires, "needed"), {package.dep_recommends, "recommended"}}) {
            if (!list) continue;
            for (const Id* dependency = package.repo->idarraydata + list; *dependency; ++dependency) {
                if (*dependency == SOLVABLE_PREREQMARKER) continue;
                for (const Id* one = parts_.providers(*dependency); *one; ++one) each(*one, verb);
            }
        }
    }

    /// From what goes to what it brought, and on to what that brought: the nearest is the cause.
    void reach() {
        std::deque<Id> reached;
        for (const auto& [id, cause] : goes_) reached.push_back(id);
        for (; !reached.empty(); reached.pop_front()) {
            const Id from = reached.front();
            const std::size_t job = goes_.contains(from) ? goes_.at(from).job : along_.at(from).job;
            each_met(from, [&](Id one, const char* verb) {
                const bool is_there = parts_.at(one).repo == parts_.pool->installed && stays_.contains(one);
                if (!is_there || moving_.contains(one) || along_.contains(one) || !may_go_(parts_.name(one))) return;
                along_.emplace(one, Cause{job, fmt::format("{} {} it", parts_.name(from), verb)});
                reached.push_back(one);
            });
        }
    }

    void keep_what_is_needed() {
        std::vector<Id> staying;
        for (const Id id : stays_)
            if (!along_.contains(id)) staying.push_back(id);
        while (!staying.empty() && !along_.empty()) {
            const Id by = staying.back();
            staying.pop_back();
            each_met(by, [&](Id one, const char*) {
                if (along_.erase(one)) staying.push_back(one);
            });
        }
    }

    const Pool::Parts& parts_;
    const std::function<bool(const std::string&)>& may_go_;
    std::set<Id> stays_, moving_;
    std::map<Id, Cause> goes_, along_;
};

}  // namespace

std::vector<Move> Pool::unneeded(const Answer& answer, const std::function<bool(const std::string&)>& may_go) const {
    return Sweep(*parts_, answer, may_go).moves();
}

}  // namespace chaos::resources::solver
