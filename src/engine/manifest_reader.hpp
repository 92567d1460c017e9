// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/module_source.hpp>
#include <map>
#include <utility>
#include "declaration.hpp"
#include "documents.hpp"
#include "modules.hpp"

namespace chaos {

/// What all manifests of a site share while they are read.
struct Reading {
    Sources& sources;
    const ReadContext& context;
    Diagnostics& problems;
    ReadContext of_modules;  ///< Without what --var gives, which is for the site's variables.
    Scope scope;             ///< Of the site.
    Modules modules;
    std::optional<Secrets> secrets{};  ///< Of the site; where keys were given to open them with.
    Site site{};
    std::string modules_beside{};                             ///< The first manifest: the site's own modules.
    std::vector<std::pair<std::string, std::string>> open{};  ///< Modules being read: real path, name.
    std::optional<ModuleLock> lock{};                         ///< Once a module from elsewhere is used.
    std::vector<std::string> held_to_lock{};  ///< Directories of such modules that were compared with it.

    Reading(Sources& all, const ReadContext& how, Diagnostics& found)
        : sources(all), context(how), problems(found), of_modules(how), scope(all, how), modules(scope) {
        of_modules.vars.clear();
    }

    template <class Act>
    void guarded(Place at, Act act) {
        try {
            act();
        } catch (Error& error) {
            if (!error.where) error.where = at;
            problems.add(std::move(error));
        }
    }
};

/// Reads the documents of one manifest, the site (0) or a module, into layers of its own: what its modules say lowest,
/// then each document over the one before.
class ManifestReader {
public:
    ManifestReader(Reading& reading, Scope& scope, std::uint32_t number)
        : reading_(reading),
          number_(number),
          scope_(scope),
          layers_(reading.context.registry, reading.problems, reading.context.provenance != nullptr),
          sections_(reading.context.registry, scope, layers_, reading.problems) {}

    Layers& layers() { return layers_; }

    /// False where versions or modules are wrong: what would be said of the rest would mislead.
    bool read(std::vector<Document>& documents);

private:
    void read_secrets(std::vector<Document>& documents);
    void read_variables(std::vector<Document>& documents);
    void refuse_overlap(const Value::Map& below, const Value::Map& above);
    void use_modules(Document& document);

    /// Top-level keys that are modules of chaos: what all documents say of one is one use of it.
    void use_sections(std::vector<Document>& documents);
    bool is_module(const Value& key) const;
    void use_in_block(const Value& block, const Value& uses);
    void use_module(Use use);
    std::string name() const { return number_ ? reading_.modules[number_].path : std::string(); }
    std::string path() const { return number_ ? reading_.modules[number_].path + "/" : std::string(); }

    /// modules/ beside the manifest that says `use`; beside it where that is a module; the site's.
    std::vector<std::string> places_of_modules(Place from) const;
    void open_module(const Use& use, Module module);
    void read_module(const Use& use, std::uint32_t number, const std::string& name, std::vector<Document> documents,
                     Scope& scope);
    void note_document(const Document&);
    void note_use(const Use&, std::uint32_t number, const std::string& file, const Value* declared, Scope& scope);
    /// The file of a module that comes from elsewhere. Throws Error unless what is kept is what chaos.lock says.
    std::string fetched_file(const Use& use) const;
    std::vector<Document> documents_of(const Use& use, const std::string& file, Scope& scope, Diagnostics&);

    /// Needs on what a module would declare are dropped while it is not used. What is wrong in it is nobody's concern.
    void note_switched_off(Use use);

    /// A module of chaos may speak of kinds that are not in this registry: that is told, where it would say something.
    void tell_missing_kinds(Value& manifest) const;
    static const Document& main_of(const std::vector<Document>& documents);

    /// A path as a person finds it: from where the first manifest stands, where it is below.
    std::string shown(const std::string& real) const;
    void export_values(const std::string& name, Value exports, Scope& scope);
    void check_assertions(const Value& said);
    void read_layer(Document& document, std::uint32_t layer);

    /// Of every section that the file has, at its top level, in `absent` and in blocks.
    void drop_sections(const Value::Map& map);
    void top_level(const Value& key, Value& value);

    /// Some words are a site's, some a module's.
    void check_whose(const Value& key) const;
    void read_blocks(Value blocks);
    void protect(const Value& value);
    void exclusive(const Value& value);
    void read_checks(const Value& said);
    void confirm(Value value);
    Reading& reading_;
    std::uint32_t number_;
    Scope& scope_;
    Layers layers_;
    Sections sections_;
    Value::Map exports_, exports_deciding_;  // the second without what may not decide what exists
    std::map<std::string, Place> uses_;
};

}  // namespace chaos
