// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/confirm.hpp>
#include <chaos/resource.hpp>
#include <cstdint>

namespace chaos {

/// running -> committed | partial | undoing -> undone | stuck (store.md C11).
enum class RunState : char { running, committed, partial, undoing, undone, stuck };
std::string_view to_text(RunState);

/// One run, as it is kept. Times are nanoseconds since 1970, 0 where it has not ended.
struct RunRecord {
    std::int64_t number = 0;
    RunState state = RunState::running;
    std::string verb;  ///< apply, rollback.
    std::string site, who, manifest;
    std::int64_t started = 0, ended = 0;
    std::int64_t changes = 0;  ///< How many resources it changed.
    std::string note;          ///< Why it ended as it did, in a sentence; empty where it went as planned.
    std::string boot;          ///< boot_id it ran under.
    std::string revision;  ///< The commit that was checked out where the manifest lies; empty where that is unknown.
    std::string author{}, message{};         ///< Of that commit, where a repository is followed; empty elsewhere.
    std::string about;                       ///< What it was to change, in a few words: "file:/etc/motd and 3 more".
    std::vector<std::int64_t> takes_back{};  ///< A rollback: the runs that it takes back, by number.
};

/// One resource in one run. Attributes are as encode() gives them; null where it was, or is, absent.
struct ChangeRecord {
    enum class Result : char {
        planned,
        begun,
        done,
        skipped,
        undone,
        failed,
        kept
    };  ///< kept: could not, or was not to be, taken back.
    std::int64_t run = 0;
    std::int64_t step = 0;  ///< Which call of apply; numbers in the order in which they began.
    std::string type, key;
    Value before, after;
    bool triggered = false;  ///< It restarted, or ran, because of what it watches.
    Undo undo = Undo::exact;
    Result result = Result::planned;
    std::string where;  ///< site.yml:12:3
};
std::string_view to_text(ChangeRecord::Result);

/// A resource as a site owns it now.
struct OwnedRecord {
    std::string type, key, site;
    Value attributes;  ///< As our last run left it (what was declared of it); null where it was made absent.
    Value
        origin;  ///< What was there before we first touched it, per attribute we manage; null where there was nothing.
    bool keep = false, protect = false;
    std::int64_t run = 0;  ///< The run that made it so.
    std::string where;
};

/// That a site owns a resource, with nothing decoded of what is recorded of it.
struct Holding {
    std::string type, key, site;
    std::string attributes;  ///< As they are stored: src/rollback can tell their names.
    bool keep = false, protect = false;
    std::int64_t number = 0;  ///< Of the record; later ones have higher numbers.
};

/// A resource by name, as records have it: its kind may be one that this program does not know.
struct RecordedId {
    std::string type, key;
    friend auto operator<=>(const RecordedId&, const RecordedId&) = default;
};
std::string to_text(const RecordedId&);  ///< As that of a ResourceId.

/// What has been recorded. Looking only; src/rollback writes.
class History {
public:
    virtual ~History() = default;
    virtual std::vector<RunRecord> runs(std::size_t most = 0) const = 0;  ///< Newest first; 0: all.
    virtual std::optional<RunRecord> run(std::int64_t number) const = 0;
    virtual std::optional<Window> window() const = 0;  ///< Of the run that ended and waits to be confirmed.
    virtual std::vector<ChangeRecord> changes(std::int64_t run) const = 0;           ///< In the order of steps.
    virtual std::vector<ChangeRecord> changes_of(const ResourceId&) const = 0;       ///< Newest first.
    virtual std::vector<OwnedRecord> owned(const std::string& site = {}) const = 0;  ///< Empty: of all sites.
    virtual const std::vector<Holding>& holdings() const = 0;  ///< Of all sites; good until something is recorded.
    virtual OwnedRecord owned(const Holding&) const = 0;       ///< In full; throws Error where it is no more.

    /// Resources whose changes made, replaced or removed this path, or whose key it is. What a command changed beside
    /// its own target counts where the step was of one resource.
    virtual std::vector<RecordedId> recorded_at(const std::string& path) const {
        return (void)path, std::vector<RecordedId>();
    }

    /// Whether it waited to be confirmed, and somebody said that it stands.
    virtual bool is_confirmed(std::int64_t run) const { return (void)run, false; }

    /// The newest run that chaos history prune let go of; 0: all there ever were are here.
    virtual std::int64_t pruned() const { return 0; }
    virtual std::string site_origin(const std::string& site) const = 0;  ///< Empty where there is no such site.

    /// What a service (or exec) last took note of: digests of what it watches, by `id.attribute`. Empty where it is not
    /// known.
    virtual std::vector<std::pair<std::string, Digest>> noted(const ResourceId&, std::string* invocation) const = 0;
};

}  // namespace chaos
