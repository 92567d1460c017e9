// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "paths.hpp"

namespace chaos::resources {
namespace {

struct Banner {
    std::string name{};
    std::string text{};
};

std::string path_of(const std::string& name) {
    return "/etc/issue.d/" + name + ".issue";
}

std::string clean_name(std::string_view name) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    if (name.empty() || !std::all_of(name.begin(), name.end(), fits))
        throw Error("'" + std::string(name) + "' can not name a banner").help("use small letters, digits and hyphens");
    return std::string(name);
}

constexpr Field fields[] = {
    schema::key<&Banner::name>("name", "What it is called; they are shown sorted by it.").example("10-legal"),
    schema::property<&Banner::text>("text", "What is shown.").needed().example("\"Authorised use only\\n\""),
};

constexpr Schema banner = schema::of<Banner>("banner", "banners", Order::setting, "A text shown before login.", fields)
                              .body("text")
                              .keyed(clean_name);

class BannerType final : public TypedResource<Banner> {
public:
    constexpr BannerType() : TypedResource(banner) {}

    std::optional<Banner> observe(const View& view, const Banner& wanted, bool) const override {
        Banner found{.name = wanted.name};
        const auto entry = view->look(path_of(wanted.name), &found.text);
        if (!entry) return std::nullopt;
        if (entry.kind != Entry::Kind::file)
            throw Error(path_of(wanted.name) + " is no regular file").help("move it away");
        return found;
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i)
            if (!changes[i].before) parents.above(path_of(changes[i].id.key), i, changes[i].where, problems);
        return parents.take();
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        claim_path(path_of(state.as<Banner>()->name), {}, {}, claims);
    }

    void check(const View&, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes)
            if (const auto* to = change.after.as<Banner>(); to && to->text.find('\x1b') != std::string::npos)
                problems.add(Error(change.where, "a banner can not hold escape sequences").help("take them out"));
    }

    void apply(WritableHost& host, const Banner* from, const Banner* to, bool) const override {
        if (to)
            host.write(path_of(to->name), Content(to->text), {.mode = 0644});
        else
            host.remove(path_of(from->name));
    }
};

constexpr BannerType type;

}  // namespace

const ResourceType& banner_type() {
    return type;
}

}  // namespace chaos::resources
