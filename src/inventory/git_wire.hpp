// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/git_mirror.hpp>
#include <cstddef>
#include <memory>
#include <string_view>

#include "git_url.hpp"

namespace chaos::git {

/// How long may still be waited: a while for the next byte, and not for ever for all of them.
class Patience {
public:
    explicit Patience(const Access&);

    void progress();           ///< A byte came, or waiting begins only now: what we did meanwhile does not count.
    int left_ms() const;       ///< What poll() may wait, at most a second. Throws Error where patience is at its end.
    void check_total() const;  ///< The same for the whole of it alone.

private:
    std::int64_t stall_s_, timeout_s_, moved_ms_, until_ms_;
};

/// Bytes to and from git's server program (upload-pack), wherever it runs. All throw Error.
class Wire {
public:
    enum class Asks : char { refs, pack };

    Wire() = default;
    virtual ~Wire() = default;
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    virtual bool forgets() const = 0;  ///< Each question stands by itself (http), or all are one talk (ssh).
    virtual void offer_two() {}        ///< Says that version 2 of the protocol is understood, where that can be said.
    virtual void begin(Asks) = 0;
    virtual void write(std::string_view bytes) = 0;
    virtual std::size_t read(
        char* into,
        std::size_t room) = 0;  ///< At least one: its end is an Error, for git says itself where that is.
};

std::unique_ptr<Wire> https_wire(const Address&, const Access&);
std::unique_ptr<Wire> ssh_wire(const Address&, const Access&);

/// More came than `most_bytes`.
[[noreturn]] void refuse_more(const Access&);

}  // namespace chaos::git
