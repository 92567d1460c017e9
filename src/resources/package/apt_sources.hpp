// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/view.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::resources::apt {

/// One list of packages that apt has fetched and reads, with what its Release file says.
struct List {
    std::string path;  ///< /var/lib/apt/lists/..._Packages, with .lz4 and the like where it is compressed.
    std::string site{}, component{}, architecture{};
    std::string origin{}, label{}, archive{}, codename{}, version{};
    std::string suite{};  ///< As its source calls it: stable, bookworm-backports.
    std::string file{};   ///< What the file of that source is called, without its ending.
    bool not_automatic = false, but_automatic_upgrades = false;
};

/// A person may call it so: by the file of its source (which a repository resource names), suite, codename, origin or
/// label.
bool is_called(const List&, std::string_view name);

/// What apt goes by on a host.
struct Settings {
    std::vector<List> lists;
    std::vector<std::string> foreign;  ///< Architectures beside the native one.
    std::string default_release;
    std::string preferences;  ///< All that /etc/apt/preferences and preferences.d say.
    bool recommends = true;
};

/// Reads apt's configuration (by apt-config), its sources, and what it fetched. Lists of sources that are not there any
/// more do not count, as for apt.
Settings settings(const View&, const std::string& native);

/// Whether a file of /var/lib/apt/lists is a list of packages: what its name is without what tells of compression.
/// Empty where it is none.
std::string_view list_name(std::string_view name);

/// The text of a list, by apt's own means where it is compressed.
std::string text_of(const View&, const List&);

/// What a URI is called in /var/lib/apt/lists.
std::string file_name_of(std::string_view uri);

/// What stands in sources.list, or in a .sources file: URI, suite and component of each repository of binaries.
struct Source {
    std::string uri, suite, component;
    std::string file{};  ///< Not told by a text.
};
std::vector<Source> sources_in_list(std::string_view text);
std::vector<Source> sources_in_deb822(std::string_view text);

}  // namespace chaos::resources::apt
