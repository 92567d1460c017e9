// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::resources::solver {

/// How versions are compared, and what dependencies mean.
enum class Family : char { deb, rpm, arch };

/// What a file of packages is written in: a deb822 text; rpm-md's primary.xml; a sync database of pacman. The last two
/// are read as they lie on disk, in the compressions that libsolvext knows.
enum class Format : char { deb, rpmmd, arch };

/// A package that a repository has, while it is asked about.
struct Offer {
    std::string_view name, version, architecture, source;  ///< `name` is `libc6:i386` of a foreign architecture.
    std::size_t repository;                                ///< In the order in which they were added.
};

/// What is asked for.
struct Job {
    std::string name;
    bool goes = false;    ///< Else it comes, at the version that was chosen.
    bool gently = false;  ///< It goes unless what stays or comes needs it.
    bool newer = false;   ///< It is there, and becomes that version if it can; else it stays as it is.
};

/// A question: jobs, and what may be done for them.
struct Question {
    std::vector<Job> jobs;
    std::vector<std::string> stays;   ///< Installed, and neither changed nor removed: what is on hold.
    std::vector<std::string> may_go;  ///< May be removed, though nobody asked for that; `*`: anything.
    bool recommends = true;           ///< What new packages recommend comes along.
    bool gentle = false;              ///< As if each that goes were to go gently.
};

/// One package that changes.
struct Move {
    enum class Kind : char { install, upgrade, downgrade, remove } kind = Kind::install;
    std::string name, version, old_version;
    std::size_t job = 0;                        ///< The job that is the cause of it.
    bool asked = false;                         ///< That job names it.
    std::string why;                            ///< `nginx needs nginx-common (= 1.22)`; empty where it was asked for.
    std::uint64_t download = 0, installed = 0;  ///< Bytes, of what comes.
};

/// An installed package of which there is a newer version.
struct Newer {
    std::string name, installed, newest;
    std::string candidate;  ///< The newer version that was chosen; empty where none was.
    bool marked = false;    ///< One that is newer than the installed version, and no newer than that, is marked.
};

/// Why it can not be, in the solver's own words.
struct Problem {
    std::optional<std::size_t> job;  ///< The one it is about, where it is about one.
    std::vector<std::string> said;
    std::vector<std::string> ways_out;  ///< Empty where it has none to offer.
};

struct Answer {
    std::vector<Move> moves;  ///< By name.
    std::vector<Problem> problems;
};

/// Whether libsolv is there.
bool available();

/// How many edits lie between two names; anything above `most` where it is more than that.
std::size_t edits(std::string_view a, std::string_view b, std::size_t most);

/// libsolv's own pool of packages: those that are installed, those that repositories offer. First all is added, then
/// choose() is called, then questions are asked; it may be called again, and chooses all anew. Throws Error where
/// libsolv is not there.
class Pool {
public:
    /// `native`, and the foreign architectures that packages may be of beside it (deb only).
    Pool(Family, std::string native, std::vector<std::string> foreign = {});
    ~Pool();
    Pool(const Pool&) = delete;

    /// Of dpkg: the text of its status.
    void add_installed(std::string_view status);
    /// Of rpm (the database below this root) or pacman (its local directory), by libsolvext.
    void add_installed_at(const std::string& path);

    /// What an installed package needs counts no more: it becomes another version.
    void forget_needs(std::string_view name);

    /// A repository from its text, or from the file.
    void add(std::string_view name, std::string_view deb822_text);
    void add_file(std::string_view name, Format, const std::string& path, int priority);

    /// What add() made of the repository added last, to be kept; and a repository from that. False where it is nothing
    /// of this version of the program and of libsolv: then nothing was added.
    std::string kept() const;
    bool add_kept(std::string_view name, const std::string& kept);

    /// Of each package, one version is considered beside the installed one: that of the highest priority, of these the
    /// newest; older than what is installed only from 1000 on; none at 0 and below. Which source a package
    /// was built from is only told with `sources`: it takes time to find.
    void choose(const std::function<int(const Offer&)>& priority, bool sources = false);

    /// What the candidate of this name needs, and neither what is chosen nor what is installed has: names, of
    /// alternatives each.
    std::vector<std::string> unmet(const std::string& name) const;

    bool knows(const std::string& name) const;
    std::vector<std::string> versions(const std::string& name) const;   ///< All there are, newest first.
    std::string candidate(const std::string& name) const;               ///< Empty where there is none.
    std::vector<std::string> providers(const std::string& name) const;  ///< Whose packages can stand for it.
    std::vector<std::string> like(const std::string& name) const;       ///< Names that are near, at most three.

    /// What could be upgraded, by name. `mark` is asked about versions that repositories offer.
    std::vector<Newer> newer(const std::function<bool(const Offer&)>& mark) const;

    Answer ask(const Question&) const;

    /// What may go along with what goes by this answer, as removals that name whose doing it is: what that needed or
    /// recommended, directly or by others that go along, and nothing needs or recommends that stays or comes. `may_go`
    /// is asked once of each that comes into question.
    std::vector<Move> unneeded(const Answer&, const std::function<bool(const std::string&)>& may_go) const;

    struct Parts;

private:
    std::unique_ptr<Parts> parts_;
};

}  // namespace chaos::resources::solver
