// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <chaos/resource.hpp>
#include <chaos/system/packages.hpp>
#include <chaos/upgrades.hpp>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::resources {

/// What a package manager is asked for, all at once.
struct Request {
    std::vector<std::string> install;  ///< `nginx`; exactly one version: `nginx=1.22.1-9`
    std::vector<std::string> remove;
    std::map<std::string, std::string> files{};    ///< Of what comes from a file: where that lies, by its `install`.
    std::map<std::string, std::string> sources{};  ///< By name, the repository that a package is to come from.
    bool purge = false;                            ///< What is removed goes with its configuration.
    bool downgrades = false;                       ///< A version may be older than what is there.
    bool removals = false;                         ///< Others may have to go; else it refuses rather than removing one.
    bool complete = false;  ///< This is all that may happen: every package that changes is named, with its version.

    /// What its package manager is told to install: the file, or the word as it is.
    const std::string& told(const std::string& one) const {
        const auto file = files.find(one);
        return file == files.end() ? one : file->second;
    }
};

/// Why a package changes and how much it is, as far as its package manager tells.
struct Reason {
    std::string why{};                     ///< Empty where somebody asked for it.
    std::uint64_t fetched = 0, takes = 0;  ///< Bytes.
};

/// One package that a transaction would touch.
struct Move {
    enum class Kind : char { install, remove } kind;
    std::string name;  ///< With `:arch` where it is not the native one.
    std::string old_version, version;
    Reason reason{};
};

/// Why there would be none.
struct Refusal {
    std::string said;      ///< In the package manager's words.
    std::string name{};    ///< The package it is about; empty where it is about no single one.
    bool unknown = false;  ///< None of its repositories has that package.
};

struct Answer {
    std::vector<Move> moves;  ///< In the order in which they would be made.
    std::vector<Refusal> problems;
    bool known = true;   ///< False: it can not tell by looking alone.
    std::string help{};  ///< The command that lets it tell again, where it can not.
};

/// What would make a host's packages newer.
struct Renewal {
    std::vector<Move> moves;
    std::vector<Upgrades::Stays> stays{};
    std::size_t not_security = 0;  ///< How many could be newer, but not for security.
};

/// What a package manager has fetched of one repository, as far as it is on: what a solver reads.
struct Metadata {
    enum class Format : char { deb, rpm, arch } format;
    std::string path;        ///< A Packages file; the directory of a repomd.xml; a NAME.db.
    std::string repository;  ///< As the package manager calls it.
    int priority = 0;        ///< Higher wins.
};

/// By the name of a group, its packages.
using GroupTable = std::map<std::string, std::set<std::string>, std::less<>>;

/// A package manager. Constants, one each; none of them remembers anything of a host.
///
/// Packages::read knows what is installed, so that no back end is asked about that. Commands answer when they are done
/// and throw what they said where they fail.
class Backend {
public:
    virtual std::string_view name() const = 0;  ///< As it is called in messages: apt.

    /// What it has fetched, best first.
    virtual std::vector<Metadata> metadata(const Host&) const = 0;

    /// It fetched lists of packages at some time: without them it knows nothing to install.
    virtual bool has_lists(const Host& host) const { return !metadata(host).empty(); }
    /// Every repository that is on was fetched: false where one came since.
    virtual bool has_all_lists(const Host&) const = 0;
    virtual void refresh(WritableHost&) const = 0;
    virtual std::string_view refresh_hint() const = 0;  ///< The command a person would give.

    /// What its repositories have of groups.
    virtual GroupTable groups(const View&) const = 0;

    /// What it would do, asked once.
    virtual Answer simulate(const Host&, const Request&) const = 0;
    /// What would be needed by nobody once these are gone, and was not asked for: as far as it can tell by looking.
    virtual std::vector<std::string> left_alone(const Host&, const std::vector<std::string>& going) const {
        return (void)going, std::vector<std::string>();
    }
    /// Does it, in one transaction where it has such; exactly these versions.
    virtual void carry_out(WritableHost&, const Request&) const = 0;

    /// What it would do for such an upgrade. Throws Error where it knows none of that kind, or can not tell.
    virtual Renewal renewal(const Host&, const UpgradeWish&) const;
    /// The command that ends a hold.
    virtual std::string unhold_hint(const std::string& package) const { return "apt-mark unhold " + package; }

    /// What is installed can be made into an archive again.
    virtual bool packs_anew() const { return false; }
    /// Before any of these change: what goes is kept, so that it can come back though no repository has it any more.
    virtual void keep_outgoing(WritableHost&, std::span<const Change>) const {}
    /// As repair and carry_out, but to take something back: by what was kept, and also where the transaction was cut or
    /// a script of a package that came fails when it goes.
    virtual void repair_to_go_back(WritableHost& host, std::span<const Change>) const { repair(host); }
    virtual void go_back(WritableHost& host, const Request& request) const {
        if (!request.install.empty() && !has_all_lists(host)) refresh(host);
        if (!request.install.empty() || !request.remove.empty()) carry_out(host, request);
    }
    /// What is kept and no recorded run needs goes.
    virtual void sweep(WritableHost&, const History&) const {}
    virtual std::vector<ResourceType::Kept> keeps(const Host&, const History&) const { return {}; }
    /// It runs scripts of its own when it comes and goes, which may touch data.
    virtual bool has_own_scripts(const Host&, const Packages::Package&) const { return true; }

    /// Held ones are passed by when others are upgraded; automatic ones came along with others.
    enum class Mark : char { hold, unhold, automatic, manual };
    virtual void mark(WritableHost&, Mark, const std::vector<std::string>& packages) const = 0;
    /// What is left of packages that are gone: nothing, where a removal leaves nothing that it remembers.
    virtual void purge(WritableHost&, const std::vector<std::string>& packages) const = 0;

    /// Who holds its lock, as "apt-get (pid 712)"; empty where nobody does.
    virtual std::string lock_holder(const Host&) const = 0;
    /// It was cut in the middle.
    virtual bool interrupted(const Host&, const Packages&) const = 0;
    /// Brings that to an end; does nothing where there is none.
    virtual void repair(WritableHost&) const = 0;

    /// What a removal left half there comes whole again.
    virtual void unpack_halves(WritableHost&, const std::vector<std::string>& /*packages*/) const {}

    /// Where its cache has, or would have, the archive of a version.
    virtual std::string archive_of(const Host&, const Packages::Package&) const = 0;
    /// Commands for a person who wants to know about one package, and about why a transaction is refused.
    virtual std::string ask_about(const std::string& package) const = 0;
    virtual std::string ask_why(const std::string& package) const = 0;

protected:
    ~Backend() = default;
};

/// Null for Keeper::none.
const Backend* backend_of(Packages::Keeper);

const Backend& apt_backend();
const Backend& dnf_backend();
const Backend& pacman_backend();
const Backend& zypper_backend();

}  // namespace chaos::resources
