// SPDX-License-Identifier: Apache-2.0
// dpkg unpacks a package when what it pre-depends on is configured, and configures packages that need each other
// together once all of them are unpacked. So what can be configured grows in rounds, until all is or nothing more can
// be.
#include "circles.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <deque>
#include <map>

namespace chaos::resources::solver {
namespace {

class Rounds {
public:
    Rounds(const Pool::Parts& parts, const std::set<Id>& coming) : parts_(parts), waiting_(coming) {
        for (const Id id : coming) read(id);
    }

    Circle circle() {
        if (before_.empty()) return {};
        while (!waiting_.empty() && configure_some()) {
        }
        return waiting_.empty() ? Circle() : told();
    }

private:
    /// What is installed counts, also where it becomes another version: until then it is there.
    void read(Id id) {
        const auto& package = parts_.at(id);
        if (!package.dep_requires) return;
        bool marked = false;
        for (const Id* one = package.repo->idarraydata + package.dep_requires; *one; ++one) {
            if (*one == SOLVABLE_PREREQMARKER) {
                marked = true;
                continue;
            }
            std::vector<Id> by;
            bool is_met = false;
            for (const Id* provider = parts_.providers(*one); *provider; ++provider) {
                is_met = is_met || parts_.at(*provider).repo == parts_.pool->installed || *provider == id;
                if (waiting_.contains(*provider)) by.push_back(*provider);
            }
            if (!is_met && !by.empty()) (marked ? before_ : needs_)[id].push_back({*one, std::move(by)});
        }
    }

    struct Need {
        Id dependency;
        std::vector<Id> by;
    };
    using Needs = std::map<Id, std::vector<Need>>;

    bool is_met(const Need& need, const std::set<Id>& beside) const {
        return std::any_of(need.by.begin(), need.by.end(),
                           [&](Id one) { return !waiting_.contains(one) || beside.contains(one); });
    }
    bool are_met(const Needs& needs, Id id, const std::set<Id>& beside) const {
        const auto all = needs.find(id);
        return all == needs.end() || std::all_of(all->second.begin(), all->second.end(),
                                                 [&](const Need& need) { return is_met(need, beside); });
    }

    /// All that can be unpacked now, without those whose needs are not met by the others of it.
    bool configure_some() {
        std::set<Id> together;
        for (const Id id : waiting_)
            if (are_met(before_, id, {})) together.insert(id);
        while (std::erase_if(together, [&](Id id) { return !are_met(needs_, id, together); })) {
        }
        for (const Id id : together) waiting_.erase(id);
        return !together.empty();
    }

    struct Step {
        Id from;
        std::string said;
    };

    template <class Each>
    void each_wait(const Needs& needs, Id id, const char* when, Each each) const {
        const auto all = needs.find(id);
        if (all == needs.end()) return;
        for (const Need& need : all->second)
            if (!is_met(need, {}))
                for (const Id by : need.by)
                    each(by, fmt::format("{} needs {}{}", parts_.name(id),
                                         parts_.solv.pool_dep2str(parts_.pool.get(), need.dependency), when));
    }

    /// The shortest way of waiting from one package to the other: by each package on it, the step that leads there.
    std::map<Id, Step> ways(Id from) const {
        std::map<Id, Step> steps;
        std::deque<Id> reached{from};
        for (; !reached.empty(); reached.pop_front()) {
            const Id at = reached.front();
            const auto go = [&](Id by, std::string said) {
                if (steps.emplace(by, Step{at, std::move(said)}).second) reached.push_back(by);
            };
            each_wait(before_, at, earlier, go);
            each_wait(needs_, at, "", go);
        }
        return steps;
    }

    /// A step that is waited for before unpacking, and from where it leads a way back.
    Circle told() const {
        for (const Id id : waiting_) {
            Circle circle;
            each_wait(before_, id, earlier, [&](Id by, std::string said) {
                if (!circle.packages.empty()) return;
                const auto steps = ways(by);
                if (by != id && !steps.contains(id)) return;
                std::vector<std::string> words;
                for (Id at = id; at != by; at = steps.at(at).from)
                    circle.packages.push_back(at), words.push_back(steps.at(at).said);
                circle.packages.push_back(by), words.push_back(std::move(said));
                std::reverse(circle.packages.begin(), circle.packages.end());
                circle.said = fmt::format("{}", fmt::join(words.rbegin(), words.rend(), ", "));
            });
            if (!circle.packages.empty()) return circle;
        }
        return {};  // not reached: what waits has such a step (see configure_some)
    }

    static constexpr const char* earlier = " before it is unpacked";
    const Pool::Parts& parts_;
    std::set<Id> waiting_;
    Needs before_, needs_;
};

}  // namespace

Circle circle_in(const Pool::Parts& parts, const std::set<Id>& coming) {
    return Rounds(parts, coming).circle();
}

}  // namespace chaos::resources::solver
