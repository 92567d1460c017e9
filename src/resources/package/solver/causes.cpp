// SPDX-License-Identifier: Apache-2.0
#include "causes.hpp"

#include <fmt/format.h>

#include <deque>

namespace chaos::resources::solver {
namespace {

class Search {
public:
    Search(const Pool::Parts& parts, const std::set<Id>& coming, const std::vector<Id>& going,
           const std::map<Id, std::size_t>& asked)
        : parts_(parts), coming_(coming) {
        for (const Id id : coming) {
            comes_[name_of(id)] = id;
            if (const Id there = parts_.installed(name_of(id))) leaves_.insert(there);
        }
        leaves_.insert(going.begin(), going.end());
        for (const Id id : coming) conflicts_of(id);
        for (const Id id : leaves_) losses_of(id);
        for (const auto& [name, job] : asked) reach(name, {job, {}});
    }

    std::map<Id, Cause> all() {
        std::deque<Id> later;
        while (!reached_.empty() || !later.empty()) {
            if (reached_.empty()) {
                follow(later.front(), &Solvable::dep_recommends, "recommends");
                later.pop_front();
                continue;
            }
            const Id next = reached_.front();
            reached_.pop_front();
            follow(next, &Solvable::dep_requires, "needs");
            const auto [first, last] = pushes_.equal_range(next);
            for (auto one = first; one != last; ++one) reach(one->second.name, {job_of(next), one->second.why});
            if (comes_.contains(next)) later.push_back(next);
        }
        return std::move(found_);
    }

private:
    struct Push {
        Id name;
        std::string why;
    };

    Id name_of(Id id) const { return parts_.at(id).name; }
    std::size_t job_of(Id name) const { return found_.at(name).job; }
    bool is_installed(Id id) const { return parts_.at(id).repo == parts_.pool->installed; }
    bool stays(Id id) const { return is_installed(id) && !leaves_.contains(id); }

    std::string text(Id id, const char* verb, Id dependency) const {
        std::string_view said = parts_.solv.pool_dep2str(parts_.pool.get(), dependency);
        if (said.starts_with('=')) said.remove_prefix(1);  // a mark of ours (debian.cpp)
        return fmt::format("{} {} {}", parts_.name(id), verb, said);
    }

    void reach(Id name, Cause cause) {
        if (found_.emplace(name, std::move(cause)).second) reached_.push_back(name);
    }

    template <class Each>
    void each_of(Id id, Offset Solvable::*list, Each each) const {
        const auto& package = parts_.at(id);
        if (!(package.*list)) return;
        for (const Id* one = package.repo->idarraydata + package.*list; *one; ++one)
            if (*one != SOLVABLE_PREREQMARKER) each(*one);
    }
    template <class Each>
    void each_provider(Id dependency, Each each) const {
        for (const Id* one = parts_.providers(dependency); *one; ++one) each(*one);
    }

    /// What comes pushes what it conflicts with: into another version, or out.
    void conflicts_of(Id id) {
        each_of(id, &Solvable::dep_conflicts, [&](Id dependency) {
            each_provider(dependency, [&](Id other) {
                if (leaves_.contains(other) && name_of(other) != name_of(id))
                    pushes_.emplace(name_of(id), Push{name_of(other), text(id, "conflicts with", dependency)});
            });
        });
    }

    /// What is there as it is can not stay: what it needs leaves, or what it conflicts with comes.
    void losses_of(Id id) {
        each_of(id, &Solvable::dep_requires, [&](Id dependency) {
            bool met = false;
            each_provider(dependency, [&](Id by) { met = met || coming_.contains(by) || stays(by); });
            if (met) return;
            each_provider(dependency, [&](Id by) {
                if (leaves_.contains(by) && name_of(by) != name_of(id))
                    pushes_.emplace(name_of(by), Push{name_of(id), text(id, "needs", dependency)});
            });
        });
        each_of(id, &Solvable::dep_conflicts, [&](Id dependency) {
            each_provider(dependency, [&](Id by) {
                if (coming_.contains(by) && name_of(by) != name_of(id))
                    pushes_.emplace(name_of(by), Push{name_of(id), text(id, "conflicts with", dependency)});
            });
        });
    }

    /// Met as things are: by what stays, or by the version that `one` replaces. Then `one` comes for another reason.
    bool is_met(Id dependency, Id one) const {
        bool met = false;
        each_provider(dependency,
                      [&](Id by) { met = met || stays(by) || (is_installed(by) && name_of(by) == name_of(one)); });
        return met;
    }

    void follow(Id name, Offset Solvable::*list, const char* verb) {
        const auto from = comes_.find(name);
        if (from == comes_.end()) return;
        each_of(from->second, list, [&](Id dependency) {
            each_provider(dependency, [&](Id one) {
                if (!coming_.contains(one) || found_.contains(name_of(one)) || is_met(dependency, one)) return;
                reach(name_of(one),
                      {job_of(name), text(from->second, verb, dependency), list == &Solvable::dep_recommends});
            });
        });
    }

    const Pool::Parts& parts_;
    const std::set<Id>& coming_;
    std::map<Id, Id> comes_;          ///< By name.
    std::set<Id> leaves_;             ///< Installed, and replaced or gone.
    std::multimap<Id, Push> pushes_;  ///< By the name of what pushes.
    std::deque<Id> reached_;
    std::map<Id, Cause> found_;
};

}  // namespace

std::map<Id, Cause> causes(const Pool::Parts& parts, const std::set<Id>& coming, const std::vector<Id>& going,
                           const std::map<Id, std::size_t>& asked) {
    return Search(parts, coming, going, asked).all();
}

}  // namespace chaos::resources::solver
