// SPDX-License-Identifier: Apache-2.0
// Sections that are all there shall be: what else there is, as entries that are to be absent.
#include <algorithm>
#include <chaos/manifest.hpp>

namespace chaos {

namespace {

State named(const Schema& schema, const std::string& key) {
    auto spec = schema.make();
    schema.key()->set(spec.get(), key);
    return State(std::move(spec));
}

}  // namespace

void add_others(Site& site, const View& view, const Registry& registry, const std::set<std::string>& of_other_sites) {
    if (!site.whole) return;
    for (const auto& [type, where] : site.exclusive) {
        std::vector<std::string> declared;
        for (const Resource& resource : site.catalog)
            if (resource.type == type) declared.push_back(resource.id.key);
        std::sort(declared.begin(), declared.end());
        for (const std::string& key : type->others(view, declared)) {
            Resource resource;
            resource.id = {type->schema().name, type->schema().clean ? type->schema().clean(key) : key};
            const bool is_protected = std::any_of(site.protect.begin(), site.protect.end(), [&](const std::string& p) {
                return matches(p, resource.id, registry);
            });
            if (std::binary_search(declared.begin(), declared.end(), resource.id.key) || is_protected ||
                of_other_sites.contains(to_text(resource.id)))
                continue;
            resource.type = type;
            resource.wanted = named(type->schema(), resource.id.key);
            resource.absent = resource.exclusive = true;
            resource.where = where;
            resource.doc = "not declared, and exclusive";
            site.catalog.push_back(std::move(resource));
        }
    }
}

}  // namespace chaos
