// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>
#include <chaos/system/units.hpp>

#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"
#include "settings.hpp"
#include "text_list.hpp"

namespace chaos::resources {

/// Whether something runs: from the next boot on, and now.
struct Switch {
    bool at_boot = false, now = false;
    friend bool operator==(Switch, Switch) = default;
};

}  // namespace chaos::resources

template <>
struct chaos::Codec<chaos::resources::Switch> {
    static constexpr std::string_view name = "true or false", json = R"({"type":["boolean","string"]})";
    static constexpr Merge merge = Merge::whole;
    static resources::Switch decode(const Value& value) {
        // What is only seen, where somebody did half of it by hand.
        if (!value.where && value.is_text() && value.text() == "at boot") return {true, false};
        if (!value.where && value.is_text() && value.text() == "now") return {false, true};
        const bool both = Codec<bool>::decode(value);
        return {both, both};
    }
    static Value encode(resources::Switch is) {
        if (is.at_boot != is.now) return std::string(is.at_boot ? "at boot" : "now");
        return Codec<bool>::encode(is.now);
    }
};

namespace chaos::resources {
namespace {

struct Ntp {
    std::optional<Switch> enabled{};
    std::optional<TextList> servers{};
    std::optional<Content> text{};
};

constexpr Field fields[] = {
    schema::property<&Ntp::enabled>("enabled", "The clock is kept right, by the service for that which is installed.")
        .example("true")
        .otherwise("as it is"),
    schema::property<&Ntp::servers>("servers", "Where the time is asked for, in a drop-in of that service.")
        .example("[0.pool.ntp.org, 1.pool.ntp.org]")
        .otherwise("as they are"),
    schema::seen<&Ntp::text>("text", "The drop-in, to the byte.").example("\"[Time]\\nNTP=0.pool.ntp.org\\n\""),
};

constexpr Schema ntp =
    schema::of<Ntp>("ntp", "ntp", Order::service,
                    "The clock, kept right over the network: systemd-timesyncd, chrony or ntpsec.", fields)
        .body("enabled")
        .requires_({.root = true});

/// A program that keeps the clock, and where servers are said to it.
struct Keeper {
    std::string_view unit, drop_in, head, prefix, suffix;
    bool a_line_each = false;
};
/// Those that somebody chose to install come before the one that most systems bring.
constexpr Keeper keepers[] = {
    {"chrony.service", "/etc/chrony/sources.d/60-chaos.sources", "", "server ", " iburst", true},
    {"chronyd.service", "/etc/chrony.d/60-chaos.sources", "", "server ", " iburst", true},
    {"ntpsec.service", "", "", "", "", true},
    {"ntpd.service", "", "", "", "", true},
    {"systemd-timesyncd.service", "/etc/systemd/timesyncd.conf.d/60-chaos.conf", "[Time]\n", "NTP=", "", false},
};

const Keeper* keeper_of(const Host& host) {
    for (const Keeper& one : keepers)
        if (!Units::file_of(host, std::string(one.unit)).empty()) return &one;
    return nullptr;
}

std::string text_of(const Keeper& keeper, const TextList& servers) {
    std::string text(keeper.head);
    if (keeper.a_line_each)
        for (const auto& server : servers.items) text += fmt::format("{}{}{}\n", keeper.prefix, server, keeper.suffix);
    else
        text += fmt::format("{}{}\n", keeper.prefix, fmt::join(servers.items, " "));
    return text;
}

TextList servers_in(const Keeper& keeper, std::string_view text) {
    TextList servers;
    for (const auto line : lines_of(text)) {
        auto rest = trimmed(line);
        if (!rest.starts_with(keeper.prefix)) continue;
        rest.remove_prefix(keeper.prefix.size());
        while (!(rest = trimmed(rest)).empty()) {
            const auto word = rest.substr(0, rest.find_first_of(" \t"));
            servers.items.emplace_back(word);
            if (keeper.a_line_each) break;  // options follow
            rest.remove_prefix(word.size());
        }
    }
    return servers;
}

bool runs(const Unit& unit) {
    return unit.active == "active" || unit.active == "reloading" || unit.active == "activating";
}

/// A container has the clock of its host: what keeps that right does not run in it, only with its next boot elsewhere.
bool has_clock(const Host& host) {
    return host.live() && !host.look("/run/systemd/container");
}

class NtpType final : public TypedResource<Ntp> {
public:
    constexpr NtpType() : TypedResource(ntp) {}

    std::optional<Ntp> observe(const View& view, const Ntp&, bool) const override {
        Ntp found{.enabled = Switch{}, .servers = TextList{}};
        const Keeper* keeper = keeper_of(view.host());
        if (!keeper) return found;
        found.enabled = state_of(view, *keeper);
        if (keeper->drop_in.empty()) return found;
        const auto file = shared_file(view.host(), std::string(keeper->drop_in));
        found.text = file.content();
        found.servers = servers_in(*keeper, file.said());
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Ntp& spec = *resource.wanted.as<Ntp>();
        for (const auto& server : spec.servers.value_or(TextList{}).items) {
            const bool fits = !server.empty() && std::ranges::all_of(server, [](char c) {
                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                       c == '-' || c == ':' || c == '_';
            });
            if (!fits)
                problems.add(Error(resource.where, "'" + server + "' can be no server of time")
                                 .help("write a name or an address each: [0.pool.ntp.org, 192.0.2.1]"));
        }
    }

    /// Absent is as with a service: it does not run, and nothing of ours is said to it.
    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        const Keeper* keeper = keeper_of(view.host());
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            Ntp goal = *(change.after ? change.after : change.before).as<Ntp>();
            if (!change.after) goal.servers = TextList{}, goal.enabled = Switch{};
            if (!has_clock(view.host()) && goal.enabled) goal.enabled->now = goal.enabled->at_boot;
            change.after = State::of(goal).with_inputs(change.before.inputs());
            if (!keeper || goal.servers.value_or(TextList{}).empty()) continue;
            if (keeper->drop_in.empty())
                problems.add(
                    Error(change.where, fmt::format("servers can not be said to {} by a drop-in", keeper->unit))
                        .help("leave them out here, and write them in its own file"));
            else
                parents.above(std::string(keeper->drop_in), i, change.where, problems);
        }
        return parents.take();
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        for (const char* package : {"systemd-timesyncd", "chrony", "ntpsec", "systemd"})
            claims.push_back({Claim::Role::needs, std::string("package:") + package});
        if (state.as<Ntp>()->servers.value_or(TextList{}).empty()) return;  // there is no drop-in then
        for (const Keeper& one : keepers)
            if (!one.drop_in.empty()) claim_path(std::string(one.drop_in), {}, {}, claims);
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes)
            if (const Ntp* to = change.after.as<Ntp>(); to && wants_keeper(*to) && !keeper_of(view.host()))
                problems.note(nobody(change.where));
            else if (to && wants_keeper(*to) && view->live() && !has_clock(view.host()))
                problems.note(Error(change.where,
                                    "this is a container, with the clock of its host: the service is only "
                                    "enabled"));
    }

    Way way() const override { return Way::calls; }

    void apply(WritableHost& host, const Ntp*, const Ntp* to, bool) const override {
        if (!to) return;
        const Keeper* keeper = keeper_of(host);
        if (!keeper) {
            if (wants_keeper(*to)) throw nobody({});
            return;
        }
        const std::string unit(keeper->unit);
        const bool told = to->servers && set_servers(host, *keeper, *to);
        if (!to->enabled) return;
        const View view(host);
        const Switch is = state_of(view, *keeper);
        if (is.at_boot != to->enabled->at_boot)
            host.control(to->enabled->at_boot ? UnitVerb::enable : UnitVerb::disable, unit);
        if (!has_clock(host)) return;
        if (is.now != to->enabled->now)
            host.control(to->enabled->now ? UnitVerb::start : UnitVerb::stop, unit);
        else if (told && is.now)
            host.control(UnitVerb::restart, unit);
    }

private:
    static bool wants_keeper(const Ntp& spec) {
        return (spec.enabled && (spec.enabled->at_boot || spec.enabled->now)) ||
               !spec.servers.value_or(TextList{}).empty();
    }

    static Error nobody(Place where) {
        return std::move(
            Error(where, "nothing that keeps the clock is installed: something of this run has to bring it")
                .help("packages: [systemd-timesyncd], or chrony, or ntpsec"));
    }

    static Switch state_of(const View& view, const Keeper& keeper) {
        const std::string unit(keeper.unit);
        const bool at_boot = view.once<Units>().starts(view.host(), unit);
        if (!has_clock(view.host()) || !view->services().answers()) return {at_boot, at_boot};
        return {at_boot, runs(view->services().unit(unit))};
    }

    /// True where something was changed: who reads it has to be told.
    static bool set_servers(WritableHost& host, const Keeper& keeper, const Ntp& to) {
        if (keeper.drop_in.empty()) return false;
        const auto file = shared_file(host, std::string(keeper.drop_in));
        std::string text = to.servers->empty() ? "" : text_of(keeper, *to.servers);
        const bool as_before = to.text && servers_in(keeper, to.text->bytes()) == *to.servers;
        if (as_before) text = to.text->bytes();
        if (servers_in(keeper, file.said()) == *to.servers && !(as_before && text != file.said())) return false;
        if (text == file.said() && file.text) return false;
        put(host, file, text, as_before);
        return true;
    }
};

constexpr NtpType type;

}  // namespace

const ResourceType& ntp_type() {
    return type;
}

}  // namespace chaos::resources
