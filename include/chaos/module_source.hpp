// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>
#include <map>

namespace chaos {

/// A module that comes from elsewhere: `{module: web, from: URL, rev: COMMIT}`. Only `chaos modules fetch` brings one;
/// it is kept beside the site's manifest, and what is kept is held to chaos.lock whenever it is read.
struct ModuleSource {
    std::string module, url, rev;
    Place where{};
};

/// Those that manifests use, and that what is kept of them uses in turn, each url and commit once.
std::vector<ModuleSource> module_sources(Sources&, const std::vector<std::string>& paths, const ReadContext&,
                                         Diagnostics& problems);

/// Where what is kept of a commit lies, of a site whose manifest is in `directory`.
std::string kept_modules(const std::string& directory, const std::string& rev);

/// chaos.lock: the digest of what each commit of each url has.
using ModuleLock = std::map<std::pair<std::string, std::string>, std::string>;
ModuleLock read_module_lock(Sources&, const std::string& directory);  ///< Empty where there is none. Throws Error.
std::string to_text(const ModuleLock&);

/// Of files by path, sorted: paths and bytes.
std::string digest_of_module(const std::vector<std::pair<std::string, std::string>>& files);

/// What lies below a directory, as digest_of_module takes it. Throws Error where anything is no regular file.
std::vector<std::pair<std::string, std::string>> files_of_module(const std::string& directory);

}  // namespace chaos
