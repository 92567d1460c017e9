// SPDX-License-Identifier: Apache-2.0
// A few kinds and facts that nobody has to apply: what reading a manifest needs to know.
#pragma once

#include <chaos/manifest.hpp>
#include <chaos/provenance.hpp>

namespace chaos::test {

Registry site_registry();

/// What a manifest says, read against those kinds on an empty FakeHost.
struct Reading {
    Sources sources;
    Diagnostics problems;
    Site site;
    std::string errors() const;  ///< As a person reads them.
    const Resource& operator[](std::string_view id) const;
    std::string attribute(std::string_view id, std::string_view name) const;  ///< As JSON.
};

/// Files by name, in a directory of their own; the first is the manifest.
Reading read_files(const std::vector<std::pair<std::string, std::string>>& files,
                   const std::vector<std::pair<std::string, std::string>>& vars = {}, Cache* = nullptr);
Reading read_text(const std::string& text);
Reading read_path(const std::string& path);

/// The same, with what is noted of who says what.
struct Told {
    Reading reading;
    Provenance provenance;
};
Told told_files(const std::vector<std::pair<std::string, std::string>>& files,
                const std::vector<std::pair<std::string, std::string>>& vars = {});
Told told_text(const std::string& text);

/// The facts of a host web1 of the groups web and europe, as web1.json; and a manifest read with such a file alone.
std::string recorded_text();
Reading read_elsewhere(const std::string& text, const std::string& recorded);

/// Ids of all resources, in order, those that are to be absent with a `-`; edges as `a -> b`. There must be no mistake.
std::string ids(const Reading&);
std::string edges(const Reading&);

/// What parse_yaml makes of a text, as JSON, or the error as a person reads it.
std::string parsed(const std::string& text);

}  // namespace chaos::test
