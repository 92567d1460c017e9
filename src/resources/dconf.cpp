// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>
#include <map>
#include <mutex>

#include "gvariant.hpp"
#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"
#include "person.hpp"

namespace chaos::resources {

enum class VariantType : char { as_is, boolean, string, int32, uint32, int64, uint64, int16, uint16, byte, double_ };

}  // namespace chaos::resources

namespace chaos {

constexpr std::string_view variant_type_words[] = {"as_is",  "boolean", "string", "int32", "uint32", "int64",
                                                   "uint64", "int16",   "uint16", "byte",  "double"};
template <>
struct Codec<resources::VariantType> : WordCodec<resources::VariantType, variant_type_words> {
    static constexpr std::string_view name = "type of GVariant",
                                      json = R"({"enum":["as_is","boolean","string","int32","uint32","int64","uint64",)"
                                             R"("int16","uint16","byte","double"]})";
    static constexpr Merge merge = Merge::whole;
};

}  // namespace chaos

namespace chaos::resources {
namespace {

struct Dconf {
    std::string key{};
    Variant value{};
    VariantType type = VariantType::as_is;
    std::optional<std::string> database{};
};

std::string clean_key(std::string_view key) {
    if (!key.starts_with('/') || key.ends_with('/') || key.find("//") != key.npos ||
        key.find_first_of("\n\r\t[]=") != key.npos)
        throw Error(fmt::format("expected the path of a key, found '{}'", key))
            .help("write it as dconf list / shows it: /org/gnome/desktop/interface/color-scheme");
    return std::string(key);
}

std::string clean(std::string_view key) {
    return clean_owned(key, clean_key);
}

constexpr Field fields[] = {
    schema::key<&Dconf::key>("key", "Its path in the database.")
        .example("/org/gnome/desktop/interface/clock-show-weekday"),
    schema::property<&Dconf::value>("value", "What it is set to.").needed().example("true"),
    schema::option<&Dconf::type>("type", "What a number is, where the program wants more than int32.")
        .example("as_is")
        .otherwise("that of what is there; for a new key what it looks like"),
    schema::seen<&Dconf::database>("database", "Where its database lies.").example("/home/eve/.config/dconf/user"),
};

constexpr Schema dconf =
    schema::of<Dconf>("dconf", "dconf", Order::session,
                      "A setting of a person's desktop, in her dconf database: what GNOME and many programs go by.",
                      fields)
        .body("value")
        .requires_({.live = true})
        .of_persons(Personal::always)
        .keyed(clean);

std::string database_of(const Person& person) {
    return person.home + "/.config/dconf/user";
}

bool has_tool(const Host& host) {
    return host.look("/usr/bin/dconf") || host.look("/usr/local/bin/dconf");
}

using Keys = std::map<std::string, Variant, std::less<>>;

/// The text of `dconf dump /`: a section a path, a line a key.
Keys keys_in(std::string_view text) {
    Keys keys;
    std::string section;
    for (const auto line : lines_of(text)) {
        if (line.starts_with('[') && line.ends_with(']')) {
            const auto path = line.substr(1, line.size() - 2);
            section = path == "/" ? "/" : fmt::format("/{}/", path);
        } else if (const auto equals = line.find('='); equals != line.npos) {
            keys.emplace(fmt::format("{}{}", section, line.substr(0, equals)),
                         Variant{std::string(line.substr(equals + 1))});
        }
    }
    return keys;
}

/// Each person's database is read once a look.
struct Databases {
    struct Held {
        std::mutex hold{};
        std::map<std::string, Keys> of{};
    };
    std::unique_ptr<Held> held = std::make_unique<Held>();
    static Databases read(const View&) { return {}; }

    static const Keys& of(const View& view, const std::string& name) {
        auto& held = *view.once<Databases>().held;
        const std::lock_guard guard(held.hold);
        if (const auto known = held.of.find(name); known != held.of.end()) return known->second;
        const auto person = person_of(view, name);
        Keys keys;
        if (person.there && view->look(database_of(person))) {
            if (!has_tool(view.host()))
                throw Error(fmt::format("{} has settings, and there is no dconf to read them", name))
                    .help("packages: [dconf-cli]");
            const auto command = as_person(view.host(), person, {"dconf", "dump", "/"});
            const auto output = view->ask(command);
            if (output.status != 0) throw failed(command, output);
            keys = keys_in(output.out);
        }
        return held.of.emplace(name, std::move(keys)).first->second;
    }
};

/// What `spec` comes to beside what is there: its type is that one's, where none is said.
Variant goal_of(const Dconf& spec, const Variant* there, Place where = {}) {
    if (spec.type != VariantType::as_is)
        return typed(spec.value, variant_type_words[static_cast<std::size_t>(spec.type)], where);
    if (!there) return spec.value;
    const auto type = type_of(*there);
    // What was another sort of thing becomes what is written.
    const bool numeric = type_of(spec.value) == "int32" && type != "boolean" && type != "strings";
    return numeric || (type == "string" && type_of(spec.value) == "double") ? typed(spec.value, type, where)
                                                                            : spec.value;
}

class DconfType final : public TypedResource<Dconf> {
public:
    constexpr DconfType() : TypedResource(dconf) {}

    std::optional<Dconf> observe(const View& view, const Dconf& wanted, bool) const override {
        const auto [person, key] = owned(wanted.key);
        const Keys& keys = Databases::of(view, person);
        const auto there = keys.find(key);
        if (there == keys.end()) return std::nullopt;
        Dconf found{.key = wanted.key, .value = there->second, .database = database_of(person_of(view, person))};
        if (goal_of(wanted, &there->second) == there->second) found.value = wanted.value;
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        if (resource.absent) return;
        try {
            goal_of(*resource.wanted.as<Dconf>(), nullptr, resource.where);
        } catch (const Error& error) {
            problems.add(error);
        }
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            const Dconf *before = change.before.as<Dconf>(), *after = change.after.as<Dconf>();
            if (!after) continue;
            const auto person = person_of(view, owned(after->key).person);
            try {  // it is recorded as it was written, or the next look would find another spelling
                (void)goal_of(*after, before ? &before->value : nullptr, change.where);
                Dconf goal = *after;
                goal.database = database_of(person);
                change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
            } catch (const Error& error) {
                problems.add(error);
            }
            if (!before)  // the database itself is dconf's to make
                parents.above(person.home + "/.config/dconf", i, change.where, problems, person.name, person.group);
        }
        return parents.take();
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const auto person = owned(state.as<Dconf>()->key).person;
        claims.push_back({Claim::Role::needs, "user:" + person});
        claims.push_back({Claim::Role::needs, "session:" + person});
        claims.push_back({Claim::Role::locks, "lock:dconf"});
        if (const auto& database = state.as<Dconf>()->database)
            for (const auto& path : {*database, database->substr(0, database->rfind('/'))})
                claims.push_back({Claim::Role::brings, "path:" + path});
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        if (changes.empty() || has_tool(view.host())) return;
        problems.note(Error(changes.front().where, "there is no dconf yet: something of this run has to bring it")
                          .help("packages: [dconf-cli, dbus-daemon]"));
    }

    Way way() const override { return Way::calls; }
    bool batches() const override { return true; }

    /// All that is set of one person goes in one move; what goes, goes key by key.
    void apply_all(WritableHost& host, std::span<const Change> changes) const override { set(host, changes, false); }
    void apply(WritableHost& host, const Dconf* from, const Dconf* to, bool) const override {
        const Change change{
            {"dconf", (to ? to : from)->key}, from ? State::of(*from) : State(), to ? State::of(*to) : State()};
        apply_all(host, std::span(&change, 1));
    }
    void undo_all(WritableHost& host, std::span<const Change> changes) const override { set(host, changes, true); }

private:
    /// `seen`: values are as dconf has them, type and all.
    static void set(WritableHost& host, std::span<const Change> changes, bool seen) {
        std::map<std::string, std::pair<std::string, std::vector<std::string>>> by_person;  // to load, to reset
        for (const Change& change : changes) {
            const auto [person, key] = owned(change.id.key);
            auto& [loads, resets] = by_person[person];
            if (const Dconf* to = change.after.as<Dconf>()) {
                const auto slash = key.rfind('/');
                const auto section = slash == 0 ? "/" : key.substr(1, slash - 1);
                const Dconf* from = change.before.as<Dconf>();
                const auto value = seen ? to->value : goal_of(*to, from ? &from->value : nullptr, change.where);
                loads += fmt::format("[{}]\n{}={}\n", section, key.substr(slash + 1), value.text);
            } else {
                resets.push_back(key);
            }
        }
        const View view(host);
        for (const auto& [name, work] : by_person) {
            const auto person = person_of(view, name);
            if (!person.there && work.first.empty()) continue;  // her database went with her
            if (!work.first.empty()) run(host, person, {"dconf", "load", "/"}, work.first);
            for (const auto& key : work.second) run(host, person, {"dconf", "reset", key}, {});
            if (seen && !work.second.empty()) remove_empty(host, person);
        }
    }

    /// A database that nothing is in tells a program what one that is not there tells it: it goes with its last key.
    static void remove_empty(WritableHost& host, const Person& person) {
        const auto database = database_of(person), directory = database.substr(0, database.rfind('/'));
        const View view(host);
        if (!view->look(database) || !Databases::of(view, person.name).empty()) return;
        host.remove(database);
        if (host.list(directory).empty()) host.remove(directory);
    }

    /// The service that writes is asked over her session's bus, so that what runs there hears of it; without a session
    /// over one of its own.
    static void run(WritableHost& host, const Person& person, std::vector<std::string> argv, const std::string& input) {
        auto command = as_person(host, person, std::move(argv));
        command.input = input;
        const bool has_bus = !person.runtime.empty() && host.look(person.runtime + "/bus");
        if (!has_bus) {
            command.argv.insert(command.argv.begin(), {"dbus-run-session", "--"});
            if (person.runtime.empty())
                command.environment.emplace_back("XDG_CACHE_HOME=/nonexistent");  // nobody listens
        }
        if (const auto output = host.run(command); output.status != 0) throw failed(command, output);
    }
};

constexpr DconfType type;

}  // namespace

const ResourceType& dconf_type() {
    return type;
}

}  // namespace chaos::resources
