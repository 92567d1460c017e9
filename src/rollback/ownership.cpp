// SPDX-License-Identifier: Apache-2.0
// Whose a resource is: what left the manifest goes back, what is another site's is refused.
#include <fmt/format.h>
#include <map>
#include <set>

#include <chaos/transaction.hpp>

namespace chaos {

namespace {

std::string id_of(const OwnedRecord& record) {
    return record.key.empty() ? record.type : record.type + ":" + record.key;
}

/// A wish that names a resource and says nothing else of it: for what was, or shall be, absent.
State named(const Schema& schema, const std::string& key) {
    auto spec = schema.make();
    if (const Field* field = schema.key()) field->set(spec.get(), key);
    return State(std::move(spec));
}

}  // namespace

void add_leavings(Site& site, const Registry& registry, const std::vector<OwnedRecord>& owned) {
    if (!site.whole) return;
    std::set<std::pair<std::string_view, std::string_view>> declared;
    for (const Resource& resource : site.catalog) declared.emplace(resource.id.type, resource.id.key);
    for (const OwnedRecord& record : owned) {
        if (record.site != site.name || declared.contains({record.type, record.key})) continue;
        const ResourceType* type = registry.type(record.type);
        if (!type) continue;  // a newer program's: left as it is
        const Schema& schema = type->schema();
        Diagnostics problems;
        Resource resource;
        resource.id = {schema.name, record.key};
        resource.type = type;
        resource.leaving = true;
        resource.keep = record.keep;
        resource.doc = record.where;
        resource.recorded = record.attributes.is_null() ? State() : decode(schema, record.attributes, problems);
        // What was made absent is not brought back, and what is kept stays: nothing to do but to let go of it.
        const bool stays = record.keep || record.attributes.is_null();
        resource.absent = !stays && record.origin.is_null();
        if (stays)
            resource.wanted = resource.recorded;
        else if (!record.origin.is_null())
            resource.wanted = decode(schema, record.origin, problems);
        if (!resource.wanted) resource.wanted = named(schema, record.key);
        if (problems.ok()) site.catalog.push_back(std::move(resource));
    }
}

void check_ownership(const Site& site, const History& history, Diagnostics& problems) {
    const std::string origin = history.site_origin(site.name);
    const auto owned = history.owned();
    if (!origin.empty() && origin != site.origin && !owned.empty())
        problems.add(
            Error(fmt::format("site '{}' was applied from {}, and this is {}", site.name, origin, site.origin))
                .help(fmt::format("another site? give it a 'name:' of its own; moved? apply it once with --moved")));
    std::map<std::pair<std::string_view, std::string_view>, const OwnedRecord*> others;
    for (const OwnedRecord& record : owned)
        if (record.site != site.name) others[{record.type, record.key}] = &record;
    for (const Resource& resource : site.catalog) {
        const auto held = others.find({resource.id.type, resource.id.key});
        if (held == others.end()) continue;
        problems.add(
            Error(resource.where, fmt::format("{} belongs to site '{}'", to_text(resource.id), held->second->site))
                .note({}, fmt::format("it is declared at {}",
                                      held->second->where.empty() ? "another manifest" : held->second->where))
                .help(fmt::format("take {} out of one of the two manifests", id_of(*held->second))));
    }
}

}  // namespace chaos
