// SPDX-License-Identifier: Apache-2.0
#include <chaos/system/units.hpp>

#include "kinds.hpp"
#include "paths.hpp"
#include "unit_set.hpp"

namespace chaos::resources {
namespace {

constexpr std::string_view directory = "/etc/systemd/system/";

struct UnitFile {
    std::string name{};
    std::optional<Content> content{};
    std::string link{};
    std::optional<std::string> place{};
};

std::string path_of(const View& view, const std::string& key) {
    const auto [person, name] = owned(key);
    if (person.empty()) return std::string(directory) + name;
    return UnitSet::own_directory(person_of(view, person)) + "/" + name;
}

/// `nginx.service`, or a drop-in of it: `nginx.service.d/10-limits.conf`. A name without a suffix is a service's.
std::string clean_name(std::string_view name) {
    const auto slash = name.find('/');
    const auto bad = [&](const char* why) {
        return Error("'" + std::string(name) + "' is no unit: " + why)
            .help("write nginx.service, backup.timer, or nginx.service.d/10-limits.conf for a part of one");
    };
    if (name.empty() || name.front() == '.') throw bad("it has no name");
    if (slash == std::string_view::npos) return unit_name(name);
    auto unit = name.substr(0, slash);
    const auto part = name.substr(slash + 1);
    if (!unit.ends_with(".d") || part.find('/') != std::string_view::npos)
        throw bad("what is below a unit is in its directory, UNIT.d");
    if (!part.ends_with(".conf") || part.size() == 5) throw bad("a part of a unit ends in .conf");
    unit.remove_suffix(2);
    return unit_name(unit) + ".d/" + std::string(part);
}

std::string clean_key(std::string_view key) {
    return clean_owned(key, clean_name);
}

constexpr Field fields[] = {
    schema::key<&UnitFile::name>("name", "The unit's name, or that of a drop-in: UNIT.d/NAME.conf.")
        .example("backup.timer"),
    schema::property<&UnitFile::content>("content", "The unit's text.")
        .example("\"[Timer]\\nOnCalendar=daily\\n\\n[Install]\\nWantedBy=timers.target\\n\""),
    schema::source("source", "content", "A file beside the manifest whose bytes become the content."),
    // A property, so that a link that was replaced (a masked unit, an alias) is shown and comes back.
    schema::property<&UnitFile::link>("link", "Target of a symbolic link in its place. Empty, always.").example("\"\""),
    schema::seen<&UnitFile::place>("place", "Where it lies, where it is a person's.")
        .example("/home/eve/.config/systemd/user/backup.timer"),
};

constexpr Schema unit =
    schema::of<UnitFile>("unit", "units", Order::unit,
                         "A unit file of systemd, or a part of one, in /etc/systemd/system; with `user` one of that "
                         "person's, in ~/.config/systemd/user. Whether it runs and starts by itself is said under "
                         "services.",
                         fields)
        .body("content")
        .of_persons()
        .keyed(clean_key);

class UnitType final : public TypedResource<UnitFile> {
public:
    constexpr UnitType() : TypedResource(unit) {}

    std::optional<UnitFile> observe(const View& view, const UnitFile& wanted, bool whole) const override {
        auto there = look_at_file(view, path_of(view, wanted.name), wanted.content, whole || wanted.content);
        if (!there.entry) return std::nullopt;
        UnitFile found{.name = wanted.name, .content = std::move(there.content), .link = std::move(there.link)};
        if (wanted.name.starts_with('~')) found.place = path_of(view, wanted.name);
        return found;
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            const Change& change = changes[i];
            const UnitFile* after = change.after.as<UnitFile>();
            if (!after) continue;
            if (!after->content && after->link.empty())
                problems.add(Error(change.where, change.id.key + " is not there, and nothing says what is to be in it")
                                 .help("give content: or source:; to run a unit that a package brings, use services"));
            if (change.before) continue;
            const auto person = owned(after->name).person;
            const auto path = path_of(view, after->name);
            if (person.empty())
                parents.above(path, i, change.where, problems);
            else
                parents.above(path, i, change.where, problems, person, person_of(view, person).group);
        }
        return parents.take();
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const UnitFile& spec = *state.as<UnitFile>();
        const auto [person, name] = owned(spec.name);
        if (person.empty())
            claim_path(std::string(directory) + name, {}, {}, claims);
        else
            claims.push_back({Claim::Role::needs, "user:" + person});
        if (spec.place) claims.push_back({Claim::Role::provides, "path:" + *spec.place});
        if (const auto drop_in = name.find(".d/"); drop_in != std::string::npos) {
            const auto whole = "unit:" + key_of({person, name.substr(0, drop_in)});
            claims.push_back({Claim::Role::needs, whole});
            claims.push_back({Claim::Role::brings, whole});
        } else {
            claims.push_back({Claim::Role::provides, "unit:" + spec.name});
        }
    }

    bool batches() const override { return true; }

    void apply(WritableHost& host, const UnitFile* from, const UnitFile* to, bool) const override {
        const View view(host);
        const auto& key = to ? to->name : from->name;
        const auto path = path_of(view, key);
        if (!to) return host.remove(path);
        Meta meta{.mode = 0644};
        if (const auto person = owned(key).person; !person.empty() && host.superuser()) {
            meta.owner = person;
            meta.group = person_of(view, person).group;
        }
        if (!to->link.empty()) return host.make_link(path, to->link, meta);
        if (!to->content) throw Error("what was in " + path + " is not known");
        host.write(path, *to->content, meta);
    }
};

constexpr UnitType type;

}  // namespace

const ResourceType& unit_type() {
    return type;
}

}  // namespace chaos::resources
