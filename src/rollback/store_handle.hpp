// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/seal.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "database.hpp"
#include "state_directory.hpp"
#include "store.hpp"
#include "stored_value.hpp"

namespace chaos::rollback {

/// What a Store is made of; shared by the files that implement it.
struct Store::Handle final : BlobSink, BlobSource {
    Handle(const std::string& state_directory, Access);

    void put(Digest, std::string_view bytes) override;
    std::string sealed(std::string_view open) override;
    std::string bytes(Digest) const override;
    std::string opened(std::string_view sealed) const override;
    const SealKey& key() const;  ///< Of the host; made with the store. Throws Error where it is lost.
    std::optional<std::string> find(Digest) const;
    bool has(Digest) const;
    std::string object(Digest) const;                                       ///< Where a large blob lies.
    void forget() { holdings.reset(), operations.clear(), owned.reset(); }  ///< What was read so far.
    /// Of those that lie there: names of the ones that are not what was written, and that in a sentence.
    std::map<std::string, std::string> wrong_objects(std::size_t& looked_at) const;

    // From where looking and writing meet: a question needs the statements of the database, which are not const.
    mutable std::recursive_mutex mutex;
    std::string directory;
    Access access;
    std::optional<PrivateCopy> copy;
    mutable std::optional<Database> database;
    mutable std::optional<std::vector<Holding>> holdings;               ///< As they were listed, until a Batch.
    mutable std::map<std::int64_t, std::vector<Operation>> operations;  ///< By run, as they were read, until a Batch.
    std::optional<std::unordered_set<std::size_t>> owned;  ///< Hashes of what has an owner or an origin, of a Batch.
    mutable std::optional<SealKey> held_key;
    std::string broken;  ///< Why nothing is written any more: a commit could not be synced.
};

/// An image as a column has it, with its digest opened, which follows the words of the image.
Image image_in(std::string_view line, const BlobSource&);

}  // namespace chaos::rollback
