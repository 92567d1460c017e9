// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <chaos/git_mirror.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "git_library.hpp"
#include "git_url.hpp"
#include "git_wire.hpp"

namespace chaos::git {

struct Talk;

/// What carries bytes to it; none where it is on this host.
std::unique_ptr<Wire> wire_to(const Address&, const Access&);

/// "can not ask URL: ..."; the hint is to try it by hand where there is none.
Error cannot_ask(const std::string& url, const Error& why);

/// A remote that is connected to by a Wire of ours (or looked at, where it is on this host), and what it has.
class Connection {
public:
    /// The repository is where it is fetched into; null: nowhere, it is only asked.
    Connection(const Library&, git_repository*, const std::string& url, const Access&);
    ~Connection();
    Connection(const Connection&) = delete;

    /// What a ref stands for. Throws Error, with what there is, where it stands for nothing or for two things.
    Tip resolve(const std::string& ref) const;
    std::vector<std::string> names() const;  ///< Of its branches and tags, in full.

    /// Into the repository's objects: what these refs (in full) come from, where it is not there yet.
    void download(const std::vector<std::string>& refs);

private:
    struct Head {
        std::string name, commit;
    };

    std::string first_branch() const;
    [[noreturn]] void fail(const char* doing);

    const Library& lib_;
    std::string url_;
    std::unique_ptr<Talk> talk_;
    Remote remote_;
    std::vector<Head> heads_{};
};

}  // namespace chaos::git
