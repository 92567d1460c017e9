// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include "documents.hpp"

namespace chaos {

/// Manifests of Ch-aOS (Ch-obolos), and those of Ch-aronte before it: what they spell otherwise is rewritten before
/// anything else looks at it. docs/chobolo.md has every key.
namespace chobolo {

/// Words of older generations get their present name, with a remark each.
void spell_anew(Value& root, Diagnostics& problems);

/// An item of `imports`: another file, which wins.
struct Import {
    enum class Strategy : char {
        combine,    ///< Mappings key by key, to any depth; lists and scalars are replaced.
        override_,  ///< What the imported file has at its top level replaces ours.
        merge,      ///< As combine, and the lists of `keys` are united.
    };
    Value file;
    Strategy strategy = Strategy::combine;
    std::vector<std::string> keys{};
};
Import parse_import(const Value& item);

/// Where an imported file may be, likeliest first: beside the manifest, or from a folder `Ch-obolos` above it.
std::vector<std::string> places_of_import(const std::string& directory, const std::string& file);

/// Lays what was imported over what imports it.
void lay_import(Value::Map& ours, Value::Map imported, const Import&);

/// What is said in one section and stands for others, or says to whom sections are given.
class Customs {
public:
    Customs(Scope& scope, const Registry& registry, Diagnostics& problems)
        : scope_(scope), registry_(registry), problems_(problems) {}

    /// All documents of a site, lowest first.
    void read(std::vector<Document>& documents);

private:
    void tell_what_stays(const std::vector<Document>& documents);
    void restrict(std::vector<Document>& documents);
    void check_partitioning(const Value& said);
    void make_secret_files(Document& document);
    void find_dense_services(Document& document);
    std::vector<std::string> units_that_begin(const std::string& name);

    Scope& scope_;
    const Registry& registry_;
    Diagnostics& problems_;
};

}  // namespace chobolo
}  // namespace chaos
