// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/digest.hpp>
#include <chaos/value.hpp>

namespace chaos::rollback {

/// A Value as a column has it: JSON, in which
///   {"$blob": "DIGEST"}   stands for a text of more than 256 bytes, or one that is not UTF-8;
///   {"$secret": "SEALED"} is a value that must never be shown: closed with the key of the host, as base64;
///   {"$secret": {...}}    is one of a store that was written before there was a key;
///   {"$map": {...}}       is a mapping that itself has one key, beginning with $.
class BlobSink {
public:
    virtual void put(Digest, std::string_view bytes) = 0;
    virtual std::string sealed(std::string_view open) = 0;

protected:
    ~BlobSink() = default;
};
class BlobSource {
public:
    virtual std::string bytes(Digest) const = 0;                    ///< Throws Error where they are lost.
    virtual std::string opened(std::string_view sealed) const = 0;  ///< Throws Error where the key is another.

protected:
    ~BlobSource() = default;
};

std::string to_stored(const Value&, BlobSink&);

/// Appends it where JSON as it is says all there is to say; else appends nothing, and is false.
bool append_plain(std::string& out, const Value&);
Value from_stored(std::string_view json, const BlobSource&);
Value from_stored(Value said, const BlobSource&);  ///< The same, of JSON that was read already.

/// The names of the attributes in a stored mapping, one after the other, without decoding anything: names are plain
/// words, and are never escaped. What is stored must outlive it.
class Names {
public:
    explicit Names(std::string_view stored) : rest_(stored) {}
    bool next();
    std::string_view name() const { return name_; }

private:
    std::string_view text();

    std::string_view rest_, name_;
    int depth_ = 0;
};

}  // namespace chaos::rollback
