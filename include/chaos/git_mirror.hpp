// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// A repository that a host follows: kept bare in a cache of its own, looked at there, and checked out of it. What
/// comes from elsewhere is taken as hostile. tip(), fetch() and check_out() work in a process of their own (this
/// program again, as `git-work`), which can write nowhere but where its result goes, has bounds on memory, time and
/// bytes, and is killed with who asked. The others only read what a fetch() found whole. All throw Error (passwords in
/// urls hidden), fetch() and check_out() also Busy where another one is at work in that cache.
namespace chaos::git {

/// How a repository is reached. What is empty is not used; files are read when they are needed.
struct Access {
    std::string username{};    ///< With the token: basic authentication. Without a name the token is a bearer's.
    std::string token_file{};  ///< Sent by https alone, and to the host of the url alone.
    std::string certificate{}, certificate_key{};  ///< PEM: who we are, to the server. No key: it is in the same file.
    std::string ca{};                              ///< PEM: who may have signed the server's certificate, nobody else.
    std::string ssh_key{};                         ///< No other one is tried then. Empty: those of ~/.ssh, as ssh does.
    std::string known_hosts{};     ///< No other one is looked at then. A host that is not in it is an Error, always.
    std::string proxy{};           ///< Of http and https. The environment names none.
    std::int64_t stall_s = 30;     ///< Longer without a byte, and it is given up.
    std::int64_t timeout_s = 900;  ///< All of it.
    std::uint64_t most_bytes = 2ULL << 30;   ///< Of what is received.
    std::uint64_t most_file = 512ULL << 20;  ///< Of a file of the commit that is fetched.
};

/// A file is larger than is fetched. Asking again brings the same, as long as the remote stands where it does.
class TooLarge : public Error {
public:
    using Error::Error;
};

/// A server did not send what a commit needs beside itself (a submodule, a module). Nothing is known to be wrong with
/// the commit: asking again later may do.
class Unanswered : public Error {
public:
    using Error::Error;
    explicit Unanswered(const Error& why) : Error(why) {}
};

/// How a repository is reached that is named by what comes from `of`: another server than that one's is not shown who
/// we are. A key of ssh is no secret that a server could keep, and known hosts are what they are. Throws Error where a
/// url is none.
Access access_for(const std::string& url, const std::string& of, Access);

/// What a check-out may come to; more is an Error before it is written.
struct Limits {
    std::uint64_t most_file = 100ULL << 20, most_bytes = 1ULL << 30;
    std::size_t most_files = 100'000;  ///< Files, links and directories.
    bool submodules = true;            ///< They come along; else an empty directory stands where one would be.
};

/// A commit; or, from tag_at(), an annotated tag: who tagged it and when, parents is then the one object it names.
struct Commit {
    std::string hash;
    std::vector<std::string> parents;
    std::string author, email;
    std::int64_t time_s = 0;  ///< Of the committer: when it came to be as it is.
    std::string message;
    std::string signature;  ///< As armoured; empty: none.
    std::string payload;    ///< What was signed: all else of it, byte for byte.
    std::string name{};     ///< What a tag calls itself. A signed tag shown as another one is told by it.
};

/// What a ref of a remote stands for now.
struct Tip {
    std::string ref;     ///< In full: refs/heads/main.
    std::string commit;  ///< 40 digits.
    std::string tag{};   ///< The object of an annotated tag, of which commit is what it comes to in the end.
};

/// Asks the remote; nothing is written. ref: a branch, a tag, or in full (refs/...); empty: the first branch. A name
/// that is both a branch and a tag of different commits is an Error.
Tip tip(const std::string& url, const std::string& ref, const Access&);

/// The same, and what it stands for is in the cache afterwards, with all that it comes from; what was there stays.
/// Makes the cache (0700) where there is none. Where it fails the cache is as it was.
Tip fetch(const std::string& cache, const std::string& url, const std::string& ref, const Access&);

/// The same for a commit (its full hash) that some branch or tag of the remote has.
void fetch_commit(const std::string& cache, const std::string& url, const std::string& commit, const Access&);

/// The full hash of the one commit that begins with these digits (7 at least). Throws Error where there is none, or
/// more than one.
std::string commit_named(const std::string& cache, const std::string& digits);

Commit commit_at(const std::string& cache, const std::string& hash);
Commit tag_at(const std::string& cache, const std::string& hash);

/// True where one commit comes from the other, or is the other. False too where the cache does not have the ancestor:
/// whatever a commit comes from is in the cache with it.
bool descends(const std::string& cache, const std::string& ancestor, const std::string& descendant);

/// Along first parents, oldest first: those that are in `to` and not in `from` (which may be empty); at most the
/// newest so many.
std::vector<Commit> history(const std::string& cache, const std::string& from, const std::string& to, std::size_t most);

/// The bytes of a file of a commit; nothing where it has none of that name. Larger than `most`, or no plain file:
/// Error.
std::optional<std::string> file_at(const std::string& cache, const std::string& commit, const std::string& path,
                                   std::uint64_t most);

/// The paths that differ between two commits, sorted. from may be empty: then all of them.
std::vector<std::string> changed_paths(const std::string& cache, const std::string& from, const std::string& to);

/// Writes the files of a commit into a directory that is there and empty, modes 0644 and 0755, no .git, and syncs none
/// of it. Links lead nowhere but within; a path that would lead out, a pointer of Git LFS in the place of its file, or
/// more than the limits is an Error, and then the directory is empty again. Submodules come along: `url` is what theirs
/// are relative to, and to another host than its own the access' secrets are not shown.
void check_out(const std::string& cache, const std::string& url, const std::string& commit,
               const std::string& directory, const Limits&, const Access&);

}  // namespace chaos::git
