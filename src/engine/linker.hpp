// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "modules.hpp"
#include "provenance.hpp"
#include "references.hpp"

namespace chaos {

/// What a declaration says of others, by the place where it says it.
struct Links {
    std::uint32_t of;
    Value needs, before, watch, notify;
};

/// Makes edges and watches of what declarations and uses of modules say of others.
class Linker {
public:
    Linker(Site& site, const Registry& registry, const Layers& layers, const Modules& modules, Diagnostics& problems,
           Provenance* provenance)
        : site_(site),
          references_(site.catalog, registry, layers, modules),
          modules_(modules),
          by_module_(modules.all().size() + 1),
          problems_(problems),
          provenance_(provenance) {}

    void link(const Links& said);

    /// Only modules declare it: what their uses say holds for it.
    void belongs(std::uint32_t resource, const std::vector<std::uint32_t>& modules);

    /// What a `use` says of all the resources that nothing else declares.
    void link_module(std::uint32_t number);

    void finish();

private:
    /// Each of many that names a pattern of many: told once, and the rest is let be.
    bool fits(Place at);
    void edge(Graph::Edge edge, std::string_view word, Place at);
    void watch(std::uint32_t who, std::uint32_t what, std::string_view word, Place at);
    void bind(const std::string& word, const std::vector<std::uint32_t>& others, Place at,
              const std::vector<std::uint32_t>& mine);
    template <class Act>
    void each(const Value& said, std::uint32_t me, Act act);

    Site& site_;
    References references_;
    const Modules& modules_;
    std::vector<std::vector<std::uint32_t>> by_module_;
    bool too_many_ = false;
    Diagnostics& problems_;
    Provenance* provenance_;
};

}  // namespace chaos
