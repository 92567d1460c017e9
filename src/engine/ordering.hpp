// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/plan.hpp>

namespace chaos {

/// A command that has nothing to do where what it `creates` is there: what lies in that comes after it. One that
/// watches runs again and again, and orders nothing by what it creates.
bool creates_once(const Resource&);

/// Kinds of which each one is what lies at its path.
bool is_at_a_path(Order);

/// Which of two resources a plan is certain to do first, whatever changes and however the manifest is arranged: by the
/// edges, or because all that the one waits for is of an earlier kind than something the other waits for.
class Ordering {
public:
    /// The graph has no circle, and outlives this.
    Ordering(const Catalog&, const Graph&);

    /// True where `first` is certainly done before `second`. Where that would take too long to find out, it is
    /// answered as if it were so: no alarm is better than a false one.
    bool before(std::uint32_t first, std::uint32_t second) const;

    /// True where edges lead from one to the other.
    bool reaches(std::uint32_t from, std::uint32_t to) const;

    /// What goes, goes before anything is made.
    bool goes(std::uint32_t i) const { return goes_[i]; }

private:
    void sort(const Graph&);
    void label() const;

    /// One walk through the graph, depth first: what a node reaches has its number between `low` and `post`; and what
    /// was found from it, its `pre` behind this one's, too.
    struct Label {
        std::uint32_t pre = 0, post = 0, low = 0;
    };

    const Graph& graph_;
    std::vector<bool> goes_;
    std::vector<char> level_;  // the latest kind among it and all it waits for
    std::vector<std::uint32_t> sorted_, position_;
    mutable std::vector<Label> labels_;  // made at the first question that needs them
    mutable std::vector<std::uint32_t> seen_;
    mutable std::uint32_t question_ = 0;
    mutable std::size_t looks_left_ = 20'000'000;
};

}  // namespace chaos
