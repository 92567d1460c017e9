// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>

#include "flatpaks.hpp"
#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"

namespace chaos::resources {
namespace {

struct Flatpak {
    std::string id{};
    std::optional<std::string> remote{}, branch{}, commit{};
};

constexpr const char* flathub_url = "https://dl.flathub.org/repo/flathub.flatpakrepo";

/// `org.signal.Signal`, or with its branch, `org.gnome.Platform//46`: several branches of one may be there.
std::string clean_id(std::string_view id) {
    const auto slashes = id.find("//");
    const auto name = id.substr(0, slashes), branch = slashes == id.npos ? "1" : id.substr(slashes + 2);
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._-").find(c) != std::string_view::npos;
    };
    if (std::count(name.begin(), name.end(), '.') < 2 || !std::all_of(name.begin(), name.end(), fits) ||
        branch.empty() || !std::all_of(branch.begin(), branch.end(), fits))
        throw Error(fmt::format("expected the id of an application, found '{}'", id))
            .help("write it as flatpak search shows it: org.signal.Signal");
    return std::string(id);
}

std::string clean(std::string_view key) {
    return clean_owned(key, clean_id);
}

constexpr Field fields[] = {
    schema::key<&Flatpak::id>("id", "The application or runtime; of several branches one as ID//BRANCH.")
        .example("org.signal.Signal"),
    schema::property<&Flatpak::remote>("remote", "Where it comes from.")
        .example("flathub")
        .otherwise("where it came from; flathub for a new one"),
    schema::property<&Flatpak::branch>("branch", "Which of its branches.").example("stable").otherwise("as it is"),
    schema::seen<&Flatpak::commit>("commit", "Its version.")
        .example("6dfe12f64fd0ef05e244d08acae0e57750b5f8c352b53c541acf9ffc3a096df3"),
};

// Applications need what packages bring, flatpak itself among them.
constexpr Schema flatpak_schema =
    schema::of<Flatpak>(
        "flatpak", "flatpaks", Order::session,
        "An application of flatpak, with the runtime it needs: for everybody, or with `user` in that "
        "person's own installation. Where it goes, a runtime that nobody else needs goes along, and its "
        "data in ~/.var/app stays.",
        fields)
        .body("remote")
        .requires_({.live = true, .root = true})
        .of_persons()
        .keyed(clean);

/// One that is installed, as its directories tell.
struct Installed {
    std::string kind{}, arch{}, branch{}, commit{}, remote{};
    std::string ref(const std::string& id) const { return fmt::format("{}/{}/{}/{}", kind, id, arch, branch); }
};

struct Name {
    std::string id{}, branch{};
};
Name name_of(const std::string& key) {
    const auto slashes = key.find("//");
    if (slashes == key.npos) return {key, {}};
    return {key.substr(0, slashes), key.substr(slashes + 2)};
}

std::optional<Installed> look_at(const View& view, const std::string& base, const char* kind, const std::string& arch,
                                 const std::string& branch) {
    Installed one{.kind = kind, .arch = arch, .branch = branch};
    const auto place = fmt::format("{}/{}/{}", base, arch, branch);
    if (view->look(place + "/active", &one.commit).kind != Entry::Kind::link) return std::nullopt;
    std::string deployed;  // where it came from is the first text of what flatpak notes of it
    view->look(fmt::format("{}/{}/deploy", place, one.commit), &deployed);
    one.remote = deployed.substr(0, deployed.find('\0'));
    return one;
}

/// The branch that is asked for, else the one that is run, else any.
std::optional<Installed> installed(const View& view, const Installation& where, const Name& name,
                                   const std::string& branch) {
    for (const char* kind : {"app", "runtime"}) {
        const auto base = fmt::format("{}/{}/{}", where.directory, kind, name.id);
        std::string current;
        if (branch.empty() && view->look(base + "/current", &current).kind == Entry::Kind::link)
            if (const auto slash = current.find('/'); slash != current.npos)
                if (auto one = look_at(view, base, kind, current.substr(0, slash), current.substr(slash + 1)))
                    return one;
        for (const auto& arch : view->list(base)) {
            if (arch == "current") continue;
            for (const auto& each : view->list(base + "/" + arch))
                if (branch.empty() || each == branch)
                    if (auto one = look_at(view, base, kind, arch, each)) return one;
        }
    }
    return std::nullopt;
}

/// What the metadata of an application says that it runs on.
Name runtime_in(std::string_view metadata) {
    for (const auto line : lines_of(metadata)) {
        if (!line.starts_with("runtime=")) continue;
        const auto ref = line.substr(8);  // ID/ARCH/BRANCH
        const auto first = ref.find('/'), last = ref.rfind('/');
        if (first != ref.npos && first != last)
            return {std::string(ref.substr(0, first)), std::string(ref.substr(last + 1))};
    }
    return {};
}

std::string metadata_of(const View& view, const Installation& where, const std::string& id, const Installed& one) {
    std::string text;
    view->look(
        fmt::format("{}/{}/{}/{}/{}/{}/metadata", where.directory, one.kind, id, one.arch, one.branch, one.commit),
        &text);
    return text;
}

/// Whether somebody installed it for itself (flatpak pins it then), or an application that is there runs on it.
bool is_needed(const View& view, const Installation& where, const Name& runtime) {
    std::string config;
    view->look(where.directory + "/repo/config", &config);
    for (const auto line : lines_of(config))
        if (line.starts_with("xa.pinned=") && line.find("runtime/" + runtime.id + "/") != line.npos) return true;
    const auto apps = where.directory + "/app";
    for (const auto& id : view->list(apps))
        for (const auto& arch : view->list(fmt::format("{}/{}", apps, id))) {
            if (arch == "current") continue;
            for (const auto& branch : view->list(fmt::format("{}/{}/{}", apps, id, arch)))
                if (const auto one = look_at(view, fmt::format("{}/{}", apps, id), "app", arch, branch)) {
                    const auto other = runtime_in(metadata_of(view, where, id, *one));
                    if (other.id == runtime.id && other.branch == runtime.branch) return true;
                }
        }
    return false;
}

std::string branch_of(const Flatpak& spec, const Name& name) {
    return name.branch.empty() ? spec.branch.value_or("") : name.branch;
}

class FlatpakType final : public TypedResource<Flatpak> {
public:
    constexpr FlatpakType() : TypedResource(flatpak_schema) {}

    std::optional<Flatpak> observe(const View& view, const Flatpak& wanted, bool whole) const override {
        const auto [person, key] = owned(wanted.id);
        const auto name = name_of(key);
        const auto there = installed(view, installation_of(view, person), name, name.branch);
        if (!there) return std::nullopt;
        Flatpak found{.id = wanted.id};
        if (whole || wanted.remote) found.remote = there->remote;
        if (whole || wanted.branch) found.branch = there->branch;
        if (whole || wanted.commit) found.commit = there->commit;
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Flatpak& spec = *resource.wanted.as<Flatpak>();
        const auto name = name_of(owned(spec.id).name);
        if (!resource.absent && spec.branch && !name.branch.empty() && *spec.branch != name.branch)
            problems.add(Error(resource.where, fmt::format("{} is of the branch {}, and branch says {}", spec.id,
                                                           name.branch, *spec.branch))
                             .help("say it once"));
    }

    /// Where a new one comes from, and the runtime that it needs: its remote tells that, where it is known already.
    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        std::vector<Companion> companions;
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            const Flatpak* after = change.after.as<Flatpak>();
            if (!after || change.before) continue;
            Flatpak goal = *after;
            if (!goal.remote) goal.remote = "flathub";
            const auto person = owned(goal.id).person;
            const auto where = installation_of(view, person);
            if (!remote_of(view, where, *goal.remote)) {
                const auto key = key_of({person, *goal.remote});
                if (*goal.remote == "flathub")
                    companions.push_back({{{"flatpak_remote", key}, {}, remote_state(key, flathub_url), change.where},
                                          i,
                                          &flatpak_remote_type()});
            } else if (has_flatpak(view.host())) {
                add_runtime(view, where, goal, i, change, companions, problems);
            }
            change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
        }
        return companions;
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const Flatpak& spec = *state.as<Flatpak>();
        const auto person = owned(spec.id).person;
        claims.push_back({Claim::Role::provides, "flatpak:" + spec.id});
        claims.push_back({Claim::Role::needs, "remote:" + key_of({person, spec.remote.value_or("flathub")})});
        claims.push_back({Claim::Role::needs, "package:flatpak"});
        claims.push_back({Claim::Role::locks, "lock:flatpak"});
        if (!person.empty()) claims.push_back({Claim::Role::needs, "user:" + person});
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes) {
            const Flatpak* after = change.after.as<Flatpak>();
            if (!after || change.before) continue;
            const auto where = installation_of(view, owned(after->id).person);
            if (!has_flatpak(view.host()))
                problems.note(Error(change.where, "there is no flatpak yet: something of this run has to bring it")
                                  .help("packages: [flatpak]"));
            else if (!remote_of(view, where, after->remote.value_or("")))
                problems.note(Error(change.where, fmt::format("there is no remote {} yet, so what comes along with {} "
                                                              "is not known",
                                                              after->remote.value_or(""), owned(after->id).name))
                                  .help(fmt::format("flatpak_remotes: {{{}: URL}}", after->remote.value_or(""))));
        }
    }

    /// What was removed comes from its remote again, if that has it still.
    Undo undo_of(const Change& change) const override { return change.before ? Undo::effort : Undo::exact; }
    Way way() const override { return Way::calls; }

    void apply(WritableHost& host, const Flatpak* from, const Flatpak* to, bool) const override {
        const View view(host);
        const auto [person, key] = owned(to ? to->id : from->id);
        const auto where = installation_of(view, person);
        const auto name = name_of(key);
        const auto there = installed(view, where, name, name.branch);
        const auto run = [&](std::vector<std::string> words, std::vector<std::string> more) {
            words.insert(words.end(), {"--assumeyes", "--noninteractive"});
            const auto command = flatpak(view, where, std::move(words), std::move(more));
            if (const auto output = host.run(command); output.status != 0) throw failed(command, output);
        };
        if (!to) {
            if (!there) return;
            const auto runtime = runtime_in(metadata_of(view, where, name.id, *there));
            run({"uninstall"}, {there->ref(name.id)});
            if (runtime.id.empty()) return;
            const View now(host);
            const auto left = installed(now, where, runtime, runtime.branch);
            if (left && !is_needed(now, where, runtime)) run({"uninstall"}, {left->ref(runtime.id)});
            return;
        }
        const auto branch = branch_of(*to, name);
        const bool as_asked =
            there && (branch.empty() || there->branch == branch) && (!to->remote || there->remote == *to->remote);
        if (!as_asked) {
            auto what = branch.empty() ? name.id : name.id + "//" + branch;
            run({"install", "--reinstall"}, {to->remote.value_or("flathub"), std::move(what)});
            if (there && !branch.empty() && there->branch != branch) run({"uninstall"}, {there->ref(name.id)});
        }
        if (!to->commit) return;
        const View now(host);
        const auto made = installed(now, where, name, branch);
        if (made && made->commit != *to->commit) run({"update", "--commit=" + *to->commit}, {made->ref(name.id)});
    }

private:
    static void add_runtime(const View& view, const Installation& where, const Flatpak& goal, std::size_t because,
                            const Change& change, std::vector<Companion>& companions, Diagnostics& problems) {
        const auto name = name_of(owned(goal.id).name);
        const auto branch = branch_of(goal, name);
        const auto what = branch.empty() ? name.id : name.id + "//" + branch;
        const auto command = flatpak(view, where, {"remote-info"}, {"--show-metadata", *goal.remote, what});
        const auto output = view->ask(command);
        if (output.status != 0) {
            std::string why = output.err.substr(0, output.err.find('\n'));
            if (why.starts_with("error: ")) why.erase(0, 7);
            const bool unknown = why.find("No such ref") != why.npos || why.find("Error searching") != why.npos ||
                                 why.find("not found") != why.npos || why.find("Nothing matches") != why.npos ||
                                 why.find("No entry for") != why.npos;
            Error error(change.where, fmt::format("{} does not tell of {}: {}", *goal.remote, what, why));
            if (unknown)
                problems.add(std::move(error).help(fmt::format("flatpak search {}", name.id)));
            else
                problems.note(std::move(error).help("what comes along with it is not known"));
            return;
        }
        const Name runtime = runtime_in(output.out);
        if (runtime.id.empty() || runtime.id == name.id || installed(view, where, runtime, runtime.branch) ||
            installed(view, installation_of(view, {}), runtime, runtime.branch))
            return;
        Flatpak needed{.id = key_of({where.person, runtime.id + "//" + runtime.branch}), .remote = goal.remote};
        const auto id = needed.id;
        const bool known = std::any_of(companions.begin(), companions.end(),
                                       [&](const Companion& c) { return c.change.id.key == id; });
        if (!known) companions.push_back({{{"flatpak", id}, {}, State::of(std::move(needed)), change.where}, because});
    }
};

constexpr FlatpakType type;

}  // namespace

const ResourceType& flatpak_type() {
    return type;
}

}  // namespace chaos::resources
