// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/schema.hpp>
#include <chaos/source.hpp>

namespace chaos::gitops {

/// Where the manifest is looked for in a repository: paths, tried in the order in which they stand. `{{ host.name }}`
/// and other expressions of facts may be in them; one with `{{ group }}` is tried with each of host.groups.
struct Candidates {
    std::vector<std::string> list;
    friend bool operator==(const Candidates&, const Candidates&) = default;
};

/// What the timer does beside asking.
enum class Following : char {
    upgrade,  ///< New commits are applied.
    heal,     ///< That, and what drifted is put right.
    notify,   ///< Nothing is changed: status, metrics and hooks tell.
};

/// What /etc/chaos/gitops.yml says.
struct Settings {
    std::string url{}, ref{};
    Candidates path{{"hosts/{{ host.name }}.yml", "groups/{{ group }}.yml", "site.yml"}};
    Following mode = Following::upgrade;
    Seconds interval{300}, splay{30}, full_scan{6 * 3600};
    std::optional<Path> verify{};
    bool allow_rewind = false, submodules = true, watch = false;

    std::optional<std::string> username{};
    std::optional<Path> token_file{}, certificate{}, certificate_key{}, ca{}, ssh_key{}, known_hosts{};
    std::optional<std::string> proxy{};

    std::optional<Path> metrics{}, events{};
    std::optional<std::string> webhook{};
    std::optional<Path> webhook_secret{};
    std::optional<Words> command{};

    friend bool operator==(const Settings&, const Settings&) = default;
};

/// The declaration: decoding, the page of the manual and the check of the file read this.
const Schema& settings_schema();

/// Reads a text of settings; every mistake goes to `problems` with its place, and the answer is then not to be used.
Settings read_settings(Sources&, const std::string& name, std::string text, Diagnostics& problems);

Settings settings_from(const Value&, Diagnostics& problems);  ///< The same, of what was read.

/// As a file: what is not as it would be anyway. read_settings() of it gives the same.
std::string to_text(const Settings&);

/// The attributes as a table of Markdown, and what each says.
std::string settings_reference();

}  // namespace chaos::gitops

namespace chaos {

template <>
struct Codec<gitops::Candidates> {
    static constexpr std::string_view name = "path or list of paths",
                                      json = R"({"type":["string","array"],"items":{"type":"string"}})";
    static constexpr Merge merge = Merge::whole;
    static gitops::Candidates decode(const Value& value);
    static Value encode(const gitops::Candidates& paths);
};

}  // namespace chaos
