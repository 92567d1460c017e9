// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/cache.hpp>
#include <chaos/check.hpp>
#include <chaos/plan.hpp>
#include <chaos/registry.hpp>
#include <set>

namespace chaos {

/// Reads a YAML (or JSON) document by events, strictly (manifest.md section 1); the only code that knows yaml-cpp.
/// Throws Error. With a cache, a document that was read before is taken from there by the digest of its text.
Value parse_yaml(Sources&, std::uint16_t source, Cache* = nullptr);

/// The kept form of a parsed document. thaw() gives back what freeze() took, places included, as of another source
/// number.
std::string freeze(const Value&);
std::optional<Value> thaw(std::string_view frozen,
                          std::uint16_t source);  ///< Nothing where the bytes are not of this program's making.

struct RecordedHost;
struct Provenance;
struct KeyRing;

/// What reading a manifest needs to know besides its text.
struct ReadContext {
    const Registry& registry;
    const View& view;  ///< For facts.
    Cache* cache = nullptr;
    std::string host_name;  ///< host.name; empty: /etc/chaos/host.yml, else the host's own name.
    std::vector<std::pair<std::string, std::string>> vars{};  ///< --var NAME=VALUE, over everything.
    std::optional<std::vector<std::string>> groups{};         ///< host.groups; nothing: those of /etc/chaos/host.yml.
    const RecordedHost* recorded = nullptr;                   ///< Whose facts hold, instead of the view's.
    Provenance* provenance = nullptr;                         ///< Where somebody asks who said what.
    const KeyRing* keys = nullptr;                            ///< What opens `secrets:`; null: they are not read.
};

/// Everything a site says, as resources by number.
struct Site {
    std::string name;
    std::string origin;  ///< Where it came from: the real path of the first manifest.
    Catalog catalog;
    std::vector<Graph::Edge> edges;  ///< As written: needs, before, watch, notify.
    Graph graph{};  ///< What order() made of this catalog, where it was asked already; of another size where not.
    std::vector<std::string> secrets{};  ///< Texts of `secrets:` that something asked for: never to be shown.
    std::vector<std::string> protect;    ///< Ids and patterns that are never removed.
    struct Exclusive {
        const ResourceType* type;
        Place where;
    };
    std::vector<Exclusive> exclusive;       ///< Kinds whose section is all there shall be.
    std::vector<Check> checks{};            ///< In the order in which they are asked.
    std::optional<std::int64_t> confirm{};  ///< As of a Resource, for every change.
    bool owns = true;   ///< False: nobody declares this, and nothing of it comes to belong to a site: an upgrade.
    bool whole = true;  ///< False where --only or --skip left something out: then nothing is released.
    std::vector<std::pair<std::uint32_t, std::string>>
        reads{};  ///< Resources whose `source` is an absolute path, with it: it was read while the manifest was.
};

/// Reads one or more manifests (the later laid over the earlier), with what they include and overlay, to the end; all
/// mistakes go to `problems`, and the site is then not to be used. Touches nothing.
Site read_site(Sources&, const std::vector<std::string>& paths, const ReadContext&, Diagnostics& problems);

/// What would end differently in another order, or never end the same twice, found in the site alone: two resources for
/// one path, a command that creates what a file declares, a file beneath what comes later. Certain ones are errors,
/// likely ones remarks; each shows both places and what would mend it. `graph` is what order() made of it, without a
/// circle.
void find_conflicts(const Site&, const Graph&, Diagnostics& problems);

/// What a host has beside what `exclusive` sections declare joins the catalog, as what is to be absent: but for what is
/// protected, and what other sites own (by id).
void add_others(Site&, const View&, const Registry&, const std::set<std::string>& of_other_sites);

/// Keeps what is named (ids, patterns, tags) and what it needs, or all but what is named. Throws Error where a name
/// fits nothing.
void select(Site&, const Registry&, const std::vector<std::string>& only, const std::vector<std::string>& skip);

/// True where `pattern` (an id in any of its spellings, `*` matching any text) names this resource.
bool matches(std::string_view pattern, const ResourceId&, const Registry&);
bool matches(std::string_view pattern, const Resource&, const Registry&);  ///< Also as the manifest calls it.

/// The id that a person wrote: plural or singular, key made clean. Throws Error with "did you mean".
ResourceId parse_id(std::string_view text, const Registry&, Place where = {});

std::string explain(
    const Registry&,
    std::string_view topic);               ///< A kind, a kind.attribute, a fact; empty topic: what there is. Markdown.
std::string json_schema(const Registry&);  ///< Of a manifest, for editors: JSON Schema 2020-12.

}  // namespace chaos
