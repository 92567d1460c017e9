// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/confirm.hpp>
#include <chaos/history.hpp>
#include <chaos/keeping.hpp>

#include <map>
#include <set>

#include "image.hpp"

// The protocol of a run. Its rules are numbered, and cited by number; docs/store.md says why each is there.
//
//  1. Fence, lock, recover, then look. A store has one writer (lock.hpp). Taking the lock means: no child of the last
//     run is left that may change the host, and runs that are open are taken back before the host is looked at.
//  2. T1 before anything. One commit (WAL, synchronous=FULL) holds the run, its steps in order with before and after,
//     the names of its stage directories, the boot_id and the bytes of every before-image of up to 1 MiB. Larger ones
//     stay the old inode, which is kept (same mount), or are copied and synced before anything is published. Where many
//     names change, T0 holds the run and its stage directories, and T1 the rest, while new inodes are staged, which
//     nobody sees: T1 is durable before the first is published.
//  3. Stage apart. New inodes are made in a 0700 directory on the target's mount, never beside the target: others read
//     what lies there. Only where the kernel leaves no other way, and then under a name that ends in ~.
//  4. Sync, look, publish, verify. syncfs by a descriptor opened before T1; each target is looked at again; a
//     replacement is an EXCHANGE, a creation and a removal a rename with NOREPLACE. What came out must be what was
//     looked at; if not, it is put back, and the run ends: the host changed since the plan.
//  5. Calls go one by one. One that can not be told by looking is recorded as begun, synced, before it starts; all are
//     recorded as done with what they changed beside their target.
//  6. Commit. Checks; syncfs of every file system touched; T_end: one commit makes the run committed (or partial) and
//     writes states, origins and ledger (where many names change, written to it early, while they are synced; dropped
//     where the run goes back). Then the sweep: stage directories go, syncfs, and only then is it swept. A run
//     that is not swept is swept again by the next one that changes: unlinked names come back after a power cut.
//  7. Recovery and undo are one function, decided per attribute, ordered by plan(). now == before: nothing; now ==
//     after: put back; neither, but opaque and begun: ours, put back; neither otherwise: somebody's, left, reported.
//     Then syncfs, then undone or stuck is committed, then the sweep. Cut anywhere, the next try ends the same.
//  8. running -> committed | partial | undoing -> undone | stuck.
//  9. A failed sync ends the run: nothing is retried, and nothing is read again to find out (the cache would answer).
//     Whoever syncs by the same descriptors later is told the same error.
// 10. A newer store is used where its min_reader allows it, and refused otherwise. A damaged one is refused with its
//     name, and nothing in it is changed; an open run is never dropped silently.
//
// Cut before T0: nothing happened. Before publishing: the run is undone, its stage swept. While publishing, or in a
// call: rule 7. T_end not durable: undone. T_end durable: committed; a sweep that was cut is done again.

namespace chaos::rollback {

/// There is no store (yet).
class Missing : public Error {
public:
    using Error::Error;
};

/// What a run is, beside its RunRecord: enough to take it back by another process.
struct StepRecord {
    std::int64_t run = 0, number = 0;
    std::string type;
    std::vector<std::int64_t> waits_for;  ///< Earlier steps, by number.
    std::string scan;  ///< Opaque steps: the footprint before it began (see staged_host.hpp), once begun.
    enum class State : char { planned, begun, done, skipped, undone } state = State::planned;
};

/// The database of one root: <state>/store.db. SQLite, WAL, synchronous=FULL; one file at rest.
///
/// A change of it is a Batch: all of it or nothing, and durable when commit() has returned. Values longer than 256
/// bytes and contents are kept as blobs by digest; each is checked against its digest when it is read (a wrong one is
/// an Error that names it). Blobs of up to 1 MiB, values marked secret and digests of contents are closed with the
/// host's key, in seal.key beside the database: a copy of store.db alone reveals none of them.
class Store final : public History {
public:
    enum class Access : char { look, change };

    /// Opens or, with Access::change, makes the store in this directory (0700, the file 0600; directories above it are
    /// synced). Throws Error where it is damaged, or newer than this program can read. With Access::look it works on a
    /// read-only disk and never writes; Missing is thrown where there is none.
    Store(const std::string& state_directory, Access);
    ~Store() override;

    std::vector<RunRecord> runs(std::size_t most = 0) const override;
    std::optional<RunRecord> run(std::int64_t number) const override;
    std::vector<ChangeRecord> changes(std::int64_t run) const override;
    std::vector<ChangeRecord> changes_of(const ResourceId&) const override;
    std::vector<OwnedRecord> owned(const std::string& site = {}) const override;
    const std::vector<Holding>& holdings() const override;
    OwnedRecord owned(const Holding&) const override;
    std::vector<RecordedId> recorded_at(const std::string& path) const override;
    std::int64_t pruned() const override;
    std::string site_origin(const std::string& site) const override;
    std::vector<std::pair<std::string, Digest>> noted(const ResourceId&, std::string* invocation) const override;

    std::optional<Window> window() const override;
    bool is_confirmed(std::int64_t run) const override;

    /// Of a run's changes which there were, and how they ended: not what they were about, which takes long to read.
    std::vector<ChangeRecord> outlines(std::int64_t run) const;
    std::vector<ChangeRecord> reactions(std::int64_t run) const;  ///< Of its changes those that something triggered.
    /// What runs that are later than the first of these, and none of them, changed.
    std::set<RecordedId> done_beside(const std::vector<std::int64_t>& runs) const;
    std::optional<std::int64_t> open_run() const;  ///< Running, undoing or stuck.
    std::vector<std::int64_t> unswept_runs() const;
    std::vector<StepRecord> steps(std::int64_t run) const;      ///< By number.
    std::vector<Operation> operations(std::int64_t run) const;  ///< By number, effects among them.
    std::vector<std::string> stage_directories(std::int64_t run) const;
    /// None, too, for a file of objects/ of more than 64 MiB: that is for who reads it in pieces.
    std::optional<std::string> blob(Digest) const;
    bool has_blob(Digest) const;
    std::string as_stored(const Value&) const;  ///< As a column would have it; nothing is written.

    /// What nobody needs who can only go back to `oldest`, as if all runs before it had never been recorded. With
    /// `forget` it is gone when this returns, but for `trees`: those are to be removed, then forget_trees() be told.
    struct Forgotten {
        std::int64_t before = 0, after = 0;  ///< Bytes of the store.
        std::size_t contents = 0;
        std::vector<std::string> trees;  ///< In the root; those of an earlier time that was cut among them.
    };
    /// The number of the oldest run that may be left alone so that the store, with what lies `beside` it (bytes that go
    /// with a run, by its number), takes no more than this many bytes.
    std::int64_t oldest_within(std::int64_t bytes, const std::map<std::int64_t, std::int64_t>& beside = {}) const;
    /// Removed trees that are kept, by the newest run that could need them: paths in the root.
    std::map<std::string, std::int64_t> trees() const;
    Forgotten reckon(std::int64_t oldest) const;  ///< What forget() would do.
    Forgotten forget(std::int64_t oldest);
    void forget_trees();
    Health check() const;

    /// Brings the log back into the database, as whoever closes it last does; other threads may go on meanwhile.
    void tidy() const noexcept;

    std::string meta(const std::string& name) const;  ///< machine_id, program, min_reader; empty where it is not said.

    /// One change of the store. What was not committed when it ends is undone. While it lives, other threads wait, and
    /// the same thread reads what it has written. After a commit that failed no other Batch begins (rule 9).
    class Batch {
    public:
        explicit Batch(Store&);
        ~Batch();
        Batch(const Batch&) = delete;

        std::int64_t add_run(const RunRecord&);  ///< Its number.
        void set_run(std::int64_t run, RunState, const std::string& note, std::int64_t ended, std::int64_t changes);
        void set_swept(std::int64_t run);
        void set_note(std::int64_t run, const std::string& note);
        void set_window(const Window&);  ///< An open one; in the place of what was known of it.
        void close_windows(const std::vector<std::int64_t>& runs, bool confirmed);
        void add_step(const StepRecord&);
        void set_step(std::int64_t run, std::int64_t number, StepRecord::State);
        void set_scan(std::int64_t run, std::int64_t number, const std::string& scan);
        void add_change(const ChangeRecord&);
        void set_change(
            const ChangeRecord&);  ///< before, after and result of the one with its run, step, type and key.
        void set_results(std::int64_t run, std::int64_t step);  ///< All of its changes are done.
        void add_operation(const Operation&);
        void add_stage_directory(std::int64_t run, const std::string& path);
        void put_blob(Digest, std::string_view bytes);  ///< One that is there already stays. Over 1 MiB: objects/.
        void set_meta(const std::string& name, const std::string& value);

        void set_site(const std::string& name, const std::string& origin);
        void own(const OwnedRecord&);  ///< A state row from this run on; ends the one before. origin is kept if there
                                       ///< is one already, per attribute.
        void release(const std::string& type, const std::string& key, const std::string& site, std::int64_t run);
        void reinstate(
            const std::vector<std::int64_t>& taken_back,
            std::int64_t by);  ///< Ownership, too, goes back: rows these runs began end, rows they ended live again.
        void note(const ResourceId&, const std::vector<std::pair<std::string, Digest>>&, const std::string& invocation,
                  bool pending);  ///< pending: noted() answers what was known before, until it is completed.

        void commit();  ///< Durable when it returns.

    private:
        Store& store_;
        bool done_ = false;
    };

    struct Handle;

private:
    std::unique_ptr<Handle> handle_;
};

}  // namespace chaos::rollback
