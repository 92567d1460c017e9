// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>

#include "lock.hpp"
#include "runner.hpp"
#include "succession.hpp"

namespace chaos::rollback {

/// What taking runs back would do (store.md C8). Per attribute: what it was before the oldest of them is where it goes,
/// what it was after the newest is what must still be there; what a later run that stays changed again is left to it.
class TakingBack {
public:
    TakingBack(const Workplace&, std::vector<std::int64_t> runs, Resolution);

    Transactor::TakeBack plan() &&;

    /// The same plan, each file a step of its own that waits for nothing but what it stands on.
    static void set_apart(Transactor::TakeBack&);

private:
    /// One resource over these runs: before the first of them, and after the last.
    struct Span {
        const ResourceType* type = nullptr;
        std::string key;
        Value target, base;
        Value lost;  ///< What was there before one that somebody made anew.
        std::int64_t last_run = 0;
        struct Made {
            std::int64_t run, step;
            bool removed;
        };
        std::vector<Made> steps;
    };
    struct OfPath {
        std::string path;
        Succession made;
        std::optional<std::uint32_t> owner;  ///< In the catalog.
    };
    struct Part {
        std::uint32_t number;  ///< In the catalog.
        bool removed;
    };

    void gather();
    void follow(Span&, const ChangeRecord&);
    void add(const Span&);
    bool leave_to_later_runs(const Span&, const State& base, State& target);
    std::optional<ChangeRecord> changed_again(const ResourceId&, std::int64_t after) const;
    void find_rivals();
    Graph edges() const;
    static void link(const std::vector<Part>& earlier, const std::vector<Part>& later, std::vector<Graph::Edge>&);
    void look(const View&);
    void give_places_to_who_is_there();
    void let_boots_pass(const View&, std::size_t i);
    bool ended_with_its_boot(std::int64_t run);
    void stand_by_what_was_run();
    void decide(const View&);
    static Conflict conflict_of(const Resource&, const Field*, const State& target, const State& base,
                                const State& now);
    void tell(Conflict);
    bool is_protected(const ResourceId&);
    void gather_paths();
    void know_owners(const View&);
    std::string lost_of(const Succession&, const View&) const;
    void leave_what_is_lost(const View&);
    void leave_what_is_taken(const View&);
    void keep_what_is_occupied(const View&);
    std::vector<std::uint32_t> trees_that_came(const std::vector<std::uint32_t>& kept, const View&) const;
    static bool is_as_it_came(const OfPath& tree, const std::set<std::string>* names, std::int64_t when, const View&);
    void leave_what_has_no_place(const View&);
    void leave_where_others_stay();
    std::vector<std::uint32_t> what_may_bring() const;
    bool may_be_brought(const std::string& directory, const std::vector<std::uint32_t>& by) const;
    void leave_what_lies_nowhere(const View&);
    std::vector<Change> going_back() const;
    void tell_of_trees(const View&);
    void restore_unseen();
    void find_settling();

    const Workplace& place_;
    Resolution resolution_;
    Transactor::TakeBack back_;
    std::vector<Span> spans_;
    std::set<RecordedId> changed_later_;  ///< By runs that came after the first of these, and are none of them.
    std::optional<std::set<RecordedId>> protected_;
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Part>> in_step_;  ///< By run and step.
    std::vector<OfPath> paths_;
    std::map<std::uint32_t, std::vector<std::uint32_t>> rivals_;  ///< That were in one place, one after the other.
    std::vector<State> bases_, targets_, lost_;
    std::vector<std::int64_t> first_runs_, last_runs_;
    std::string boot_ = boot_id();
    std::map<std::int64_t, bool> ended_;        ///< Runs, and whether there was a boot since.
    std::vector<std::optional<Error>> hidden_;  ///< Why what is there could not be looked at.
    std::vector<char> superseded_;              ///< A later run that stays changed it again.
    Diagnostics problems_;
};

}  // namespace chaos::rollback
