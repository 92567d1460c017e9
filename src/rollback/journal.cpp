// SPDX-License-Identifier: Apache-2.0
#include "journal.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace chaos::rollback {

Store::Batch& RunJournal::open() {
    if (!batch_) batch_.emplace(place_.store);
    return *batch_;
}

Store::Batch& RunJournal::batch() {
    Store::Batch& batch = open();
    if (later_) std::exchange(later_, nullptr)();
    return batch;
}

void RunJournal::commit() {
    if (!batch_) return;
    batch_->commit();
    batch_.reset();
}

void RunJournal::flush() {
    if (later_) batch();
    commit();
}

/// Another process may have begun this run: its numbers go on.
std::int64_t RunJournal::next_operation() {
    if (last_operation_ < 0) {
        last_operation_ = 0;
        for (const Operation& known : place_.store.operations(run_))
            last_operation_ = std::max(last_operation_, known.number);
    }
    return ++last_operation_;
}

void RunJournal::add(Operation operation) {
    operation.run = run_;
    operation.number = next_operation();
    batch().add_operation(operation);
}

void RunJournal::announce(std::span<Operation* const> operations, const std::vector<std::string>& stage_directories,
                          Durable durable) {
    for (const auto& directory : stage_directories) open().add_stage_directory(run_, directory);
    for (Operation* const operation : operations) {
        operation->run = run_;
        operation->number = next_operation();
    }
    if (durable == Durable::now) commit();
}

void RunJournal::intend(std::span<Operation* const> operations, const std::vector<Content>& blobs) try {
    Store::Batch& batch = this->batch();
    for (const Content& blob : blobs)
        if (blob.held()) batch.put_blob(blob.digest(), blob.bytes());
    for (const Operation* const operation : operations) batch.add_operation(*operation);
    commit();
} catch (...) {
    drop();  // by the thread that began it
    throw;
}

Content RunJournal::blob(Digest wanted) const {
    if (auto bytes = place_.store.blob(wanted)) return Content(std::move(*bytes));
    const std::string path = place_.state_directory + "/objects/" + hex(wanted);
    const bool inside = place_.root == "/" || path.starts_with(place_.root + "/");
    const Entry entry =
        inside ? place_.looking.look(place_.root == "/" ? path : path.substr(place_.root.size())) : Entry();
    if (entry.kind == Entry::Kind::file) return Content(path, entry.size, wanted);
    throw Error(
        fmt::format("the content {} is in the store no more: neither a blob nor an object has it", hex(wanted)));
}

void RunJournal::fence(int pid, const Command& command) {
    std::string words;
    for (const auto& word : command.argv) words += (words.empty() ? "" : " ") + word;
    place_.lock.fence(pid, words);
}

}  // namespace chaos::rollback
