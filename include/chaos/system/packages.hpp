// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/view.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace chaos {

/// What is installed, as the host's package manager notes it. Of dpkg: /var/lib/dpkg/status and, for the auto marks,
/// /var/lib/apt/extended_states, read in process; of pacman: its local database and IgnorePkg, too; of rpm: what rpm
/// itself answers, once, and the marks and locks as dnf or zypper keep them.
struct Packages {
    /// Who keeps that note.
    enum class Keeper : char { none, apt, pacman, dnf, zypper };

    struct Package {
        std::string name, architecture, version;
        std::string want, flag,
            status;  ///< install|hold|deinstall|purge, ok|reinstreq, installed|config-files|half-installed|unpacked|...
        std::int64_t size = 0;   ///< Bytes that it takes, as it says itself; 0 where that is not known.
        bool automatic = false;  ///< Came along with another one.
        bool essential = false;  ///< The host does not work without it.
        bool held() const { return want == "hold"; }
        bool installed() const { return status == "installed" || status.starts_with("triggers-"); }
        /// At least a part of it is there, not only its configuration.
        bool present() const { return status != "config-files" && status != "not-installed"; }
    };
    std::vector<Package> all;
    std::string architecture;  ///< The native one.
    Keeper keeper = Keeper::none;
    bool present = false;  ///< There is such a note here.
    bool journal = false;  ///< dpkg was cut: what it wrote down last (already in `all`) it has not merged yet.

    /// `nginx`, or `libc6:i386`. Null where it is not known. To dpkg a name alone is of the native architecture, or
    /// all.
    const Package* find(std::string_view name) const;

    /// A package whose unpacking or configuring was cut: dpkg wants `--configure -a`, or a fresh copy (reinstreq).
    static bool broken(const Package&);

    static Packages read(const View&);

    /// By the database that is there; where there are several (a Debian with rpm's tools), by os-release.
    static Keeper keeper_of(const Host&);

    /// The same from the texts of status, extended_states and arch-native. A later paragraph of one package replaces an
    /// earlier one: what dpkg left in updates/ is simply appended to status.
    static Packages parse(std::string_view status, std::string_view extended_states, std::string_view native);

    /// Of other keepers; a later one of the same name and architecture replaces an earlier one.
    static Packages of(Keeper, std::vector<Package>);

    /// One package of pacman's local database: the text of its `desc`. Without a name where it is none.
    static Package pacman_package(std::string_view desc);
    /// The words of `IgnorePkg` in pacman.conf: what upgrades pass by.
    static std::vector<std::string> pacman_ignored(std::string_view conf);

    /// What rpm is asked: a line each of name, epoch:version-release and architecture, with tabs between.
    static std::vector<std::string> rpm_question();
    static std::vector<Package> rpm_packages(std::string_view answer);

private:
    void index();
    std::vector<std::uint32_t> by_name_;  // sorted numbers: by name, the native architecture first
};

}  // namespace chaos
