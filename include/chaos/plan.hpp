// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/graph.hpp>
#include <chaos/resource.hpp>

namespace chaos {

/// How often a step that failed is tried again, and how long is waited before it (seconds).
struct Retry {
    int times = 0, wait_s = 5;
};

/// One resource of a site, as the manifest has it. Its place in the Catalog is its number everywhere else.
struct Resource {
    ResourceId id;
    const ResourceType* type = nullptr;
    State wanted;            ///< What was written: key, options, and the attributes that were given. Never absent.
    bool absent = false;     ///< `absent: true`: shall not be there.
    bool keep = false;       ///< Stays as it is when it leaves the manifest.
    bool protect = false;    ///< Never removed while this stands.
    bool audit = false;      ///< Differences are told, never mended.
    bool exclusive = false;  ///< Nobody declared it: it is to go because its section is all there shall be.
    bool leaving = false;    ///< Not in the manifest any more: goes back to what was there before it was first touched.
    State recorded{};  ///< Leaving only: what our last run made of it. wanted is its origin; absent where there was
                       ///< nothing.
    bool companion = false;  ///< Came along with another one, which `because` names.
    std::uint32_t because = 0;
    Place where{};
    std::string doc{};
    std::vector<std::string> tags{};
    std::vector<std::string> modules{};  ///< Those that declare it: `web`, and `web/tls` of one that web uses.
    std::vector<const Field*> exact{};   ///< Attributes whose members are all there shall be.
    std::vector<const Field*> once{};    ///< Attributes given when it is made, and left alone afterwards.
    Retry retry{};
    std::optional<std::int64_t> confirm{};  ///< Seconds in which a change of it must be confirmed; 0: not at all.
    std::string called{};                   ///< Its key in the manifest, where `name_on` gave it the name it has here.
    std::vector<std::uint32_t> watches{};   ///< Numbers of what it reacts to.
    std::vector<ResourceId> passed_over{};  ///< What it watches beside, and --only or --skip leave out this time.
};
using Catalog = std::vector<Resource>;

/// What is, or shall be, true of a host: one State for each resource of the Catalog, by number.
using States = std::vector<State>;

/// One call of a kind's apply: one change, or all that its kind may do together.
struct Step {
    const ResourceType* type = nullptr;
    std::vector<Change> changes;
    std::vector<std::uint32_t> resources;  ///< Their numbers in the Catalog, in the order of changes.
    std::vector<std::uint32_t> waits_for;  ///< Earlier steps, by index.
    bool waits_for_all = false;            ///< For every earlier one: they are too many to name.
};
using Plan = std::vector<Step>;

/// Edges nobody wrote: from claims (directory before file, user before what it owns). Two providers of one name, and a
/// circle of written edges, go to `problems`; implied edges inside a circle are dropped, with a remark. `states` are
/// those to come (absent: as wanted).
Graph order(Catalog&, std::span<const Graph::Edge> written, Diagnostics& problems);

/// What a resource is to be where it is there already: what was written, but for what is given only once.
State standing(const Resource&);

/// Looks at every resource, each kind in bulk, on `jobs` threads. A resource that could not be looked at is an error in
/// `problems`. `whole`: also what the manifest leaves open (for what is to be put back).
States observe(const Catalog&, const View&, Diagnostics& problems, unsigned jobs = 1, bool whole = false,
               bool (*fence)() = nullptr);

/// Looks again at what a step is about to change, or has changed: by position in the step. Throws Error.
States look_again(const Catalog&, const Step&, const View&, bool whole = false);

/// Looks at what a step has reached: as far as each `after` says something. By position in the step. Throws Error.
States look_at_result(const Step&, const View&);

/// A wish that names a resource and says nothing else of it: for what was, or shall be, absent.
State only_named(const Schema&, const std::string& key);

/// True where `found` says all that `after` says.
bool reaches(const Schema&, const State& found, const State& after);

/// What will be: the wishes laid over what is, every choice made. May add companions to catalog and observed.
States resolve(Catalog&, const View&, States& observed, Diagnostics& problems);

/// What goes though somebody else's is in it.
struct Emptying {
    std::vector<std::uint32_t> whole{};  ///< Directories, with all that lies in them. Sorted.
    bool over_members = false;           ///< Groups, whoever came to be in them.
};

/// Directories that are to go though something stays in them keep standing: their goal becomes what is there. Answers
/// which.
std::vector<std::uint32_t> keep_occupied(const Catalog&, const View&, const States& observed, States& goal,
                                         const Emptying& = {});

/// Steps from one state to another. Pure: the same arguments give the same plan.
/// Makes and changes follow the edges; what goes, goes first and against them; where nothing is said: Order, then the
/// Catalog.
Plan plan(const Catalog&, const Graph&, const States& from, const States& to);

/// How conflicts are decided where nobody looks at each of them.
enum class Deciding : char {
    leave,  ///< Not at all: what somebody made stays, and is named.
    ours,   ///< What goes back does so over what somebody made.
    merge,  ///< Texts are put together line by line, where nobody changed the same lines.
};

/// What goes back, per attribute: now == base: target's · now == target: nothing · otherwise somebody's: left, and
/// named in `conflicts`. Members and keys are decided one by one. Existence is an attribute: a conflict in it is named
/// with a null pointer. Only attributes that `base` and `target` give and in which they differ are looked at; all else
/// stays as `now`.
State three_way(const Schema&, const State& now, const State& base, const State& target,
                std::vector<const Field*>& conflicts, Deciding = Deciding::leave);

/// The attribute by which somebody said since `base` that nothing of it shall change (a package on hold); null where
/// nobody did. Whatever would go back of it is a conflict then.
const Field* pinned_since(const Schema&, const State& now, const State& base);

/// `goal`, pinned as somebody pinned it since `base`, where `made`, which was being made meanwhile, does not say so
/// itself.
State as_pinned(const Schema&, const State& goal, const State& now, const State& base, const State& made);

}  // namespace chaos
