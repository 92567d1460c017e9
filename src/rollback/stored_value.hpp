// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/digest.hpp>
#include <chaos/value.hpp>

namespace chaos::rollback {

/// A Value as a column has it: JSON, in which
///   {"$blob": "DIGEST"}   stands for a text of more than 256 bytes, or one that is not UTF-8;
///   {"$secret": ...}      says that what is in it must never be shown;
///   {"$map": {...}}       is a mapping that itself has one key, beginning with $.
class BlobSink {
public:
    virtual void put(Digest, std::string_view bytes) = 0;

protected:
    ~BlobSink() = default;
};
class BlobSource {
public:
    virtual std::string bytes(Digest) const = 0;  ///< Throws Error where they are lost.

protected:
    ~BlobSource() = default;
};

std::string to_stored(const Value&, BlobSink&);
Value from_stored(std::string_view json, const BlobSource&);

}  // namespace chaos::rollback
