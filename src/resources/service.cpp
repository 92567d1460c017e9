// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/passes_boots.hpp>
#include <chaos/reviews_written.hpp>
#include <chaos/system/units.hpp>
#include <ctime>

#include "kinds.hpp"
#include "paths.hpp"
#include "population.hpp"
#include "unit_set.hpp"

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
    std::optional<std::string> links_in;
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
    schema::seen<&Service::links_in>("links_in", "Where the links are that enable it, of a person's session.")
        .example("/home/eve/.config/systemd/user"),
};

std::string clean_name(std::string_view key) {
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

std::string clean(std::string_view key) {
    return clean_owned(key, clean_name);
}

constexpr Schema service = schema::of<Service>("service", "services", Order::service,
                                               "A unit of systemd: whether it starts at boot, and runs. With `user` it "
                                               "is one of that person's session, and starts with that.",
                                               fields)
                               .requires_({.root = true, .systemd = true})
                               .reacting()
                               .of_persons()
                               .keyed(clean);

/// What is known of a unit by looking at its file: enough to say beforehand what systemd would refuse.
struct Text {
    bool there = false, installs = false, reloads = false, ends_by_itself = false;
};

Text text_of(const Host& host, const std::string& path) {
    Text found;
    std::string text;
    if (path.empty()) return found;
    found.there = true;
    if (path.starts_with("/etc/init.d/")) {
        found.installs = found.reloads = true;
        return found;
    }
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

class ServiceType final : public TypedResource<Service>, public ReviewsWritten, public PassesBoots {
public:
    constexpr ServiceType() : TypedResource(service) {}

    std::optional<Service> observe(const View& view, const Service& wanted, bool whole) const override {
        const auto [person, unit] = owned(wanted.name);
        const UnitSet units(view, person);
        const auto name = unit_name(unit);
        if (!units.is_there(name)) return std::nullopt;
        Service found{.name = wanted.name, .enabled = {}, .running = {}, .on_change = wanted.on_change};
        if (whole || wanted.enabled) found.enabled = units.starts(name);
        if ((whole || wanted.running) && units.answers())
            found.running = units.runs(name);
        else if (!person.empty() && (whole || wanted.running))
            found.running = wanted.running.value_or(false);  // nothing could run it: nothing is amiss
        if (whole || wanted.masked) found.masked = units.masked(name);
        if (!person.empty()) found.links_in = UnitSet::own_directory(person_of(view, person));
        return found;
    }

    /// Only what is written: a masked service need not say that it does not run.
    void review_written(const Resource& resource, const Value& written, Diagnostics& problems) const override {
        const Service& spec = *resource.wanted.as<Service>();
        if (!spec.masked.value_or(false)) return;
        const auto refuse = [&](const Value& value, std::string_view name, std::string_view what) {
            problems.add(Error(value.where ? value.where : resource.where,
                               fmt::format("{} is to be {} and masked: nothing starts what is masked", spec.name, what))
                             .help(fmt::format("{}: false, or take masked away", name)));
        };
        for (const auto& [key, value] : written.map()) {
            const Field* field = schema().find(key.text());
            if (!field || value.is_null()) continue;
            if (field->name == "running" && spec.running.value_or(false)) refuse(value, field->name, "running");
            if (field->name == "enabled" && spec.enabled.value_or(false)) refuse(value, field->name, "enabled");
        }
    }

    /// A service can not be taken away, only what brings it: absent is not enabled and not running.
    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            const Service* before = change.before.as<Service>();
            if (!change.after && !before) continue;
            Service goal = change.after ? *change.after.as<Service>() : *before;
            const auto person = owned(goal.name).person;
            const UnitSet units(view, person);
            if (!change.after) {
                goal.enabled = false;
                if (units.answers()) goal.running = false;
            }
            if (!person.empty() && goal.enabled.value_or(false) && !units.starts(unit_name(owned(goal.name).name)))
                above_links(view, person, i, change.where, parents, problems);
            if (goal.masked.value_or(false)) {
                if (goal.running) goal.running = false;
                if (before) goal.enabled = before->enabled;
            }
            refuse(view, change, goal, problems);
            change.after =
                State::of(std::move(goal)).with_inputs(change.after ? change.after.inputs() : change.before.inputs());
        }
        return parents.take();
    }

    /// What runs follows from what starts at boot.
    State after_boot(const View& view, const State& seen) const override {
        Service spec = *seen.as<Service>();
        if (!spec.running) return seen;
        const auto [person, unit] = owned(spec.name);
        const bool starts = spec.enabled ? *spec.enabled : UnitSet(view, person).starts(unit_name(unit));
        spec.running = starts && !spec.masked.value_or(false);
        return State::of(std::move(spec)).with_inputs(seen.inputs()).hiding(seen.hidden());
    }

    bool is_as_absent(const State& state) const override {
        const Service& spec = *state.as<Service>();
        return !spec.enabled.value_or(false) && !spec.running.value_or(false) && !spec.masked.value_or(false);
    }

    std::vector<std::string> others(const View& view, std::span<const std::string>) const override {
        return enabled_by_hand(view);
    }
    bool has_others() const override { return true; }
    State as_written(const View&, State found) const override {
        Service said = *found.as<Service>();
        if (!said.masked.value_or(false)) said.masked.reset();
        return State::of(std::move(said));
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const Service& spec = *state.as<Service>();
        const auto [person, unit] = owned(spec.name);
        const auto name = unit_name(unit);
        // What it lies in may go with it.
        if (spec.links_in && spec.enabled.value_or(false)) {
            claims.push_back({Claim::Role::needs, fmt::format("path:{}/{}", *spec.links_in, name)});
            for (const char* target : {"default", "timers", "sockets", "paths", "graphical-session", "basic"}) {
                const auto wants = fmt::format("path:{}/{}.target.wants", *spec.links_in, target);
                claims.push_back({Claim::Role::brings, wants});
                claims.push_back({Claim::Role::brings, wants + "/" + name});
            }
        }
        const auto watches = [&, &whose = person](const std::string& what) {
            claims.push_back({Claim::Role::watches, "unit:" + key_of({whose, what})});
        };
        if (!person.empty()) {
            claims.push_back({Claim::Role::needs, "user:" + person});
            claims.push_back({Claim::Role::needs, "session:" + person});
        }
        // Where an administrator's unit lies: the file that brings it comes before, and goes after it was let go of.
        if (person.empty()) claims.push_back({Claim::Role::needs, "path:/etc/systemd/system/" + name});
        watches(name);
        const auto suffix = name.rfind('.');
        if (const auto at = name.find('@'); at < suffix)  // an instance is made of its template
            watches(name.substr(0, at + 1) + name.substr(suffix));
        for (auto dash = name.find('-'); dash < suffix;
             dash = name.find('-', dash + 1))  // parts of a family: web-.service.d
            watches(name.substr(0, dash + 1) + name.substr(suffix));
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes) {
            const auto [person, unit] = owned(change.id.key);
            const UnitSet units(view, person);
            if (!change.before && change.after && units.file_of(unit_name(unit)).empty())
                problems.note(
                    Error(change.where,
                          fmt::format("there is no {} yet: something of this run has to bring it", unit_name(unit))));
            const Service* after = change.after.as<Service>();
            if (after && after->enabled.value_or(false) && !person.empty() && !units.answers())
                problems.note(
                    Error(change.where,
                          fmt::format("{} has no session now: {} starts with the next one", person, unit_name(unit)))
                        .help(fmt::format("for one that lasts from boot on: users: {{{}: {{linger: true}}}}", person)));
        }
    }

    /// What starts in this change has nothing to hear of: it reads all that is new.
    std::string_view reaction(const Change& change) const override {
        const Service *before = change.before.as<Service>(), *after = change.after.as<Service>();
        if (!before || !after || !change.triggered() || !before->running.value_or(true)) return "";
        if (!after->running.value_or(true) || after->on_change == OnChange::none) return "";
        return after->on_change == OnChange::reload ? "reload" : "restart";
    }

    Way way() const override { return Way::calls; }
    /// A person's are steered by commands.
    bool overlaps(std::span<const Change> changes) const override {
        return std::none_of(changes.begin(), changes.end(), [](const Change& c) { return c.id.key.starts_with('~'); });
    }

    std::optional<Invocation> runs_as(const View& view, const State& state) const override {
        const auto [person, name] = owned(state.as<Service>()->name);
        const UnitSet units(view, person);
        if (!units.answers() || (person.empty() && !view->services().answers())) return Invocation{};
        const auto unit = units.now(unit_name(name));
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
        const auto [person, unit] = owned(to ? to->name : from->name);
        const auto name = unit_name(unit);
        const View view(host);
        const UnitSet units(view, person);
        const bool masked = units.masked(name);
        const bool unmask = to && to->masked.has_value() && !*to->masked;
        if (masked && unmask) units.control(host, UnitVerb::unmask, name);

        const auto enabled = to ? to->enabled : std::optional(false);
        const bool known = !units.file_of(name).empty();
        if (enabled && *enabled != units.starts(name) && (*enabled || known || units.named_by_link(name)))
            units.control(host, *enabled ? UnitVerb::enable : UnitVerb::disable, name);
        if (masked && !unmask && enabled == false) unlink_masked(host, person, name);
        if (units.answers()) steer(host, units, name, to, triggered);
        if (to && to->masked.value_or(false) && !masked) units.control(host, UnitVerb::mask, name);
    }

private:
    /// What is masked in /etc is ignored by systemctl disable: its links go while it is not, for that moment.
    static void unlink_masked(WritableHost& host, const std::string& person, const std::string& name) {
        const View view(host);
        const UnitSet units(view, person);
        if (!units.starts(name)) return;
        for (const UnitVerb verb : {UnitVerb::unmask, UnitVerb::disable, UnitVerb::mask})
            units.control(host, verb, name);
    }

    /// Starts, stops, or tells it that something changed; a service that was started just now has read it all.
    static void steer(WritableHost& host, const UnitSet& units, const std::string& name, const Service* to,
                      bool triggered) {
        const bool now = runs(units.now(name));
        const auto wanted = to ? to->running : std::optional(false);
        if (wanted && *wanted != now)
            units.control(host, *wanted ? UnitVerb::start : UnitVerb::stop, name);
        else if (now && triggered && to && to->on_change != OnChange::none)
            units.control(host, to->on_change == OnChange::reload ? UnitVerb::reload : UnitVerb::restart, name);
    }

    /// The directories that enabling makes: they are told, and go again with what is in them.
    static void above_links(const View& view, const std::string& name, std::size_t because, Place where,
                            Parents& parents, Diagnostics& problems) {
        const auto person = person_of(view, name);
        parents.above(UnitSet::own_directory(person) + "/unit", because, where, problems, name, person.group);
    }

    /// What systemd would refuse, or what could never come true.
    static void refuse(const View& view, const Change& change, const Service& goal, Diagnostics& problems) {
        const auto [person, unit] = owned(goal.name);
        const auto name = unit_name(unit);
        const UnitSet units(view, person);
        const auto text = text_of(view.host(), units.file_of(name));
        if (!text.there || !change.before) return;
        const bool starts = goal.running.value_or(false) && !change.before.as<Service>()->running.value_or(false);
        if (goal.enabled == false && units.starts_for_all(name) && !goal.masked.value_or(false))
            problems.add(Error(change.where, name + " is enabled for everybody on this host, by a link in "
                                                    "/etc/systemd/user: one person's can only be masked")
                             .help("masked: true, with running: false"));
        else if (starts && units.masked(name) && goal.masked.value_or(true))
            problems.add(Error(change.where, name + " is masked: nothing can start it")
                             .help("masked: false, or running: false with enabled: false"));
        else if (goal.enabled.value_or(false) && !text.installs && !units.starts(name))
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
