// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/state.hpp>
#include <chaos/view.hpp>
#include <initializer_list>

namespace chaos {

/// Which resource: its kind, and its key among that kind. Written `sysctl:net.ipv4.ip_forward`; `hostname` where there
/// is one; `~eve/service:syncthing` where it is a person's (the key is `~eve/syncthing` then).
struct ResourceId {
    std::string_view type;  ///< The schema's own name: lives as long as the Registry.
    std::string key;
    friend bool operator==(const ResourceId&, const ResourceId&) = default;
};
std::string to_text(const ResourceId&);

/// What a resource is to be, as observe is asked about it.
struct Wish {
    State wanted;  ///< Key, options, and the attributes that were given; what is not given need not be looked at,
    bool whole =
        false;  ///< unless this is set (it may go, or be put back): then everything apply may touch is in the answer.
};

/// One resource going from one state to another. Its inverse is a Change like any other.
struct Change {
    ResourceId id;
    State before, after;
    Place where{};
    bool triggered() const { return after && !(before.inputs() == after.inputs()); }  ///< What it listens to changed.
    Change inverse() const { return {id, after, before, where}; }
};

/// How well a change can be taken back; every plan says it.
enum class Undo : char {
    exact,
    cached,  ///< What was there is kept as it was made; what its own scripts did to data does not go back.
    effort,
    none,
    repacked,  ///< It is made anew of what lies on the host, before it goes.
};

/// What a change takes, in bytes, as far as its kind knows.
struct Cost {
    std::int64_t fetched = 0;  ///< What is fetched for it.
    std::int64_t room = 0;     ///< How much more it takes on disk; below zero where it frees some.
};

/// What a resource gives to others, or asks of them. Names: `path:/etc/nginx`, `user:www`, `group:www`,
/// `unit:nginx.service`, `lock:dpkg`. Implied edges and conflicts come from it: two that provide one name is an error,
/// unless they are of one kind that adds.
struct Claim {
    enum class Role : char {
        provides,  ///< makes it (or, where it goes, takes it away)
        needs,     ///< must come after whoever provides it; a path, after whoever provides the nearest parent
        watches,   ///< needs it, and reacts when it changes
        locks,     ///< two with one lock never run at once
        brings,    ///< lies there while it stands, and goes along with it; others may make it, too
        fills,     ///< most likely puts things below this path, or makes this unit: what a package does with its name
        leads,     ///< what it provides is another way to this path: a link
        serves,    ///< stands for this one's sake as well, until it lets go of it: a group, for its members
    };
    Role role;
    std::string name;
};

class ResourceType;
class History;
struct Resource;

/// One start of a process: which, and when (nanoseconds since 1970).
struct Invocation {
    std::string id;
    std::int64_t started = 0;
};

/// Something that comes along: not asked for, but necessary for `because`. A dependency of a package.
struct Companion {
    Change change;
    std::size_t because;                 ///< Index among the changes that were resolved.
    const ResourceType* type = nullptr;  ///< Null: of the same kind.
};

/// How a kind brings things about, which decides what a crash may leave.
enum class Way : char {
    files,   ///< Only by the file members of WritableHost: staged, and published together with its neighbours.
    calls,   ///< Otherwise, but whether it is done can be told by looking.
    opaque,  ///< By tools that work in several moves: `begun` is recorded before, and what they changed beside their
             ///< target, after.
};

/// What the tools of an opaque kind may touch beside what observe answers. What changed there, and belongs to nobody
/// else, is recorded as an effect of the step and taken back with it.
struct Footprint {
    std::span<const std::string_view> contents{};  ///< Files, and directories with all below: bytes and metadata.
    std::span<const std::string_view>
        names{};  ///< Directories: which entries they have (one level below too); a new one goes to the trash.
    bool tools_first = false;  ///< Taking back: first apply of the inverse, then what is left of the effects. Else the
                               ///< other way round.
    bool lines = false;  ///< The contents are files of lines that many share: the tools alone take their lines out.
};

/// A kind of resource, as the engine sees it. Everything is asked for in bulk: one kind, many resources.
///
/// 1. Everything apply may touch is in what observe answers, or is recorded as its effects. (else it can not be put
/// back)
/// 2. Applying again, or after half of it ran, ends the same. (else recovery can not be repeated)
class ResourceType {
public:
    virtual const Schema& schema() const = 0;

    /// Looks, in bulk; found[i] stays absent where there is none. May run in a thread that can not write. A failure to
    /// look is thrown: the engine then asks again one by one, and the Error belongs to that resource alone.
    /// What is found carries the wish's key and options (take_options), so that a state can be applied by itself.
    virtual void observe_all(const View&, std::span<const Wish> wishes, std::span<State> found) const = 0;

    /// What is wrong with a resource as it was written, whatever the host: told with the manifest's other mistakes.
    virtual void review(const Resource&, Diagnostics&) const {}

    /// Decides what was left open, before anything is planned: `before` is observed, `after` becomes what will be, to
    /// the last version. Only changes are asked about; `after` is absent where it goes. What is wished and can not be
    /// goes to the Diagnostics, at change.where.
    virtual std::vector<Companion> resolve(const View&, std::span<Change>, Diagnostics&) const { return {}; }

    /// Keys of what a host has of this kind beside `declared` (sorted) because somebody asked for it, not because it is
    /// part of the system or something that stays needs it: what `exclusive` is about. Asked only where
    /// has_others().
    virtual std::vector<std::string> others(const View&, std::span<const std::string> declared) const {
        return (void)declared, std::vector<std::string>();
    }
    virtual bool has_others() const { return false; }

    /// Keys of what a person asked for here, none of which comes along with others of them: what `capture` writes.
    /// Asked only where has_others().
    virtual std::vector<std::string> asked_for(const View& view) const { return others(view, {}); }
    /// What a manifest would say of one, as a person writes it: nothing that holds anyway. `found` is a look at the
    /// whole, without secrets.
    virtual State as_written(const View&, State found) const { return found; }

    /// What lies in it and is to go unless somebody declares it, each as a wish of its own kind that names it: for a
    /// directory that says `purge`. Asked of what is wished.
    virtual std::vector<std::pair<const ResourceType*, State>> held(const View&, const State&) const { return {}; }

    virtual void claims(const State&, std::vector<Claim>&) const {}

    /// Where it stands among the kinds when nothing else is said.
    virtual Order order(const State&) const { return schema().order; }

    /// Why a change would fail, found without trying: not root, immutable, no space, an invalid file. Shown with the
    /// plan.
    virtual void check(const View&, std::span<const Change>, Diagnostics&) const {}

    /// A command that must succeed where all new files are in place and nobody else sees them yet. Files only.
    virtual std::optional<Command> validation(const Change&) const { return std::nullopt; }

    /// What a change makes it do beside becoming as wished, in a word for the plan: restart, reload, run.
    virtual std::string_view reaction(const Change& change) const {
        return change.before && change.triggered() ? "restart" : "";
    }

    virtual Undo undo_of(const Change&) const { return Undo::exact; }
    virtual Cost cost_of(const Change&) const { return {}; }
    virtual Way way() const { return Way::files; }
    virtual Footprint footprint() const { return {}; }
    virtual bool batches() const { return false; }  ///< Changes of a step come together, as one call of apply_all.

    /// Steps of it that do not wait for one another may be applied at the same time, each in a thread. Only for calls
    /// that queue no files and run no commands: what they change is told by looking.
    virtual bool overlaps(std::span<const Change>) const { return false; }

    /// Whether a present state is all that absent can be of this kind: a service that neither starts nor runs, whose
    /// unit may be gone with what brought it. That it is not there any more is then no edit of somebody else's.
    virtual bool is_as_absent(const State&) const { return false; }

    /// Why a change that brings back what was there can not be made: what it needs for itself is somebody else's by now
    /// (the number of an account), and `all` that goes back along with it does not free that. Empty where nothing is in
    /// the way.
    virtual std::string in_the_way(const View&, const Change&, std::span<const Change> all) const {
        return (void)all, std::string();
    }

    /// Who can not be without it by now, as the names that they provide (`user:ann`, whose own group it is): while one
    /// of them stays and needs it, it does.
    virtual std::vector<std::string> needed_by(const View&, const State&) const { return {}; }

    /// What runs of it now, for kinds that start something: a reaction is owed to what started before its inputs
    /// changed (store.md C9). Nothing for a kind that starts nothing; an empty id where it does not run.
    virtual std::optional<Invocation> runs_as(const View&, const State&) const { return std::nullopt; }

    /// Whether only our own notes tell that it was ever done: then it is due while nothing is noted of it. Else what is
    /// there counts as having seen what it watches.
    virtual bool told_by_notes(const State&) const { return false; }

    /// Makes every `after` true. Gets many only where batches() is true. A change without `before` makes, one without
    /// `after` takes away.
    virtual void apply_all(WritableHost&, std::span<const Change>) const = 0;

    /// Takes changes back that were made, or half made. `changes` are the ones to make now: from what is there to what
    /// shall be again.
    virtual void undo_all(WritableHost& host, std::span<const Change> changes) const { apply_all(host, changes); }

    /// A run that changed something of it is over: what keep_in() holds that no recorded run needs may go.
    virtual void sweep(WritableHost&, const History&) const {}

    /// What keep_in() holds: bytes by the newest recorded run that needs them (0: none does; Kept::always: as long as
    /// what they are of is owned).
    struct Kept {
        std::int64_t run = 0, bytes = 0;
        static constexpr std::int64_t always = INT64_MAX;
    };
    virtual std::vector<Kept> keeps(const Host&, const History&) const { return {}; }

protected:
    ~ResourceType() = default;  // never deleted through this: kinds are constants, so that none costs anything at start
};

/// The names of what a state claims in these roles, in the order of its kind; none where it is absent.
std::vector<std::string> claimed(const ResourceType&, const State&, std::initializer_list<Claim::Role>);

/// What a resource's author writes: a Spec, its fields, and these two.
template <class Spec>
class TypedResource : public ResourceType {
public:
    explicit constexpr TypedResource(const Schema& schema) : schema_(schema) {}
    const Schema& schema() const final { return schema_; }

    virtual std::optional<Spec> observe(const View&, const Spec& wanted, bool whole) const = 0;
    virtual void apply(WritableHost&, const Spec* from, const Spec* to, bool triggered) const = 0;

    void observe_all(const View& view, std::span<const Wish> wishes, std::span<State> found) const override {
        for (std::size_t i = 0; i < wishes.size(); ++i)
            if (auto spec = observe(view, *wishes[i].wanted.template as<Spec>(), wishes[i].whole)) {
                take_options(schema_, &*spec, wishes[i].wanted.spec());
                found[i] = State::of(std::move(*spec));
            }
    }
    void apply_all(WritableHost& host, std::span<const Change> changes) const override {
        for (const Change& change : changes)
            apply(host, change.before.as<Spec>(), change.after.as<Spec>(), change.triggered());
    }

protected:
    ~TypedResource() = default;

private:
    const Schema& schema_;
};

}  // namespace chaos
