// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chaos/resource.hpp>
#include <chaos/system/units.hpp>
#include <ctime>

#include "kinds.hpp"
#include "population.hpp"

namespace chaos::resources {

enum class OnChange : char { restart, reload, none };

}  // namespace chaos::resources

namespace chaos {

constexpr std::string_view on_change_words[] = {"restart", "reload", "none"};
template <>
struct Codec<resources::OnChange> : WordCodec<resources::OnChange, on_change_words> {
    static constexpr std::string_view name = "restart, reload or none",
                                      json = R"({"enum":["restart","reload","none"]})";
    static constexpr Merge merge = Merge::whole;
};

}  // namespace chaos

namespace chaos::resources {
namespace {

/// An entry exists to be enabled and running: that is what its initialisers say.
struct Service {
    std::string name;
    std::optional<bool> enabled = true, running = true, masked;
    OnChange on_change = OnChange::restart;
};

constexpr Field fields[] = {
    schema::key<&Service::name>("name", "The unit; `nginx` is `nginx.service`, other suffixes are written out.")
        .example("cron"),
    schema::property<&Service::enabled>("enabled", "Started at boot.")
        .example("true")
        .otherwise("true")
        .also("on_boot"),
    schema::property<&Service::running>("running", "Runs now.").example("true").otherwise("true").live_only(),
    schema::property<&Service::masked>("masked", "Can not be started by anything. A masked service does not run.")
        .example("false")
        .otherwise("as it is"),
    schema::option<&Service::on_change>("on_change", "What is done when something it watches changed while it runs.")
        .example("reload")
        .otherwise("restart"),
};

std::string clean(std::string_view key) {
    constexpr std::string_view suffix = ".service";
    const auto bare = key.ends_with(suffix) ? key.substr(0, key.size() - suffix.size()) : key;
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
    const auto whole = unit_name(bare);
    const auto name = std::string_view(whole).substr(0, whole.rfind('.'));
    if (name.empty() || name[0] == '@' || whole.size() > 255 || name.find_first_not_of(letters) != name.npos)
        throw Error(fmt::format("expected the name of a unit, found '{}'", key)).help("systemctl list-unit-files");
    if (name.ends_with('@') && name.find('@') + 1 == name.size())
        throw Error(fmt::format("expected a unit that can run, found the template '{}'", key))
            .help(fmt::format("name an instance of it, as in '{}1'", bare));
    return std::string(bare);
}

constexpr Schema service = schema::of<Service>("service", "services", Order::service,
                                               "A unit of systemd: whether it starts at boot, and runs.", fields)
                               .requires_({.root = true, .systemd = true})
                               .reacting()
                               .keyed(clean);

bool runs(const Unit& unit) {
    return unit.active == "active" || unit.active == "reloading" || unit.active == "refreshing";
}

std::string script_of(std::string_view unit) {
    return "/etc/init.d/" + std::string(unit.substr(0, unit.rfind('.')));
}

/// What is known of a unit by looking at its file: enough to say beforehand what systemd would refuse.
struct Text {
    bool there = false, installs = false, reloads = false, ends_by_itself = false;
};

Text text_of(const Host& host, const std::string& unit) {
    Text found;
    std::string text;
    const auto path = Units::file_of(host, unit);
    if (path.empty()) {
        found.there = found.installs = found.reloads = static_cast<bool>(host.look(script_of(unit)));
        return found;
    }
    found.there = true;
    if (host.look(path, &text).kind == Entry::Kind::link) {
        const auto target = text.starts_with('/') ? text : path.substr(0, path.rfind('/') + 1) + text;
        text.clear();
        host.look(target, &text);
    }
    bool once = false, remains = false;
    for (std::string_view rest = text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        for (const char* key : {"WantedBy=", "RequiredBy=", "UpheldBy=", "Alias="})
            found.installs = found.installs || (line.starts_with(key) && line.size() > std::string_view(key).size());
        found.reloads = found.reloads || line.starts_with("ExecReload=") || line.starts_with("Type=notify-reload");
        once = once || line.starts_with("Type=oneshot");
        remains = remains || line.starts_with("RemainAfterExit=yes") || line.starts_with("RemainAfterExit=true");
    }
    found.ends_by_itself = once && !remains;
    return found;
}

class ServiceType final : public TypedResource<Service> {
public:
    constexpr ServiceType() : TypedResource(service) {}

    std::optional<Service> observe(const View& view, const Service& wanted, bool whole) const override {
        const auto& units = view.once<Units>();
        const auto name = unit_name(wanted.name);
        const auto loaded = units.loaded.find(name);
        const bool is_loaded = loaded != units.loaded.end() && loaded->second.load != "not-found";
        if (!is_loaded && !units.masked.contains(name) && Units::file_of(view.host(), name).empty() &&
            !view->look(script_of(name)))
            return std::nullopt;
        Service found{.name = wanted.name, .enabled = {}, .running = {}, .on_change = wanted.on_change};
        if (whole || wanted.enabled) found.enabled = units.starts(view.host(), name);
        if ((whole || wanted.running) && view->live()) found.running = is_loaded && runs(loaded->second);
        if (whole || wanted.masked) found.masked = units.masked.contains(name);
        return found;
    }

    /// A service can not be taken away, only what brings it: absent is not enabled and not running.
    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        for (Change& change : changes) {
            const Service* before = change.before.as<Service>();
            if (!change.after && !before) continue;
            Service goal = change.after ? *change.after.as<Service>() : *before;
            if (!change.after) {
                goal.enabled = false;
                if (view->live()) goal.running = false;
            }
            if (goal.masked.value_or(false)) {
                if (goal.running) goal.running = false;
                if (before) goal.enabled = before->enabled;
            }
            refuse(view, change, goal, problems);
            change.after =
                State::of(std::move(goal)).with_inputs(change.after ? change.after.inputs() : change.before.inputs());
        }
        return {};
    }

    std::vector<std::string> others(const View& view, std::span<const std::string>) const override {
        return enabled_by_hand(view);
    }
    bool has_others() const override { return true; }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const auto name = unit_name(state.as<Service>()->name);
        claims.push_back({Claim::Role::watches, "unit:" + name});
        const auto suffix = name.rfind('.');
        if (const auto at = name.find('@'); at < suffix)  // an instance is made of its template
            claims.push_back({Claim::Role::watches, "unit:" + name.substr(0, at + 1) + name.substr(suffix)});
        for (auto dash = name.find('-'); dash < suffix;
             dash = name.find('-', dash + 1))  // parts of a family: web-.service.d
            claims.push_back({Claim::Role::watches, "unit:" + name.substr(0, dash + 1) + name.substr(suffix)});
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes)
            if (!change.before && change.after && !text_of(view.host(), unit_name(change.id.key)).there)
                problems.note(
                    Error(change.where, fmt::format("there is no {} yet: something of this run has to bring it",
                                                    unit_name(change.id.key))));
    }

    /// What starts in this change has nothing to hear of: it reads all that is new.
    std::string_view reaction(const Change& change) const override {
        const Service *before = change.before.as<Service>(), *after = change.after.as<Service>();
        if (!before || !after || !change.triggered() || !before->running.value_or(true)) return "";
        if (!after->running.value_or(true) || after->on_change == OnChange::none) return "";
        return after->on_change == OnChange::reload ? "reload" : "restart";
    }

    Way way() const override { return Way::calls; }
    bool overlaps() const override { return true; }

    std::optional<Invocation> runs_as(const View& view, const State& state) const override {
        if (!view->live() || !view->services().answers()) return Invocation{};
        const auto unit = view->services().unit(unit_name(state.as<Service>()->name));
        if (!runs(unit) || unit.invocation.empty()) return Invocation{};
        timespec real{}, since_boot{};
        ::clock_gettime(CLOCK_REALTIME, &real);
        ::clock_gettime(CLOCK_MONOTONIC, &since_boot);
        const auto nanoseconds = [](const timespec& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
        const auto started =
            nanoseconds(real) - nanoseconds(since_boot) + static_cast<std::int64_t>(unit.started_us) * 1000;
        return Invocation{unit.invocation, started};
    }

    /// Compares with what is there now, not with `from`: so that a second time, or after half of it, ends the same.
    void apply(WritableHost& host, const Service* from, const Service* to, bool triggered) const override {
        const auto name = unit_name(to ? to->name : from->name);
        const View view(host);
        const auto& units = view.once<Units>();
        const bool masked = units.masked.contains(name);
        const bool unmask = to && to->masked.has_value() && !*to->masked;
        if (masked && unmask) host.control(UnitVerb::unmask, name);

        const auto enabled = to ? to->enabled : std::optional(false);
        const bool known = text_of(host, name).there;
        if (enabled && *enabled != units.starts(host, name) && (*enabled || known || units.enabled.contains(name)))
            host.control(*enabled ? UnitVerb::enable : UnitVerb::disable, name);
        if (host.live()) steer(host, name, to, triggered);
        if (to && to->masked.value_or(false) && !masked) host.control(UnitVerb::mask, name);
    }

private:
    /// Starts, stops, or tells it that something changed; a service that was started just now has read it all.
    static void steer(WritableHost& host, const std::string& name, const Service* to, bool triggered) {
        const bool now = runs(host.services().unit(name));
        const auto wanted = to ? to->running : std::optional(false);
        if (wanted && *wanted != now)
            host.control(*wanted ? UnitVerb::start : UnitVerb::stop, name);
        else if (now && triggered && to && to->on_change != OnChange::none)
            host.control(to->on_change == OnChange::reload ? UnitVerb::reload : UnitVerb::restart, name);
    }

    /// What systemd would refuse, or what could never come true.
    static void refuse(const View& view, const Change& change, const Service& goal, Diagnostics& problems) {
        const auto name = unit_name(goal.name);
        const auto text = text_of(view.host(), name);
        if (!text.there || !change.before) return;
        const auto& units = view.once<Units>();
        const bool starts = goal.running.value_or(false) && !change.before.as<Service>()->running.value_or(false);
        if (starts && units.masked.contains(name) && goal.masked.value_or(true))
            problems.add(Error(change.where, name + " is masked: nothing can start it")
                             .help("masked: false, or running: false with enabled: false"));
        else if (goal.enabled.value_or(false) && !text.installs && !units.starts(view.host(), name))
            problems.add(Error(change.where, name + " can not be enabled: its unit file has no [Install] section")
                             .help("enabled: false, and let a unit that is enabled want it"));
        else if (starts && text.ends_by_itself)
            problems.add(Error(change.where, name + " does its work once and ends: it can not be kept running")
                             .help("running: false"));
        else if (goal.on_change == OnChange::reload && change.triggered() && !text.reloads)
            problems.add(
                Error(change.where, name + " can not be reloaded: it has no ExecReload=").help("on_change: restart"));
    }
};

constexpr ServiceType type;

}  // namespace

const ResourceType& service_type() {
    return type;
}

}  // namespace chaos::resources
