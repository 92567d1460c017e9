// SPDX-License-Identifier: Apache-2.0
#include <chaos/plan.hpp>

#include "kinds.hpp"
#include "paths.hpp"

namespace chaos::resources {
namespace {

struct Link {
    std::string path{}, to{};
};

constexpr Field fields[] = {
    schema::key<&Link::path>("path", "Where it is.").example("/etc/nginx/sites-enabled/shop"),
    schema::property<&Link::to>("to", "What it leads to: an absolute path, or one relative to where the link is.")
        .needed()
        .example("../sites-available/shop"),
};

constexpr Schema link =
    schema::of<Link>("link", "links", Order::link, "A symbolic link.", fields).body("to").keyed(schema::clean_path);

/// Where it leads to, as an absolute path; empty where that is nowhere.
std::string target_of(const Link& spec) {
    std::string path = spec.to.starts_with('/') ? "" : parent_of(spec.path);
    for (std::size_t at = 0; at < spec.to.size();) {
        const auto end = std::min(spec.to.find('/', at), spec.to.size());
        const auto part = std::string_view(spec.to).substr(at, end - at);
        at = end + 1;
        if (part.empty() || part == ".") continue;
        if (part == "..")
            path = parent_of(path);
        else
            path = below(path, part);
    }
    return path;
}

class LinkType final : public TypedResource<Link> {
public:
    constexpr LinkType() : TypedResource(link) {}

    std::optional<Link> observe(const View& view, const Link& wanted, bool) const override {
        Link found{.path = wanted.path};
        const auto entry = view->look(wanted.path, &found.to, 0);
        if (!entry) return std::nullopt;
        if (entry.kind != Entry::Kind::link)
            throw Error(wanted.path + " is there already and no symbolic link")
                .help("move it away: mv " + wanted.path + " " + wanted.path + ".orig");
        return found;
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            const Change& change = changes[i];
            if (!change.after) continue;
            if (!change.before) parents.above(change.id.key, i, change.where, problems);
        }
        return parents.take();
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        constexpr std::size_t longest = 4095;  // PATH_MAX, without the zero at its end
        const Link& spec = *resource.wanted.as<Link>();
        refuse_own_state(resource, spec.path, false, problems);
        if (resource.absent) return;
        if (spec.to.empty())
            problems.add(Error(resource.where, spec.path + " leads nowhere: its target is empty")
                             .help("write the path it is to lead to"));
        else if (spec.to.size() > longest || spec.to.find('\0') != std::string::npos)
            problems.add(
                Error(resource.where, std::string("expected a path as target, found one ") +
                                          (spec.to.size() > longest ? "of more than 4095 bytes" : "with a zero byte"))
                    .help("write the path it is to lead to"));
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const Link& spec = *state.as<Link>();
        claim_path(spec.path, {}, {}, claims);
        if (spec.to.starts_with('/')) claims.push_back({Claim::Role::needs, "path:" + spec.to});
        if (const auto to = target_of(spec); !to.empty()) claims.push_back({Claim::Role::leads, "path:" + to});
    }

    bool batches() const override { return true; }

    void apply(WritableHost& host, const Link* from, const Link* to, bool) const override {
        if (to)
            host.make_link(to->path, to->to);
        else
            host.remove(from->path);
    }
};

constexpr LinkType type;

}  // namespace

const ResourceType& link_type() {
    return type;
}

}  // namespace chaos::resources
