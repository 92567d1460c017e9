// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/digest.hpp>
#include <memory>
#include <string>

namespace chaos {

/// The bytes of a file: in memory, or too many for that and then at a path. Copying one copies a pointer.
class Content {
public:
    static constexpr std::uint64_t in_memory =
        1 << 20;  ///< A host's file with more bytes than this is looked at by digest.

    Content() : Content(std::string()) {}
    explicit Content(std::string bytes)
        : bytes_(std::make_shared<const std::string>(std::move(bytes))), size_(bytes_->size()) {}
    /// What lies at an absolute path of the machine that runs chaos and has this size and digest.
    Content(std::string path, std::uint64_t size, chaos::Digest digest)
        : path_(std::move(path)), size_(size), digest_(digest) {}

    bool held() const { return bytes_ != nullptr; }
    const std::string& bytes() const { return *bytes_; }  ///< Only where held().
    const std::string& path() const { return path_; }     ///< Only where not held().
    std::uint64_t size() const { return size_; }
    chaos::Digest digest() const { return held() ? chaos::digest(*bytes_) : digest_; }

    friend bool operator==(const Content& a, const Content& b) {
        if (a.size_ != b.size_) return false;
        if (a.bytes_ && b.bytes_) return a.bytes_ == b.bytes_ || *a.bytes_ == *b.bytes_;
        return a.digest() == b.digest();
    }

private:
    std::shared_ptr<const std::string> bytes_;
    std::string path_;
    std::uint64_t size_ = 0;
    chaos::Digest digest_;
};

}  // namespace chaos
