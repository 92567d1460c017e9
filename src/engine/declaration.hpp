// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>
#include <chaos/provenance.hpp>
#include <unordered_map>
#include <unordered_set>

namespace chaos {

/// One entry of a section as one layer says it: spelled out, its attributes under their own names.
struct Declaration {
    const ResourceType* type = nullptr;
    std::string key;          ///< Clean; empty where a host has one of the kind.
    std::string called{};     ///< The key as it was written, where `name_on` gave it another one.
    Value::Map body;          ///< Attributes and meta attributes.
    Place where;              ///< Of the key.
    std::uint32_t layer = 0;  ///< Which document, lowest first.
    std::uint32_t part = 0;   ///< Which section, block or `absent` of it: twice in one is an error.
    bool absent = false;
    bool at_home = false;                  ///< `~` is in its key.
    bool by_site = true;                   ///< A manifest of the site says it, not modules alone.
    std::vector<std::uint32_t> modules{};  ///< Uses of modules that say it, in order.
    Value::Map bound{};          ///< `item` and `loop` of an each, for a template: it is rendered when all is laid.
    std::vector<Saying> said{};  ///< Who says what of it, where somebody asks.

    ResourceId id() const { return {type->schema().name, key}; }
    const Value* find(std::string_view name) const;
    void remove(std::string_view name);
};

/// What a resource is called while layers are laid: kind and clean key.
struct IdHash {
    std::size_t operator()(const ResourceId& id) const {
        return std::hash<std::string_view>()(id.key) * 31 + std::hash<const void*>()(id.type.data());
    }
};
using Numbers = std::unordered_map<ResourceId, std::uint32_t, IdHash>;
using Ids = std::unordered_set<ResourceId, IdHash>;

/// The entries of all layers, laid on each other by id (manifest.md section 10).
class Layers {
public:
    Layers(const Registry& registry, Diagnostics& problems, bool tells = false)
        : registry_(registry), problems_(problems), tells_(tells) {}

    /// Layers come lowest first.
    void lay(Declaration);

    /// What a lower layer declares, higher ones say is not to be there; nothing where none does.
    void lay_absent(Declaration);

    /// `without`: forgets what lower layers said; a pattern, or an id that one of them must have declared.
    void forget(const Value& pattern);

    /// What a module says, as one layer: its labels get its name in front.
    void lay_module(Layers& module, std::uint32_t part, const std::string& name);

    /// Of a module that is not used now: all that it would say is switched off.
    void lay_off(const Layers& module, const std::string& name);

    /// Entries that follow may lie on nothing; or, of these sections, nothing lies below them.
    void lay_strictly(bool strict) { strict_ = strict; }
    void drop(const ResourceType&, Place by);
    void drop(const ResourceId&, Saying::How, Place by);

    /// `when` was false: needs on it are dropped.
    void switched_off(ResourceId id, Place when);
    bool has(const ResourceType&) const;  ///< Whether something of this kind is declared, and not absent.
    bool is_off(const ResourceId& id) const { return off_.find(id) != off_.end(); }

    /// All that stands, in order of first writing.
    std::vector<Declaration> take();

    /// Whether it is to be noted who says what.
    bool tells() const { return tells_; }

    /// What was said of entries that do not stand, or did not at first.
    std::vector<Provenance::Gone> gone() const;

private:
    void lay_higher(Declaration& below, Declaration above);
    void lay_beside(Declaration& held, Declaration other);
    void bury(std::uint32_t entry, Saying::How how, Place by);

    const Registry& registry_;
    Diagnostics& problems_;
    std::vector<Declaration> entries_;
    std::vector<bool> gone_;
    Numbers numbers_;
    Ids off_;
    bool strict_ = false, tells_ = false;
    std::unordered_map<ResourceId, std::vector<Saying>, IdHash> buried_;
};

/// True where a kind's keys name nothing on the host but the entry itself: each module has its own.
bool has_labels(const Schema&);

/// `web/exec:warm` as `exec:web/warm`, `~eve/service:x` as `service:~eve/x`; any other text as it is.
std::string plain_id(std::string_view text, const Registry&);

/// The attributes that say the same thing in different ways (`content`, `source`), by the one they become: a Field's
/// own name where there is no other.
std::string_view said_by(const Schema&, std::string_view attribute);

/// Every attribute that needs no schema: name and what it is, in the order of the reference.
struct Word {
    std::string_view name, doc;
    bool understood = true;
};
std::span<const Word> meta_attributes();
const Word* find_meta(std::string_view name);

/// What a word of another tool is called here; empty where it is nobody's.
std::string_view foreign_attribute(std::string_view word);
std::string_view foreign_section(std::string_view word);

/// What may stand at the top level beside sections.
std::span<const Word> top_level_words();

class Modules;
class Scope;

/// What `as` calls the item of an `each`. Throws Error where no expression could name it so.
std::string name_of_item(const Value& as);

/// A place that is known until this ends.
class Standing {
public:
    Standing(Place& held, Place now) : held_(held) { held = now; }
    ~Standing() { held_ = {}; }
    Standing(const Standing&) = delete;

private:
    Place& held_;
};

/// So many mistakes that whatever is read from here on is not looked at: nobody mends a thousand by hand, and each
/// costs a look for its place.
inline bool too_many(const Diagnostics& problems) {
    return problems.errors().size() >= 1000;
}

/// Turns sections into entries: every spelling, `each`, `when`, expressions.
class Sections {
public:
    Sections(const Registry& registry, Scope& scope, Layers& layers, Diagnostics& problems)
        : registry_(registry), scope_(scope), layers_(layers), problems_(problems) {}

    /// Where the sections that follow stand.
    void stand_in(std::uint32_t layer, std::uint32_t module) { layer_ = layer, module_ = module; }

    /// What follows is as if it were not written; only its ids are noted.
    void switch_off_all() { all_off_ = true; }

    /// One section; `shared` are the meta attributes of the block it stands in.
    void read(const ResourceType&, Value section, bool absent, const Value::Map* shared = nullptr);
    void read_absent(Value sections, const Value::Map* shared = nullptr);
    void read_block(Value block);

    /// The kind whose section a key names; `beside` are words that may stand there as well. Throws Error with "did you
    /// mean".
    const ResourceType* section_of(const Value& key, std::span<const std::string_view> beside = {}) const;

private:
    void read_list(const ResourceType&, Value list, bool absent, const Value::Map* shared, int depth = 0);
    void read_map(const ResourceType&, Value map, bool absent, const Value::Map* shared);
    void item(const ResourceType&, Value item, bool absent, const Value::Map* shared, int depth);
    void one(const ResourceType&, Value key, Value body, bool absent, const Value::Map* shared);
    void unrolled(const ResourceType&, Value key, Value::Map body, bool absent);
    bool takes_turns(std::size_t count, Place where);
    std::string home_for(Value::Map& body);
    std::string prefix_of(const Schema&, std::string_view key, const Value::Map& body);
    void expand_home(const Schema&, Value::Map& body);
    Value::Map attributes(const ResourceType&, const Value& key, Value body) const;
    void clean_names(const ResourceType&, Value::Map& body);
    void switch_off(const Declaration& entry, const Value::Map& body, Place when);
    void lay(Declaration entry);
    void lay_given(const Field&, Declaration& giver);
    std::string note_on_place() const;
    Error unknown_attribute(const Schema&, const Value::Entry&, const Value::Entry* before) const;

    const Registry& registry_;
    Scope& scope_;
    Layers& layers_;
    Diagnostics& problems_;
    std::uint32_t layer_ = 0, module_ = 0, part_ = 0;
    bool all_off_ = false;
    std::unordered_map<std::string, std::string> homes_;  // by person
    Place block_{}, turn_{};      // what is being read stands in this block, in a turn of this each
    std::size_t turns_left_ = 0;  // of the block's each, this one among them
    std::string block_item_;      // what that calls its item
};

/// Entries become resources: attributes decoded, files beside the manifest read, templates rendered, ids resolved.
void compile(std::vector<Declaration>, const Registry&, const Layers&, Sources&, const Modules&, Site&,
             Diagnostics& problems, Provenance* = nullptr);

}  // namespace chaos
