// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>

namespace chaos {

class History;

/// One thing that a manifest says of a variable, an entry or an attribute, and how it lies on what was said before.
struct Saying {
    enum class How : char {
        first,      ///< Nothing was said of it below.
        replaces,   ///< Lies over what was said below.
        adds,       ///< `name+`: adds to it.
        unites,     ///< A mapping, laid on another one key by key.
        removes,    ///< null: takes it away.
        agrees,     ///< Of equal height, and says the same.
        forgotten,  ///< `without`: what lower layers said is forgotten.
        dropped,    ///< `strategy: override`, or what it belonged to became absent or present.
        off,        ///< Its `when` does not hold: as if it were not written.
    };
    How how = How::first;
    std::string what{};    ///< The attribute; empty: the entry itself.
    Place where{};         ///< Nowhere: it was on the command line.
    Value value{};         ///< What is said; of an entry only whether it is to be there.
    Place over{};          ///< What was said below, where there is something.
    std::string note{};    ///< "in the block at site.yml:3:5".
    std::string secret{};  ///< The name of the secret that it is the whole of.
};
std::string_view to_text(Saying::How);

/// Who said what of a site, for explain and compile. Made while a site is read, and only where somebody asks
/// (ReadContext::provenance): a run pays nothing for it.
struct Provenance {
    /// How a file came to be read.
    struct File {
        enum class Word : char { asked, include, overlay, module, other } word = Word::other;
        Place from{};          ///< Who names it.
        std::string module{};  ///< The use of a module that reads it; empty: the site.
    };
    std::vector<File> files{};  ///< By number of the source; later ones have none.

    struct Variable {
        std::string module{}, name{};
        std::vector<Saying> said{};
        Value value{};         ///< After expressions.
        std::string failed{};  ///< Why it has no value.
    };
    std::vector<Variable> variables{};

    /// A value that a module is given, or gives back.
    struct Given {
        std::string name;
        Value value{};        ///< Typed, after expressions.
        Place where{};        ///< Of `with`, of the default, or of `exports`.
        bool written = true;  ///< False: the default of params.
    };
    struct Use {
        std::string path;  ///< `web/tls`
        std::string file;
        Place where{};  ///< Of the `use`; of what switched it off, where it is off.
        bool off = false;
        std::vector<Given> params{}, exports{};
    };
    std::vector<Use> uses{};

    std::vector<std::vector<Saying>> resources{};  ///< By number in the catalog.
    std::vector<Value::Map> metas{};               ///< Likewise: meta attributes as they hold, but doc, tags and links.
    struct Gone {
        ResourceId id;
        std::vector<Saying> said;
    };
    std::vector<Gone> gone{};  ///< Declared somewhere, and not in the catalog.

    /// Why one comes before another, as it is written.
    struct Link {
        std::uint32_t from, to;
        std::string_view word;  ///< needs, before, watch, notify.
        Place where;
    };
    std::vector<Link> links{};
    Value secrets{};  ///< The files of secrets, as the manifest names them.
};

/// Where --only or --skip left something out of the catalog: numbers as they are now.
void renumber(Provenance&, std::span<const ResourceId> before, const Catalog& after);

/// An edge nobody wrote, with what it follows from.
struct Implied {
    Graph::Edge edge;
    std::string name;      ///< The claim: `path:/etc/nginx`, `user:www`.
    bool watches = false;  ///< The later one reacts, too.
};

/// All implied edges of a catalog; of those, order() drops the ones that close a circle.
std::vector<Implied> implied_edges(const Catalog&);

/// Why one that listens would react now, or would not: a state, and no event (manifest.md section 8).
struct Listening {
    enum class Why : char {
        nothing,        ///< It listens to nothing.
        not_there,      ///< It is to be made, and starts with what is there then.
        never,          ///< It never ran, as far as our notes go.
        differs,        ///< What it watches differs from what it took note of.
        somebody_else,  ///< Somebody else started it, and what it watches changed since: what it read is not known.
        does_not_run,   ///< Nothing of it has old inputs.
        fresh,          ///< It started after the last change of all it watches.
        as_noted,       ///< All is as it took note of.
        first_seen,     ///< Nothing is noted of it: it counts as up to date with what is there.
    } why = Why::nothing;
    bool due = false;
    std::vector<std::string> inputs{}, differ{};  ///< By `id.attribute`; those that differ.
};
Listening listening_of(const Catalog&, std::uint32_t number, const View&, const History*, const States& observed,
                       const States& goal);

/// The edges without those that follow from others of them.
std::vector<Graph::Edge> reduced(const Graph&);

/// Whether every resource may say this: `when`, `needs`.
bool is_meta_attribute(std::string_view name);

/// How emit() writes.
struct EmitOptions {
    bool origin = true;  ///< Above each entry a comment that says where it comes from.
    bool json = false;
    bool lists = false;                     ///< A section in which entries are no more than their key is a list.
    std::vector<const Schema*> sections{};  ///< First these, also where there is nothing in them.
};

/// The site as one manifest in which everything is resolved: read again, it gives the same catalog and, without
/// origins, the same text. A secret stays the name of a secret where it is the whole of a value; where it is not, that
/// goes to `problems`, and so does a content that is no text and has no file beside the manifest.
std::string emit(const Site&, const Sources&, const Provenance&, EmitOptions, Diagnostics& problems);

}  // namespace chaos
