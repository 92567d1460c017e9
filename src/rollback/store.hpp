// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/history.hpp>

#include "image.hpp"

namespace chaos::rollback {

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
/// an Error that names it).
class Store final : public History {
public:
    enum class Access : char { look, change };

    /// Opens or, with Access::change, makes the store in this directory (0700, the file 0600; directories above it are
    /// synced). Throws Error where it is damaged, or newer than this program can read. With Access::look it works on a
    /// read-only disk and never writes.
    Store(const std::string& state_directory, Access);
    ~Store() override;

    std::vector<RunRecord> runs(std::size_t most = 0) const override;
    std::optional<RunRecord> run(std::int64_t number) const override;
    std::vector<ChangeRecord> changes(std::int64_t run) const override;
    std::vector<ChangeRecord> changes_of(const ResourceId&) const override;
    std::vector<OwnedRecord> owned(const std::string& site = {}) const override;
    std::string site_origin(const std::string& site) const override;
    std::vector<std::pair<std::string, Digest>> noted(const ResourceId&, std::string* invocation) const override;

    std::optional<std::int64_t> open_run() const;  ///< Running, undoing or stuck.
    std::vector<std::int64_t> unswept_runs() const;
    std::vector<StepRecord> steps(std::int64_t run) const;      ///< By number.
    std::vector<Operation> operations(std::int64_t run) const;  ///< By number, effects among them.
    std::vector<std::string> stage_directories(std::int64_t run) const;
    std::optional<std::string> blob(Digest) const;
    bool has_blob(Digest) const;

    /// One change of the store. What was not committed when it ends is undone.
    class Batch {
    public:
        explicit Batch(Store&);
        ~Batch();
        Batch(const Batch&) = delete;

        std::int64_t add_run(const RunRecord&);  ///< Its number.
        void set_run(std::int64_t run, RunState, const std::string& note, std::int64_t ended, std::int64_t changes);
        void set_swept(std::int64_t run);
        void add_step(const StepRecord&);
        void set_step(std::int64_t run, std::int64_t number, StepRecord::State);
        void set_scan(std::int64_t run, std::int64_t number, const std::string& scan);
        void add_change(const ChangeRecord&);
        void set_change(
            const ChangeRecord&);  ///< before, after and result of the one with its run, step, type and key.
        void add_operation(const Operation&);
        void add_stage_directory(std::int64_t run, const std::string& path);
        void put_blob(Digest, std::string_view bytes);  ///< Once each.

        void set_site(const std::string& name, const std::string& origin);
        void own(const OwnedRecord&);  ///< A state row from this run on; ends the one before. origin is kept if there
                                       ///< is one already, per attribute.
        void release(const std::string& type, const std::string& key, const std::string& site, std::int64_t run);
        void reinstate(
            const std::vector<std::int64_t>& taken_back,
            std::int64_t by);  ///< Ownership, too, goes back: rows these runs began end, rows they ended live again.
        void note(const ResourceId&, const std::vector<std::pair<std::string, Digest>>&, const std::string& invocation,
                  bool pending);

        void commit();  ///< Durable when it returns.

    private:
        Store& store_;
        bool done_ = false;
    };

private:
    struct Handle;
    std::unique_ptr<Handle> handle_;
};

}  // namespace chaos::rollback
