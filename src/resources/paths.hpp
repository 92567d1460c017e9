// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/resource.hpp>

namespace chaos::resources {

struct Directory {
    std::string path{};
    std::optional<Mode> mode{};
    std::optional<std::string> owner{}, group{};
    bool recurse = false, purge = false;
};

/// What kinds that manage a path share: names of owners, claims, the directories above.

std::string parent_of(const std::string& path);
std::string below(const std::string& directory, std::string_view name);
bool is_number(std::string_view text);

/// The owner as `wanted` spells it: by number where a number was written, else by name.
std::string owner_of(const View&, const Entry&, const std::optional<std::string>& wanted);
std::string group_of(const View&, const Entry&, const std::optional<std::string>& wanted);

/// The group of what is a person's; empty where nobody knows.
std::string own_group(const View&, const std::string& user);
std::optional<std::string> group_for(const View&, const std::optional<std::string>& user);

/// Meta as a Spec with optional members has it; what is left open stays as it is.
Meta meta_of(const std::optional<Mode>& mode, const std::optional<std::string>& owner,
             const std::optional<std::string>& group, std::uint32_t mode_otherwise);

/// Provides the path, needs what is above it, and those who are to own it.
void claim_path(const std::string& path, const std::optional<std::string>& owner,
                const std::optional<std::string>& group, std::vector<Claim>&);

/// What can be no owner on any host: told where the resource was written.
void review_owners(const std::optional<std::string>& owner, const std::optional<std::string>& group, Place,
                   Diagnostics&);

/// An absolute path, as `attribute` is to have; else a problem.
void review_path(std::string_view attribute, const std::string& path, Place, Diagnostics&);

/// What chaos itself keeps is no resource: with it went the memory of all that was done. A tree that is to go is
/// refused where that lies in it, too. (Where --state-dir leads elsewhere, that is its owner's to leave alone.)
void refuse_own_state(const Resource&, const std::string& path, bool with_all_below, Diagnostics&);

/// A regular file or the link in its place: for kinds that write a whole file.
struct Written {
    Entry entry{};
    std::optional<Content> content{};  ///< Where it was asked for and there is a file.
    std::string link{};                ///< Target, where a link is there instead; else empty.
};
/// Throws Error where something is at the path that is neither, saying what to do. A content equal to `wanted` is
/// that very object, so that comparing it later costs a pointer.
Written look_at_file(const View&, const std::string& path, const std::optional<Content>& wanted, bool read);

/// The kind of the directories that come along.
const ResourceType& directory_type();
const ResourceType& file_type();
const ResourceType& link_type();

/// Collects the directories that must be made before something can be put at a path, each once.
class Parents {
public:
    explicit Parents(const View& view) : view_(view) {}
    /// A file above is a problem, as of `where`. Below the home of who owns the path, they are that person's as well.
    void above(const std::string& path, std::size_t because, Place where, Diagnostics& problems,
               const std::optional<std::string>& owner = {}, const std::optional<std::string>& group = {});
    std::vector<Companion> take() { return std::move(missing_); }

private:
    const View& view_;
    std::vector<std::string> known_;  // sorted: those that are there, or are going to be
    std::vector<Companion> missing_;
};

}  // namespace chaos::resources
