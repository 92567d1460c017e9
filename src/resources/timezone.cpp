// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chaos/plan.hpp>

#include "beside.hpp"
#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"

namespace chaos::resources {
namespace {

constexpr const char* link = "/etc/localtime";
constexpr const char* debian_file = "/etc/timezone";
constexpr std::string_view zones = "/usr/share/zoneinfo/";

struct Timezone {
    std::string name{};
    Beside in_file{};
    std::optional<std::string> target{};
    std::optional<Content> copy{};
};

constexpr Field fields[] = {
    schema::property<&Timezone::name>("name", "The zone, as the tz database calls it.").needed().example("Europe/Rome"),
    schema::property<&Timezone::in_file>(
        "in_file",
        "What /etc/timezone says, on a system that has it: true, the same; false, it is "
        "not there; or another zone.")
        .example("true")
        .otherwise("true"),
    schema::seen<&Timezone::target>("target", "What /etc/localtime leads to.").example("/usr/share/zoneinfo/Etc/UTC"),
    schema::seen<&Timezone::copy>("copy", "The rules, where /etc/localtime is a file and no link.").example("TZif2"),
};

constexpr Schema timezone = schema::of<Timezone>("timezone", "timezone", Order::setting,
                                                 "The time zone that the host's clock is shown in.", fields)
                                .body("name");

std::string zone_of(const std::string& target) {
    const auto at = target.find("zoneinfo/");
    return at == std::string::npos ? target : target.substr(at + 9);
}

/// Whether the tz database could have one of this name.
bool is_zone_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("/_+-.").find(c) != std::string_view::npos;
    };
    return !name.empty() && name.front() != '/' && name.back() != '/' && name.find("..") == std::string_view::npos &&
           std::all_of(name.begin(), name.end(), fits);
}

class TimezoneType final : public TypedResource<Timezone> {
public:
    constexpr TimezoneType() : TypedResource(timezone) {}

    std::optional<Timezone> observe(const View& view, const Timezone&, bool) const override {
        std::string bytes, said;
        const auto entry = view->look(link, &bytes);
        Timezone found;
        if (entry.kind == Entry::Kind::link) found.target = bytes, found.name = zone_of(bytes);
        if (entry.kind == Entry::Kind::file) found.copy = Content(bytes);
        const bool has_file = bool(view->look(debian_file, &said));
        if (!entry && !has_file) return std::nullopt;
        std::optional<std::string> in_file;
        if (has_file) in_file = trimmed(said);
        if (has_file || view->look("/etc/debian_version")) found.in_file = Beside::of(in_file, found.name);
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Timezone& spec = *resource.wanted.as<Timezone>();
        if (resource.absent) return;
        for (const auto& name : {std::optional(spec.name), spec.in_file.other})
            if (name && !is_zone_name(*name))
                problems.add(Error(resource.where, "'" + *name + "' can not be a time zone")
                                 .help("write it as the tz database does: Europe/Rome, Etc/UTC"));
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes) {
            const Timezone* after = change.after.as<Timezone>();
            if (!after) continue;
            if (is_zone_name(after->name) &&
                (view->look(std::string(zones) + after->name) || view->list(parent_of(std::string(zones))).empty()))
                continue;
            problems.add(Error(change.where, "there is no time zone '" + after->name + "'")
                             .help("see what there is: find " + std::string(zones) + " -type f"));
        }
        return {};
    }

    /// A minimal system has no zones before their package is there, which this run may bring.
    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        if (changes.empty() || !view->list(parent_of(std::string(zones))).empty()) return;
        problems.note(Error(changes.front().where, std::string(zones) + " is empty: the zone can not be checked")
                          .help("add tzdata to packages"));
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const Timezone& spec = *state.as<Timezone>();
        claims.push_back({Claim::Role::provides, std::string("path:") + link});
        if (spec.in_file.text(spec.name)) claims.push_back({Claim::Role::provides, std::string("path:") + debian_file});
    }

    void apply(WritableHost& host, const Timezone*, const Timezone* to, bool) const override {
        if (!to) return host.remove(link), host.remove(debian_file);
        if (to->name.empty() && to->copy)
            host.write(link, *to->copy, {.mode = 0644});
        else if (to->name.empty())
            host.remove(link);
        else if (to->target && zone_of(*to->target) == to->name)
            host.make_link(link, *to->target);
        else
            host.make_link(link, ".." + std::string(zones) + to->name);

        const bool has_file = host.look(debian_file) || host.look("/etc/debian_version");
        if (const auto said = to->in_file.text(to->name); !said || said->empty())
            host.remove(debian_file);
        else if (!to->in_file.same || has_file)
            host.write(debian_file, Content(*said + "\n"), {.mode = 0644});
    }
};

constexpr TimezoneType type;

}  // namespace

const ResourceType& timezone_type() {
    return type;
}

}  // namespace chaos::resources
