// SPDX-License-Identifier: Apache-2.0
// Sections, and directories, that hold what is declared and nothing else: what else there is, as entries that are to be
// absent.
#include <algorithm>
#include <chaos/manifest.hpp>

namespace chaos {

namespace {

class Others {
public:
    Others(Site& site, const View& view, const Registry& registry, const std::set<std::string>& of_other_sites)
        : site_(site),
          view_(view),
          registry_(registry),
          of_other_sites_(of_other_sites),
          declared_(site.catalog.size()) {}

    void beside(const Site::Exclusive& section) {
        const ResourceType& type = *section.type;
        std::vector<std::string> declared;
        for (std::size_t i = 0; i < declared_; ++i)
            if (site_.catalog[i].type == &type) declared.push_back(site_.catalog[i].id.key);
        std::sort(declared.begin(), declared.end());
        for (const std::string& key : type.others(view_, declared)) {
            const std::string clean = type.schema().clean ? type.schema().clean(key) : key;
            if (!std::binary_search(declared.begin(), declared.end(), clean))
                add(type, only_named(type.schema(), clean), clean, section.where, "not declared, and exclusive");
        }
    }

    void within(std::size_t number) {
        const Resource& resource = site_.catalog[number];
        if (resource.absent) return;
        const Place where = resource.where;
        for (auto& [type, wish] : resource.type->held(view_, resource.wanted)) {
            const std::string path = type->schema().key()->get(wish.spec()).text();
            const auto declared = paths().lower_bound(path);  // it, or something in it
            if (declared != paths_.end() && (*declared == path || declared->starts_with(path + "/"))) continue;
            add(*type, std::move(wish), path, where, "not declared, and purge");
        }
    }

private:
    void add(const ResourceType& type, State wish, const std::string& key, Place where, const char* why) {
        Resource resource;
        resource.id = {type.schema().name, key};
        const bool is_protected = std::any_of(site_.protect.begin(), site_.protect.end(),
                                              [&](const std::string& p) { return matches(p, resource.id, registry_); });
        if (is_protected || of_other_sites_.contains(to_text(resource.id))) return;
        resource.type = &type;
        resource.wanted = std::move(wish);
        resource.absent = resource.exclusive = true;
        resource.where = where;
        resource.doc = why;
        site_.catalog.push_back(std::move(resource));
    }

    /// Of all that is declared, whatever its kind.
    const std::set<std::string>& paths() {
        if (!paths_.empty()) return paths_;
        std::vector<Claim> claims;
        for (std::size_t i = 0; i < declared_; ++i) site_.catalog[i].type->claims(site_.catalog[i].wanted, claims);
        for (const Claim& claim : claims)
            if (claim.name.starts_with("path:") && claim.role != Claim::Role::needs)
                paths_.insert(claim.name.substr(5));
        for (const std::string& id : of_other_sites_)
            if (const auto colon = id.find(':'); !id.starts_with('~') && id.compare(colon + 1, 1, "/") == 0)
                paths_.insert(id.substr(colon + 1));
        return paths_;
    }

    Site& site_;
    const View& view_;
    const Registry& registry_;
    const std::set<std::string>& of_other_sites_;
    std::size_t declared_;
    std::set<std::string> paths_;
};

}  // namespace

void add_others(Site& site, const View& view, const Registry& registry, const std::set<std::string>& of_other_sites) {
    if (!site.whole) return;
    Others others(site, view, registry, of_other_sites);
    const std::size_t declared = site.catalog.size();
    for (const auto& section : site.exclusive) others.beside(section);
    for (std::size_t i = 0; i < declared; ++i) others.within(i);
}

}  // namespace chaos
