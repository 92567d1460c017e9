// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chaos/history.hpp>
#include <chaos/manifest.hpp>
#include <chaos/reporter.hpp>

namespace chaos {

enum class OnFailure : char { undo, stop, go_on };

/// One attribute that was left as it is: as somebody else made it, or because nobody has what it was.
struct Conflict {
    ResourceId id;
    std::string attribute;  ///< Empty: whether it is there at all.
    std::string before, ours, now;
    Value wrote{}, found{};  ///< Of a text: what we wrote, and what is there; null where it is secret, or no text.
    bool lost = false;       ///< It can not come back, however that is decided; `now` says why.
};

/// A conflict that was decided beforehand, and is none any more.
struct Decided {
    enum class How : char { theirs, ours, merged } how = How::theirs;
    Conflict conflict;
};

/// An attribute that a later run, which stays, changed again: that run's, and left.
struct Superseded {
    ResourceId id;
    std::string attribute;  ///< Empty: whether it is there at all.
    std::int64_t by = 0;    ///< The run.
};

/// How conflicts of a rollback are decided, all in one way; and `theirs`: what somebody made stays, as was decided.
enum class Resolution : char { none, theirs, ours, merge };

/// How a run ended.
struct Outcome {
    std::int64_t run = 0;  ///< 0: there was nothing to record.
    RunState state = RunState::committed;
    std::size_t changed = 0;    ///< Resources changed (and, where it was undone, put back).
    std::vector<Error> errors;  ///< Why it failed; what could not be taken back.
    std::vector<Conflict> conflicts;
    std::vector<ResourceId> stayed;  ///< Was done, and can not be taken back: an exec without undo.
    bool unsettled = false;          ///< All is back, but a service did not start again: `errors` says why.
    bool interrupted = false;        ///< Somebody asked it to end (Ctrl-C), and it took itself back.
    std::optional<Window> window{};  ///< In which it must be confirmed, or it is taken back.
};

/// What a run is to do, and on whose behalf.
struct Request {
    std::string verb = "apply";
    std::string who, manifest;  ///< Login name; path as the user wrote it.
    const Site& site;           ///< Whose catalog has companions and leavings in it by now.
    const Graph& graph;
    const States& observed;
    const States& goal;
    const Plan& plan;
    const Sources* sources = nullptr;  ///< For the `where` of what is recorded.
    OnFailure on_failure = OnFailure::undo;
    unsigned jobs = 1;
    const std::atomic<bool>* stop =
        nullptr;                ///< Set by a signal: the running step ends, then the run takes itself back.
    std::int64_t window_s = 0;  ///< How long it may be confirmed, or it is taken back; 0: it need not be.
    std::string connection{};   ///< The ssh connection that asks for it; empty: none.
    std::string revision{}, author{}, message{};  ///< As in RunRecord.
};

/// How far recovery goes. Before any service runs it takes only files back, newest step first, and stops at the first
/// step that called something: a package manager, D-Bus, a command. The whole of it does the rest.
/// `accept`: what can not be taken back stays as it is, and the run is over: the way out of a stuck one.
enum class Recovery : char { whole, early, accept };

/// The store and the host of one root, for changing. While it lives it holds the lock: one writer per store.
/// Its constructor waits for nothing: it throws Busy, naming the holder, where another run is at work.
class Transactor {
public:
    static std::unique_ptr<Transactor> open(const Registry&, const Host& root_host, const std::string& root,
                                            const std::string& state_directory, Reporter&);
    virtual ~Transactor() = default;

    virtual const History& history() const = 0;

    /// Takes back what an earlier run left open; nothing to do is run 0. Must come before the host is looked at for a
    /// plan.
    virtual Outcome recover(Recovery = Recovery::whole) = 0;

    /// Runs a plan: as wished, or as it was. Then `checks` are asked; one that fails is a step that failed. Never
    /// throws for a step that failed: that is in the Outcome. Throws Busy while another run waits to be confirmed, and
    /// Error, before anything is touched, where its own expiry can not be armed. A request whose plan is empty but that
    /// adopts or releases something is recorded; one without either writes nothing at all.
    virtual Outcome run(const Request&) = 0;

    /// What taking back these runs would do: the catalog of what they changed, now and then. Conflicts are what stays.
    struct TakeBack {
        Site site;
        Graph graph;
        States observed, goal;
        Plan plan;
        std::vector<Conflict> conflicts;
        std::vector<Decided> decided;
        std::vector<Superseded> superseded;
        std::vector<ResourceId> stayed;  ///< As in Outcome.
        std::vector<ResourceId>
            settles;  ///< Restarted or reloaded when all is back, though nothing else of it changes.
        std::vector<std::int64_t> runs;
        std::string verb = "rollback";  ///< As history tells of it: rollback, revert.
    };
    virtual TakeBack plan_take_back(std::vector<std::int64_t> runs, Resolution = Resolution::none) const = 0;

    /// The run that waits (history().window()) stands. Throws Error where none does.
    virtual void confirm(const std::string& who) = 0;

    /// Takes back the run that waits, where its window is over; else run 0. What of it can not go back does not hold up
    /// the rest.
    virtual Outcome expire() = 0;

    /// A run like any other: asked to stop, it takes itself back. What waits to be confirmed does so no more.
    virtual Outcome take_back(const TakeBack&, const std::string& who, const std::atomic<bool>* stop = nullptr) = 0;
};

/// What the copy of the program does that an armed run leaves behind: waits for the end of the window, over boots, and
/// takes back what was not confirmed by then; or what of the run is left where it was cut. A run that does not come to
/// an end is made to. Returns when nothing waits any more; run 0 where it was confirmed.
Outcome watch_window(const Registry&, const Host& root_host, const std::string& state_directory, Reporter&);

/// "run 12 waits to be confirmed until 14:03:22".
std::string to_text(const Window&);

/// Where an image keeps its own history: links on the way are followed within the root, as its own kernel would.
/// Throws Error where one of them leads nowhere.
std::string state_directory_in(const std::string& root);

/// The history of a root, for looking: never waits, never writes, works on a read-only disk. Null where there is none
/// yet.
std::unique_ptr<History> open_history(const std::string& root, const std::string& state_directory,
                                      std::string* open_run_note);

/// What left the manifest: adds to the catalog every resource the site owns that is not in it, wanted as its origin has
/// it, leaving. One whose record can not be read is an error.
void add_leavings(Site&, const Registry&, const History&, Diagnostics& problems);

/// What a kind keeps on the host for its owner, and no look can tell: its seen attribute `kept`, where it has one,
/// joins the wishes as the site's last run recorded it. Before observe.
void recall(Site&, const History&);

/// Where a resource belongs to another site, or this site's name was used from another place and still owns something:
/// errors with the way out. Other sites, from wherever, are no matter.
void check_ownership(const Site&, const History&, Diagnostics& problems);

/// By `id.attribute`: digests of all that resource `i` watches, in these states. What was not declared does not count.
using Noted = std::vector<std::pair<std::string, Digest>>;
Noted inputs_of(const Catalog&, std::uint32_t i, const States&);

/// What is to be noted of it after a run: what it watches in these states, and what was known of that which this run
/// passed over. Else --skip would forget a restart that is due, and owe one that is not.
Noted noted_after(const Catalog&, std::uint32_t i, const States&, const Noted& known);

/// Sets the inputs of everything that watches: in `observed` as it last took note (history, or what is there where that
/// is not known), in `goal` as it will be. What differs is then triggered.
void set_inputs(const Catalog&, const View&, const History*, States& observed, States& goal);

}  // namespace chaos
