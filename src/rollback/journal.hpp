// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chaos/registry.hpp>

#include "lock.hpp"
#include "staged_host.hpp"
#include "store.hpp"

namespace chaos::rollback {

/// What every part of a transaction works with.
struct Workplace {
    const Registry& registry;
    const Host& looking;
    std::string root, state_directory;
    Store& store;
    Lock& lock;
    Reporter& reporter;
};

/// The journal of one run over the store: gathers what is to be recorded, and makes it durable before anything is
/// touched.
class RunJournal final : public Journal {
public:
    explicit RunJournal(Workplace& place) : place_(place) {}

    void of(std::int64_t run) { run_ = run; }
    void stops_by(const std::atomic<bool>* stop) { stop_ = stop; }
    std::int64_t run() const { return run_; }

    Store::Batch& batch();  ///< The one that is open; a new one where none is.
    void flush();           ///< Makes it durable.
    void drop() { batch_.reset(), later_ = nullptr; }
    /// Rows of a run that was added: written before any other that batch() is asked for, but, where operations are
    /// announced to be durable now, with those and not with the run.
    void later(std::function<void()> rows) { later_ = std::move(rows); }
    void add(Operation);  ///< An effect: numbered like what was intended.

    void announce(std::span<Operation* const>, const std::vector<std::string>& stage_directories, Durable) override;
    void intend(std::span<Operation* const>, const std::vector<Content>& blobs) override;
    Content blob(Digest) const override;
    void fence(int pid, const Command&) override;
    void lift(int pid) override { place_.lock.lift(pid); }
    void says(const std::string& line) override { place_.reporter.says(line); }
    bool asked_to_stop() const override { return stop_ && stop_->load(); }

private:
    Store::Batch& open();
    void commit();
    std::int64_t next_operation();

    Workplace& place_;
    std::int64_t run_ = 0, last_operation_ = -1;
    std::optional<Store::Batch> batch_;
    std::function<void()> later_;
    const std::atomic<bool>* stop_ = nullptr;
};

}  // namespace chaos::rollback
