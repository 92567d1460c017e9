// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
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
        : held_(std::make_shared<const Held>(std::move(bytes))), size_(held_->bytes.size()) {}
    /// What lies at an absolute path of the machine that runs chaos and has this size and digest.
    Content(std::string path, std::uint64_t size, chaos::Digest digest)
        : path_(std::move(path)), size_(size), digest_(digest) {}

    bool held() const { return held_ != nullptr; }
    const std::string& bytes() const { return held_->bytes; }  ///< Only where held().
    const std::string& path() const { return path_; }          ///< Only where not held().
    std::uint64_t size() const { return size_; }
    chaos::Digest digest() const { return held() ? held_->digest() : digest_; }

    friend bool operator==(const Content& a, const Content& b) {
        if (a.size_ != b.size_) return false;
        if (a.held_ && b.held_) return a.held_ == b.held_ || a.held_->bytes == b.held_->bytes;
        return a.digest() == b.digest();
    }

private:
    /// Copies share it, and its digest once somebody asked: several threads may, and come to the same.
    struct Held {
        explicit Held(std::string text) : bytes(std::move(text)) {}
        chaos::Digest digest() const {
            if (known.load(std::memory_order_acquire))
                return {high.load(std::memory_order_relaxed), low.load(std::memory_order_relaxed)};
            const chaos::Digest found = chaos::digest(bytes);
            high.store(found.high, std::memory_order_relaxed);
            low.store(found.low, std::memory_order_relaxed);
            known.store(true, std::memory_order_release);
            return found;
        }
        const std::string bytes;
        mutable std::atomic<std::uint64_t> high{0}, low{0};
        mutable std::atomic<bool> known{false};
    };

    std::shared_ptr<const Held> held_;
    std::string path_;
    std::uint64_t size_ = 0;
    chaos::Digest digest_;
};

}  // namespace chaos
